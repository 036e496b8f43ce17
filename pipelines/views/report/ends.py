"""Both ends of a run: the input files with their damage, the tokenizer, the packed rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow.parquet as pq

from pipelines.store.balance import files_read, in_shards, kept
from pipelines.store.fate import DROPPED, ERROR, total
from pipelines.store.manifest import UnitFile
from pipelines.views.report.histograms import Histogram, histogram
from pipelines.views.rows import ErrorRow
from pipelines.views.run_tables import RunTables
from tokenizer_training.model.sentencepiece_model import Kind
from tokenizer_training.model.tokenizer import Tokenizer
from tokenizer_training.shards.rows import CONTINUES, CUT

FILES: Final = 40
ERRORS: Final = 20
PIECES: Final = 40
EXAMPLES: Final = 6
EXAMPLE_CHARACTERS: Final = 320


@dataclass(frozen=True)
class FileRow:
    """One input file: its size in bytes, and its records and damaged spans as the extract stage counted them."""

    source: str
    file: str
    size: int
    records: int
    kept: int
    dropped: int
    errors: int
    damaged: int


@dataclass(frozen=True)
class Files:
    """Input files, those with errors or damage first.

    Attributes:
        rows: the first of them.
        files: how many files there are.
        errors: the first rows of the error table.
        all_errors: how many rows that table has.
    """

    rows: Sequence[FileRow]
    files: int
    errors: Sequence[ErrorRow]
    all_errors: int


def input_files(tables: RunTables) -> Files:
    """Return the input files of a run."""
    found = files_read(tables.manifests["extract"])
    rows = [
        FileRow(
            source,
            file,
            entry.size,
            entry.records.get("seen", 0),
            kept(entry.records),
            total(entry.records, DROPPED),
            total(entry.records, ERROR),
            entry.damaged_spans,
        )
        for (source, file), entry in found.items()
    ]
    rows.sort(key=lambda row: (-row.errors - row.damaged, -row.size, row.source, row.file))
    first = f'SELECT * FROM errors ORDER BY source, file, "offset", step LIMIT {ERRORS}'  # noqa: S608
    (count,) = tables.query("SELECT count(*) AS n FROM errors")
    return Files(rows[:FILES], len(rows), tables.rows(ErrorRow, first), count["n"])


@dataclass(frozen=True)
class TokenizerFacts:
    """The tokenizer of a run.

    Attributes:
        evaluation: the content of ``evaluation.json``.
        longest: its longest pieces, which show an unclean corpus.
        examples: the beginning of one finished document of each of the largest languages, as pieces.
    """

    evaluation: Mapping[str, Any]
    longest: Sequence[str]
    examples: Mapping[str, Sequence[str]]

    @property
    def rows(self) -> list[tuple[str, Mapping[str, Any]]]:
        """All text together, then each language, the one with most tokens first."""
        measured = self.evaluation["documents"] or self.evaluation["words"]
        languages = sorted(measured["languages"].items(), key=lambda item: (-item[1]["tokens"], item[0]))
        return [("all", measured["all"]), *languages]


def tokenizer(tables: RunTables) -> TokenizerFacts | None:
    """Return the facts of the tokenizer; None before it is trained."""
    if "train-tokenizer" not in tables.manifests:
        return None
    folder = tables.storage.path("tokenizer")
    found = json.loads((folder / "evaluation.json").read_bytes())
    trained = Tokenizer.load(folder)
    pieces = {
        piece.text.replace("\u2581", " ") for piece in trained.model.pieces if piece.kind == Kind.NORMAL
    }
    rows = tables.query(
        f"SELECT language, min_by(id, md5(id)) AS id FROM documents GROUP BY language "  # noqa: S608 - a number of ours
        f"ORDER BY count(*) DESC, language LIMIT {EXAMPLES}"
    )
    texts = tables.texts([row["id"] for row in rows])
    examples = {
        row["language"] or "unknown": piece_texts(trained, texts[row["id"]][:EXAMPLE_CHARACTERS])
        for row in rows
    }
    return TokenizerFacts(found, sorted(pieces, key=lambda piece: (-len(piece), piece))[:PIECES], examples)


def piece_texts(tokenizer: Tokenizer, text: str) -> list[str]:
    """Return text as pieces of a tokenizer; a piece that is one byte of a character is written ``<0xE2>``."""
    ids = tokenizer.encode(text)
    pieces = [tokenizer.model.pieces[number] for number in ids]
    return [
        piece.text if piece.kind == Kind.BYTE else tokenizer.decode([number])
        for piece, number in zip(pieces, ids, strict=True)
    ]


@dataclass(frozen=True)
class Packing:
    """How documents were packed into rows.

    Attributes:
        counts: the content of the shards, see `in_shards`; and ``tokens_over_budget``, which are not in them.
        settings: of the pack stage.
        documents: that begin in the shards; one that is packed twice counts twice.
        cut: those of them that did not fit into one row, or into the rest of one.
        documents_per_row: histogram.
        shards: path, rows, bytes.
    """

    counts: Mapping[str, int]
    settings: Mapping[str, Any]
    documents: int
    cut: int
    documents_per_row: Histogram | None
    shards: Sequence[UnitFile]


def packing(tables: RunTables) -> Packing | None:
    """Return the packing of a run; None before it is packed."""
    manifest = tables.manifests.get("pack")
    paths = tables.files("pack", "shards")
    if manifest is None:
        return None
    tokens = manifest.total("tokens")
    counts = {**in_shards(tokens), "tokens_over_budget": tokens.get("tokens_over_budget", 0)}
    shards = manifest.folder("shards")
    per_row, packed = None, {"documents": 0, "cut": 0}
    if paths:
        relation = f"read_parquet([{', '.join(map(_quoted, paths))}])"
        per_row = histogram(tables, "len(doc_ids)", relation)
        (packed,) = tables.query(
            f"SELECT count(*) FILTER (flags & {CONTINUES} = 0) AS documents, count(*) FILTER (flags = {CUT}) AS cut "  # noqa: S608 - our paths
            f"FROM (SELECT unnest(doc_flags) AS flags FROM {relation})"
        )
    settings = manifest.settings
    return Packing(counts, settings, packed["documents"], packed["cut"], per_row, shards)


def _quoted(path: str) -> str:
    return "'{}'".format(path.replace("'", "''"))


def shard_header(tables: RunTables) -> Mapping[str, str]:
    """Return the key-value metadata that every shard carries."""
    paths = tables.files("pack", "shards")
    found = pq.read_schema(paths[0]).metadata if paths else {}
    return {key.decode(): value.decode() for key, value in (found or {}).items()}
