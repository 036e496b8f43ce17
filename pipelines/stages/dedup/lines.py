"""Step 5 of the dedup stage: lines of many documents are counted over the corpus, and removed from its documents.

Every unit counts its own lines and sends the counts to the partitions of their hashes. A partition adds up and returns
to each unit those of its lines that too many documents have. Only documents that remain when duplicates are gone
count, and only those of this run: texts of older runs are not read again.

Memory: 8 bytes for each line of a unit; a partition holds at most about 64 MiB of records.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from filters.dedup.lines import UNCOUNTED, Lines, without
from pipelines.errors import InputError
from pipelines.recipe.recipe import Dedup
from pipelines.stages.dedup.counts import COUNT, FREQUENT, count_of, counts_to_partitions, frequent_to_units
from pipelines.stages.dedup.kept_texts import kept_texts, seeds, with_texts
from pipelines.stages.dedup.records import Array, Keyed, Received, gather, read_records, write_records
from pipelines.stages.dedup.search import Search, SearchUnit, Sizes
from pipelines.store.folders import REMOVED_LINES

TABLE: Final = "lines"
"""Name of the tables of the lines of a unit that go."""


def partitions_for(text_bytes: int, rule: Lines, sizes: Sizes) -> int:
    """Return the number of partitions for a size of text, enough for the shortest lines that count."""
    most = text_bytes // (rule.min_characters + 1)
    return 1 + most * COUNT.itemsize // sizes.partition_bytes


def lines_to_partitions(unit: SearchUnit, search: Search) -> Iterator[Keyed]:
    """Yield (partition, records of dtype `COUNT`) of one unit: the lines of its documents that stay."""
    if unit.ordinal >= search.own_units:
        return
    rule = rule_of(search.dedup)
    found = [np.empty(0, dtype=np.uint64)]
    for _, text, scope in kept_texts(unit, search):
        found.append(np.unique(rule.keys(rule.cut(text), scope)))
    lines = np.concatenate(found)
    counted = lines[lines != UNCOUNTED]
    yield from counts_to_partitions(TABLE, unit.ordinal, counted, search.line_partitions, search)


def frequent_lines_to_units(received: Received, search: Search) -> Iterator[Keyed]:
    """Yield (ordinal of a unit, records of dtype `FREQUENT`) of one partition: the lines of the unit that go."""
    most = rule_of(search.dedup).max_documents
    yield from frequent_to_units(received, search, TABLE, most)


def write_lines(received: Received, search: Search) -> None:
    """Write the lines of one unit that go, by hash."""
    ordinal, batches = received
    (records,) = gather(batches, FREQUENT)
    write_records(search.storage, TABLE, ordinal, records[np.argsort(records["hash"])])


def texts_left(unit: SearchUnit, search: Search) -> Iterator[tuple[int, str, int]]:
    """Yield row, text and scope of the documents of a unit that stay, without their frequent lines."""
    rule = search.dedup.lines
    frequent = read_records(search.storage, TABLE, [unit.ordinal], FREQUENT)
    for row, text, scope in kept_texts(unit, search):
        if rule is not None and len(frequent):
            lines, counts = _frequent_lines(text, scope, rule, frequent)
            yield row, without(rule, lines, np.flatnonzero(counts).tolist()) if counts.any() else text, scope
        else:
            yield row, text, scope


def remove_lines(documents: pa.Table, rule: Lines, scope: str, frequent: Array) -> tuple[pa.Table, pa.Table]:
    """Return the documents without their frequent lines, and the rows about these lines.

    A document with nothing left is removed. A document that loses nothing stays as it is.

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
    """Return the recipe's rule; this step runs only if there is one."""
    if dedup.lines is None:
        raise InputError("the recipe says `lines: none`")
    return dedup.lines


def _frequent_lines(
    text: str, scope: int, rule: Lines, frequent: Array
) -> tuple[list[str], npt.NDArray[np.uint32]]:
    """Return the lines of a text, and in how many documents each is, 0 where it is not frequent."""
    lines = rule.cut(text)
    return lines, count_of(rule.keys(lines, scope), frequent)
