"""The tables of a repository, written from the tables of a run: few files per language, split as the shards are."""

from __future__ import annotations

import hashlib
import heapq
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.publish.files import RepoFile
from pipelines.publish.split_writer import FILE_BYTES, SplitWriter
from pipelines.store.fate import DROPPED
from pipelines.store.folders import language_folder
from pipelines.store.manifest import UnitFile
from pipelines.store.tables import DOCUMENTS
from pipelines.views.run_tables import RunTables
from tokenizer_training.model.split import is_validation

ROOT: Final = "work/publish"
"""Folder of a run for the written tables."""
BATCH_ROWS: Final = 1024
SAMPLE_ROWS: Final = 1000
OTHER_LANGUAGE: Final = "other"
"""Configuration of documents without a language, or with a label that is no language code."""

PUBLISHED_DOCUMENTS: Final = DOCUMENTS.append(pa.field("token_count", pa.int32()))
"""Documents with their number of tokens; null if the run was not packed."""

PUBLISHED_DROPPED: Final = pa.schema(
    [(name, pa.string()) for name in ("id", "url", "source", "language")]
    + [("language_score", pa.float64()), ("text", pa.string())]
    + [(name, pa.string()) for name in ("step", "reason", "keeper")]
)
"""Removed documents, with the text that the steps saw. Duplicates have step ``dedup`` and name their keeper."""

_LANGUAGE = re.compile(r"[a-z]{2,3}([_-][A-Za-z]{2,8})*")


def language_config(language: str | None) -> str:
    """Return the configuration for documents of a language: its folder in the shards if the label is a language code.

    All other labels share ``other``: some, such as ``sample``, are the names of other configurations.

    >>> language_config("en"), language_config("zho_Hans"), language_config("sample"), language_config(None)
    ('en', 'zho_Hans', 'other', 'other')
    """
    return language_folder(language) if language and _LANGUAGE.fullmatch(language) else OTHER_LANGUAGE


def write_documents(tables: RunTables, file_bytes: int = FILE_BYTES) -> list[RepoFile]:
    """Write the finished documents by language and split, and the sample of the training split; return the files."""
    share = _validation_share(tables)
    smallest: list[tuple[int, pa.Table]] = []
    with SplitWriter(tables.storage, ROOT, PUBLISHED_DOCUMENTS, file_bytes) as writer:
        for batch in _documents(tables):
            rows = batch.select(["id", "language"]).to_pylist()
            places = [(f"data/{language_config(r['language'])}", _split(r["id"], share)) for r in rows]
            for place in dict.fromkeys(places):
                chosen = [n for n, other in enumerate(places) if other == place]
                writer.write(*place, batch.take(chosen))
            _draw(smallest, batch, places)
    folders = {file.path.rpartition("/")[0] for file in writer.files({})}
    files = writer.files({folder: folder.removeprefix("data/") for folder in folders})
    with SplitWriter(tables.storage, ROOT, PUBLISHED_DOCUMENTS, file_bytes) as writer:
        drawn = [row for _, row in sorted(smallest, key=lambda item: -item[0])]
        sample = pa.concat_tables([PUBLISHED_DOCUMENTS.empty_table(), *drawn])
        writer.write("sample", "train", sample.combine_chunks())
    return [*files, *writer.files({})]


def _validation_share(tables: RunTables) -> float:
    pack = tables.manifests.get("pack")
    return float(pack.settings["validation"]) if pack else 0.0


def _split(identity: str, share: float) -> str:
    return "validation" if is_validation(identity, share) else "train"


def _draw(smallest: list[tuple[int, pa.Table]], batch: pa.Table, places: list[tuple[str, str]]) -> None:
    """Keep the training documents with the smallest hashes of their ids: a sample that anyone can draw again."""
    for n, (_, split) in enumerate(places):
        key = -int.from_bytes(hashlib.md5(batch["id"][n].as_py().encode(), usedforsecurity=False).digest())
        if split == "train" and (len(smallest) < SAMPLE_ROWS or key > smallest[0][0]):
            row = (key, batch.take([n]))  # a copy: a slice would keep the whole batch in memory
            if len(smallest) < SAMPLE_ROWS:
                heapq.heappush(smallest, row)
            else:
                heapq.heapreplace(smallest, row)


def _documents(tables: RunTables) -> Iterator[pa.Table]:
    """Yield the finished documents with their token counts, a batch at a time."""
    storage = tables.storage
    counts = _by_unit(tables, "pack", "token_counts")
    for file in tables.manifests["dedup"].documents():
        tokens = pq.read_table(storage.path(counts[file.unit])) if file.unit in counts else None
        first = 0
        for batch in _batches(tables, file.path):
            table = pa.Table.from_batches([batch])
            if "cluster_size" not in table.column_names:  # dedup is off: these are the filtered documents
                table = table.append_column("cluster_size", pa.array([1] * len(table), pa.int32()))
            column = pa.nulls(len(table), pa.int32())
            if tokens is not None:
                column = tokens["token_count"].slice(first, len(table))
            yield table.append_column(PUBLISHED_DOCUMENTS.field("token_count"), column).cast(
                PUBLISHED_DOCUMENTS
            )
            first += len(table)


