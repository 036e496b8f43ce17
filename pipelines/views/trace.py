"""``corpusmill trace``: from one training row back to its documents, their URLs and their bytes in the input."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow.parquet as pq

from pipelines.errors import InputError
from pipelines.store.manifest import read_current
from pipelines.store.storage import Storage
from pipelines.terminal import escape
from pipelines.views.found import Found
from pipelines.views.query import Query
from pipelines.views.run_tables import RunTables
from pipelines.views.show import records
from tokenizer_training.model.tokenizer import Tokenizer
from tokenizer_training.shards.rows import CONTINUES, CUT
from tokenizer_training.shards.schema import table_to_rows

TEXT_CHARACTERS: Final = 400
"""Shown of each text."""


@dataclass(frozen=True)
class Piece:
    """A document, or a part of one, in a training row.

    Attributes:
        record: the ledger's row of the document, with its finished ``text``.
        text: the text that its tokens decode to.
        extracted: the document's text before any step edited it.
        tokens: number of its tokens, EOS included.
        flags: 1 = continues a document, 2 = cut before its end.
    """

    record: Found
    text: str
    extracted: str
    tokens: int
    flags: int

    def as_json(self) -> str:
        """Return one line of JSON."""
        piece = {"packed": self.text, "extracted": self.extracted, "tokens": self.tokens, "flags": self.flags}
        return json.dumps(self.record.as_dict() | piece)

    def as_text(self) -> str:
        """Return where it is from and how its text begins, as packed and as extracted, for a terminal."""
        record = self.record
        marks = [word for flag, word in ((CONTINUES, "continues"), (CUT, "cut")) if self.flags & flag]
        same = self.text in self.extracted
        lines = [
            f"{record.id}  {self.tokens} tokens{''.join(f', {mark}' for mark in marks)}",
            record.url or "-",
            f"{record.source}:{record.file} bytes {record.offset} to {record.offset + record.length}, "
            f"record {record.index}",
            f"packed:\n{_beginning(self.text)}",
            "extracted: the same"
            if same
            else f"extracted, before it was edited:\n{_beginning(self.extracted)}",
        ]
        return escape("\n".join(lines))


def trace(storage: Storage, shard: str | None, row: int) -> Iterator[Piece]:
    """Yield the pieces of one row.

    Args:
        storage: the run.
        shard: name of a file in ``shards/``; None = the first.
        row: ordinal of the row in it.

    Raises:
        InputError: there is no such shard or row.
    """
    manifest = read_current(storage, "shards")
    names = [file.path.removeprefix("shards/") for file in manifest.folder("shards")]
    name = (shard or names[0]).removeprefix("shards/")
    if name not in names:
        raise InputError(
            f"{shard}: the manifest of shards/ does not name it; it names {', '.join(names[:5])}"
        )
    with pq.ParquetFile(storage.path(f"shards/{name}"), page_checksum_verification=True) as file:
        if not 0 <= row < file.metadata.num_rows:
            raise InputError(f"{name} has rows 0 to {file.metadata.num_rows - 1}, not {row}")
        group, first = _row_group(file, row)
        packed = table_to_rows(file.read_row_group(group).slice(row - first, 1))
    tokenizer = Tokenizer.load(storage.path("tokenizer"))
    names = [identity.tobytes().hex() for identity in packed.doc_ids]
    sql = "SELECT id, text FROM extracted WHERE id IN (SELECT unnest(?))"
    extracted = {found["id"]: found["text"] for found in RunTables(storage).query(sql, [names])}
    ends = np.cumsum(packed.doc_lens)
    for number, end in enumerate(ends):
        ids = packed.input_ids[0, end - packed.doc_lens[number] : end]
        text = tokenizer.decode(ids[:-1] if ids[-1] == tokenizer.eos_id else ids)
        record = next(records(storage, Query(doc=names[number])))
        yield Piece(record, text, extracted[names[number]], len(ids), int(packed.doc_flags[number]))


def _beginning(text: str) -> str:
    return text[:TEXT_CHARACTERS] + (" […]" if len(text) > TEXT_CHARACTERS else "")


def _row_group(file: pq.ParquetFile, row: int) -> tuple[int, int]:
    """Return the row group that holds a row, and its first row."""
    first = 0
    for group in range(file.metadata.num_row_groups):
        rows = file.metadata.row_group(group).num_rows
        if row < first + rows:
            return group, first
        first += rows
    raise InputError(f"there is no row {row}")
