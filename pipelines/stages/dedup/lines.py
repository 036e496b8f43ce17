"""Lines that many documents have, counted over the whole corpus and removed from its documents.

Every unit counts its own lines and sends each partition of line hashes what it found: the hash, in how many documents,
and the unit. A partition adds up and returns to each unit those of its lines that too many documents have. Counted are
the documents that stay when copies are gone, and those of this run only: texts of older runs are not read again.

Memory: 8 bytes for each line of a unit; a partition holds at most about 64 MiB of records.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from filters.dedup.lines import UNCOUNTED, Lines, without
from pipelines.errors import InputError
from pipelines.recipe.recipe import Dedup
from pipelines.stages.dedup.counts import FOUND, FREQUENT, count_of, send_counts
from pipelines.stages.dedup.search import (
    PARTITION_BYTES,
    Array,
    Keyed,
    Search,
    Unit,
    read_records,
    receive,
    write_records,
)
from pipelines.stages.dedup.texts import seeds, staying, with_texts
from pipelines.store.folders import REMOVED_LINES

KIND: Final = "lines"


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
    for _, text, scope in staying(unit, search):
        found.append(np.unique(rule.keys(rule.cut(text), scope)))
    lines = np.concatenate(found)
    yield from send_counts(KIND, unit.ordinal, lines[lines != UNCOUNTED], partitions, search)


def write_frequent(ordinal: int, batches: Iterable[bytes], search: Search) -> None:
    """Write the lines of one unit that go, by hash."""
    (records,) = receive(batches, FREQUENT)
    write_records(search.storage, KIND, ordinal, records[np.argsort(records["hash"])])


def texts_left(unit: Unit, search: Search) -> Iterator[tuple[int, str, int]]:
    """Yield row, text and scope of the documents of a unit that stay, without their frequent lines."""
    rule = search.dedup.lines
    frequent = read_records(search.storage, KIND, [unit.ordinal], FREQUENT)
    for row, text, scope in staying(unit, search):
        if rule is not None and len(frequent):
            lines, counts = _frequent_lines(text, scope, rule, frequent)
            yield row, without(rule, lines, np.flatnonzero(counts).tolist()) if counts.any() else text, scope
        else:
            yield row, text, scope


def remove_lines(documents: pa.Table, rule: Lines, scope: str, frequent: Array) -> tuple[pa.Table, pa.Table]:
    """Return the documents without their frequent lines, and the rows about these lines.

    A document of which nothing is left is not among the documents. One that loses nothing stays as it is.

    Args:
        documents: rows of ``documents/``.
        rule: what a line is.
        scope: the recipe's ``dedup.scope``.
        frequent: records of dtype `FREQUENT`, by hash.
    """
    texts: list[str] = documents["text"].to_pylist()
    rows: list[dict[str, Any]] = []
    for n, (doc_id, seed) in enumerate(
        zip(documents["id"].to_pylist(), seeds(documents, scope), strict=True)
    ):
        lines, counts = _frequent_lines(texts[n], seed, rule, frequent)
        gone = np.flatnonzero(counts).tolist()
        if gone:
            rows += [
                {"id": doc_id, "place": place, "text": lines[place], "documents": int(counts[place])}
                for place in gone
            ]
            texts[n] = without(rule, lines, gone)
    left = with_texts(documents, texts) if rows else documents
    return left, pa.Table.from_pylist(rows, REMOVED_LINES.schema)


def rule_of(dedup: Dedup) -> Lines:
    """Return the rule of a recipe; without one nothing here is called."""
    if dedup.lines is None:
        raise InputError("the recipe says `lines: none`")
    return dedup.lines


def _frequent_lines(
    text: str, scope: int, rule: Lines, frequent: Array
) -> tuple[list[str], npt.NDArray[np.uint32]]:
    """Return the lines of a text, and in how many documents each is, 0 where it is not frequent."""
    lines = rule.cut(text)
    return lines, count_of(rule.keys(lines, scope), frequent)