def write_dropped(tables: RunTables, file_bytes: int = FILE_BYTES) -> list[RepoFile]:
    """Write the documents that steps dropped or dedup removed, with text, step and reason; return the files."""
    extracted = _by_unit(tables, "extract", "extracted")
    with SplitWriter(tables.storage, ROOT, PUBLISHED_DROPPED, file_bytes) as writer:
        for unit, ledger in _by_unit(tables, "filter", "ledger").items():
            for rows in _dropped(tables, ledger, extracted[unit]):
                writer.write("dropped", "train", rows)
        filtered = _by_unit(tables, "filter", "filtered")
        emptied = {row["id"]: row["layer"] for row in tables.query("SELECT id, layer FROM emptied")}
        for unit, duplicates in _by_unit(tables, "dedup", "duplicates").items():
            writer.write("dropped", "train", _removed(tables, duplicates, filtered[unit], emptied))
    return writer.files({})


def _dropped(tables: RunTables, ledger: str, extracted: str) -> Iterator[pa.Table]:
    """Yield the dropped rows of one unit: ledger and texts have the same rows in the same order."""
    columns = ["id", "url", "source", "language", "language_score", "decision", "step", "reason"]
    texts = pq.ParquetFile(tables.storage.path(extracted)).iter_batches(BATCH_ROWS, columns=["id", "text"])
    rows = pq.ParquetFile(tables.storage.path(ledger)).iter_batches(BATCH_ROWS, columns=columns)
    for row, text in zip(rows, texts, strict=True):
        table = pa.Table.from_batches([row])
        table = table.append_column("text", text["text"]).append_column(
            "keeper", pa.nulls(len(table), pa.string())
        )
        wanted = pa.compute.and_(pa.compute.equal(table["decision"], DROPPED), table["text"].is_valid())
        yield table.filter(wanted).select(PUBLISHED_DROPPED.names).cast(PUBLISHED_DROPPED)


def _removed(tables: RunTables, duplicates: str, filtered: str, emptied: Mapping[str, str]) -> pa.Table:
    rows = pq.read_table(tables.storage.path(duplicates)).to_pylist()
    removed: dict[str, dict[str, Any]] = {
        one: {"layer": layer, "keeper": None} for one, layer in emptied.items()
    }
    removed |= {row["id"]: row for row in rows if not row["kept"]}
    found = []
    for batch in _batches(tables, filtered):
        for row in batch.filter(
            pa.compute.is_in(batch["id"], pa.array(list(removed), pa.string()))
        ).to_pylist():
            copy = removed[row["id"]]
            found.append({**row, "step": "dedup", "reason": copy["layer"], "keeper": copy["keeper"]})
    return pa.Table.from_pylist(found, PUBLISHED_DROPPED)


def write_ledger(tables: RunTables, file_bytes: int = FILE_BYTES) -> list[RepoFile]:
    """Write the ledger; return the files."""
    parts = _by_unit(tables, "filter", "ledger")
    schema = pq.read_schema(tables.storage.path(next(iter(parts.values()))))
    with SplitWriter(tables.storage, ROOT, schema, file_bytes) as writer:
        for part in parts.values():
            for batch in _batches(tables, part):
                writer.write("ledger", "train", pa.Table.from_batches([batch]))
    return writer.files({})


def shard_files(tables: RunTables) -> list[RepoFile]:
    """Return the token shards unchanged; where each language has its own shards, each is a configuration."""
    files = tables.manifests["pack"].folder("shards")
    return [_as_is(tables, file, file.path, file.path.rpartition("/")[0].replace("/", "_")) for file in files]


def tokenizer_files(tables: RunTables) -> list[RepoFile]:
    """Return the files of the tokenizer unchanged, at the top of their repository."""
    files = tables.manifests["train-tokenizer"].folder("tokenizer")
    return [_as_is(tables, file, file.path.removeprefix("tokenizer/"), None) for file in files]


def _as_is(tables: RunTables, file: UnitFile, path: str, config: str | None) -> RepoFile:
    local = tables.storage.path(file.path)
    split = path.rpartition("/")[2].partition("-")[0] if config else None
    memory = 0
    if config:
        metadata = pq.read_metadata(local)
        memory = sum(metadata.row_group(n).total_byte_size for n in range(metadata.num_row_groups))
    return RepoFile(path, local, file.bytes, file.sha256, file.rows, memory, config, split)


def _batches(tables: RunTables, path: str) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(tables.storage.path(path), page_checksum_verification=True) as part:
        yield from part.iter_batches(BATCH_ROWS)


def _by_unit(tables: RunTables, stage: str, folder: str) -> dict[str, str]:
    files = tables.manifests[stage].by_unit(folder) if stage in tables.manifests else {}
    return {unit: file.path for unit, file in files.items()}
