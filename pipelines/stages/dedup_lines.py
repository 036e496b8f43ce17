"""Lines that many documents have, counted over the whole corpus and removed from its documents.

Every unit counts its own lines and sends each partition of line hashes what it found: the hash, in how many documents,
and the unit. A partition adds up and returns to each unit those of its lines that too many documents have. Counted are
the documents that stay when copies are gone, and those of this run only: texts of older runs are not read again.

Memory: 8 bytes for each line of a unit; a partition holds at most about 64 MiB of records.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from filters.dedup.lines import UNCOUNTED, Lines
from filters.dedup.units import Hashes
from pipelines.config import Dedup
from pipelines.errors import InputError
from pipelines.manifest import Folder
from pipelines.stages.dedup_search import (
    PARTITION_BYTES,
    Array,
    Keyed,
    Search,
    Unit,
    part_path,
    receive,
    send,
    write_records,
)
from pipelines.stages.dedup_signatures import scope_hash

KIND: Final = "lines"
BATCH_ROWS: Final = 1024

FOUND: Final = np.dtype([("line", "<u8"), ("documents", "<u4"), ("unit", "<u4")])
"""A line of a unit, and how many documents of the unit have it."""

FREQUENT: Final = np.dtype([("line", "<u8"), ("documents", "<u4")])
"""A line that goes, and how many documents have it."""

REMOVED_LINES: Final = Folder(
    "removed_lines",
    pa.schema(
        [
            pa.field("id", pa.string(), nullable=False),
            pa.field("place", pa.int32(), nullable=False),
            pa.field("text", pa.string(), nullable=False),
            pa.field("documents", pa.int32(), nullable=False),
        ]
    ),
)
"""One row per line that was removed from a document: its `place` among the lines of the text in ``filtered/``, from 0,
and how many `documents` have it. A document that has rows here and none in ``documents/`` had nothing else."""


def partitions_for(text_bytes: int, rule: Lines) -> int:
    """Return the number of partitions: so many that even the shortest lines make no more than 64 MiB of records."""
    most = text_bytes // (rule.min_characters + 1)
    return 1 + most * FOUND.itemsize // PARTITION_BYTES


def count_lines(unit: Unit, search: Search, partitions: int) -> Iterator[Keyed]:
    """Yield (partition, records of dtype `FOUND`) of one unit: the lines of its documents that stay."""
    if unit.ordinal >= search.own_units:
        return
    rule = rule_of(search.dedup)
    found = [np.empty(0, dtype=np.uint64)]
    for text, scope in _staying(unit, search):
        found.append(np.unique(rule.keys(rule.cut(text), scope)))
    lines, documents = np.unique(np.concatenate(found), return_counts=True)
    made = np.empty(len(lines), dtype=FOUND)
    made["line"], made["documents"], made["unit"] = lines, documents, unit.ordinal
    made = made[lines != UNCOUNTED]
    partition = (made["line"] % np.uint64(partitions)).astype(np.int64)
    yield from send("sent-lines", unit.ordinal, partition, made, search)


def find_frequent(partition: int, batches: Iterable[bytes], search: Search) -> Iterator[Keyed]:
    """Yield (ordinal of a unit, records of dtype `FREQUENT`) of one partition."""
    (records,) = receive(batches, FOUND)
    if not len(records):
        return
    records = records[np.argsort(records["line"])]
    _, starts, sizes = np.unique(records["line"], return_index=True, return_counts=True)
    totals = np.repeat(np.add.reduceat(records["documents"], starts), sizes)
    goes = totals > rule_of(search.dedup).max_documents
    made = np.empty(np.count_nonzero(goes), dtype=FREQUENT)
    made["line"], made["documents"] = records["line"][goes], totals[goes]
    yield from send("told-lines", partition, records["unit"][goes].astype(np.int64), made, search)


def write_frequent(ordinal: int, batches: Iterable[bytes], search: Search) -> None:
    """Write the lines of one unit that go, by hash."""
    (records,) = receive(batches, FREQUENT)
    write_records(search.storage, KIND, ordinal, records[np.argsort(records["line"])])


def remove_lines(documents: pa.Table, rule: Lines, scope: str, frequent: Array) -> tuple[pa.Table, pa.Table]:
    """Return the documents without their frequent lines, and the rows about these lines.

    A document of which nothing is left is not among the documents. One that loses nothing stays as it is.

    Args:
        documents: rows of ``documents/``.
        rule: what a line is.
        scope: the recipe's ``dedup.scope``.
        frequent: records of dtype `FREQUENT`, by line.
    """
    texts: list[str] = documents["text"].to_pylist()
    rows: list[dict[str, Any]] = []
    for n, (doc_id, seed) in enumerate(
        zip(documents["id"].to_pylist(), _seeds(documents, scope), strict=True)
    ):
        lines = rule.cut(texts[n])
        counts = _counts(rule.keys(lines, seed), frequent)
        gone = np.flatnonzero(counts).tolist()
        if gone:
            rows += [
                {"id": doc_id, "place": place, "text": lines[place], "documents": int(counts[place])}
                for place in gone
            ]
            texts[n] = without(rule, lines, gone)
    if rows:
        edited = documents.set_column(
            documents.column_names.index("text"), documents.schema.field("text"), pa.array(texts, pa.string())
        )
        documents = edited.filter(pa.array([bool(text) for text in texts]))
    return documents, pa.Table.from_pylist(rows, REMOVED_LINES.schema)


def without(rule: Lines, lines: Sequence[str], gone: Iterable[int]) -> str:
    """Return the text of the lines but those at some places; empty where nothing but white space is left."""
    places = set(gone)
    text = rule.join([line for place, line in enumerate(lines) if place not in places])
    return text if text and not text.isspace() else ""


def rule_of(dedup: Dedup) -> Lines:
    """Return the rule of a recipe; without one nothing here is called."""
    if dedup.lines is None:
        raise InputError("the recipe says `lines: none`")
    return dedup.lines


def _counts(keys: Hashes, frequent: Array) -> npt.NDArray[np.uint32]:
    """Return in how many documents each line is, 0 where it is not frequent."""
    found = np.zeros(len(keys), dtype=np.uint32)
    if len(frequent):
        places = np.minimum(np.searchsorted(frequent["line"], keys), len(frequent) - 1)
        hits = frequent["line"][places] == keys
        found[hits] = frequent["documents"][places[hits]]
    return found


def _staying(unit: Unit, search: Search) -> Iterator[tuple[str, int]]:
    """Yield text and scope of the documents of a unit that are no copies."""
    gone, start = _removed_rows(unit, search), 0
    scope = search.dedup.scope
    columns = ["text", *(() if scope == "global" else (scope,))]
    with pq.ParquetFile(unit.text, page_checksum_verification=True) as part:
        for batch in part.iter_batches(BATCH_ROWS, columns=columns, use_threads=False):
            stays = ~np.isin(np.arange(start, start + batch.num_rows), gone)
            kept = pa.Table.from_batches([batch]).filter(pa.array(stays))
            yield from zip(kept["text"].to_pylist(), _seeds(kept, scope), strict=True)
            start += batch.num_rows


def _removed_rows(unit: Unit, search: Search) -> Array:
    path = part_path("decisions", unit.unit)
    if not search.storage.exists(path):
        return np.empty(0, dtype=np.uint32)
    decisions = pq.read_table(search.storage.path(path), columns=["row", "layer"], use_threads=False)
    return decisions.filter(pc.is_valid(decisions["layer"]))["row"].to_numpy()  # type: ignore[no-any-return]


def _seeds(table: pa.Table, scope: str) -> list[int]:
    values = [""] * len(table) if scope == "global" else table[scope].to_pylist()
    return [scope_hash(value) for value in values]
