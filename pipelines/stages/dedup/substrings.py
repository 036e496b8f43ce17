"""Step 6 of the dedup stage: passages that an earlier text has too are found over the corpus and removed.

See `filters.dedup.substrings`. The texts are those that are left when duplicates and, if the recipe has ``lines``,
frequent lines are gone; texts of older runs are not read again. Every unit reads its texts twice: to count anchors,
and to hash the passages whose anchor occurs twice in the corpus. The partition of a passage's hash finds its first
occurrence and reports it to the units of the others.

Memory: the records of one partition, 64 MiB where two in five words are repeated, and in proportion, times four to
sort them; 70 bytes for each passage of a unit that goes. Disk: 52 bytes for each word of a passage that occurs twice,
36 more where it goes, and one byte for each other word. A text of which 15 % goes needs three times its size; 5 %, its
size.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from filters.dedup.substrings import PASSAGE, REPEAT, Array, Substrings
from filters.dedup.tokens import cut_tokens, without_spans
from pipelines.errors import InputError
from pipelines.recipe.recipe import Dedup
from pipelines.stages.dedup.counts import FREQUENT, count_of, counts_to_partitions, frequent_to_units
from pipelines.stages.dedup.kept_texts import with_texts
from pipelines.stages.dedup.lines import texts_left
from pipelines.stages.dedup.records import (
    Keyed,
    Received,
    documents,
    gather,
    grouped,
    ordinals,
    rows_of,
    scatter,
    write_records,
)
from pipelines.stages.dedup.search import Search, SearchUnit, Sizes
from pipelines.store.folders import REMOVED_SUBSTRINGS

TABLE: Final = "substrings"
"""Name of the tables of the spans of a unit that go."""
_ANCHORS: Final = "anchors"
_RECORD_BYTES: Final = 4
"""Bytes of records per byte of text, where two in five words are repeated."""


def partitions_for(text_bytes: int, sizes: Sizes) -> int:
    """Return the number of partitions for a size of text."""
    return 1 + text_bytes * _RECORD_BYTES // sizes.partition_bytes


def anchors_to_partitions(unit: SearchUnit, search: Search) -> Iterator[Keyed]:
    """Yield (partition, records of dtype `COUNT`) of one unit: its anchors."""
    if unit.ordinal >= search.own_units:
        return
    rule, found = rule_of(search.dedup), [np.empty(0, dtype=np.uint64)]
    for _, text, scope in texts_left(unit, search):
        found.append(rule.anchors(cut_tokens(text, scope).hashes)[0])
    anchors = np.concatenate(found)
    yield from counts_to_partitions(_ANCHORS, unit.ordinal, anchors, search.passage_partitions, search)


def repeated_to_units(received: Received, search: Search) -> Iterator[Keyed]:
    """Yield (ordinal of a unit, records of dtype `FREQUENT`) of one partition: anchors that occur twice."""
    yield from frequent_to_units(received, search, _ANCHORS, 1)


def passages_to_partitions(received: Received, search: Search) -> Iterator[Keyed]:
    """Yield (partition, records of dtype `PASSAGE`) of one unit, given its anchors that occur twice."""
    ordinal, batches = received
    (anchors,) = gather(batches, FREQUENT)
    anchors = anchors[np.argsort(anchors["hash"])]
    for number, passages in enumerate(_passages(search.units()[ordinal], anchors, search)):
        partition = (passages["high"] % np.uint64(search.passage_partitions)).astype(np.int64)
        yield from scatter("passages-to-partitions", f"{ordinal}-{number}", partition, passages, search)


def repeats_to_units(received: Received, search: Search) -> Iterator[Keyed]:
    """Yield (ordinal of a unit, records of dtype `REPEAT`) of one partition: the passages of the unit that go."""
    partition, batches = received
    (passages,) = gather(batches, PASSAGE)
    repeats = rule_of(search.dedup).repeats(passages)
    yield from scatter("repeats-to-units", partition, ordinals(repeats["doc"]), repeats, search)


def write_spans(received: Received, search: Search) -> None:
    """Write the spans of one unit that go, by row and token."""
    ordinal, batches = received
    (repeats,) = gather(batches, REPEAT)
    spans = rule_of(search.dedup).spans(repeats)
    spans["doc"] = rows_of(spans["doc"])  # without the unit's ordinal, which changes as units come and go
    write_records(search.storage, TABLE, ordinal, spans)


def remove_substrings(rows: pa.Table, ids: pa.Array, start: int, spans: Array) -> tuple[pa.Table, pa.Table]:
    """Return documents without their spans that go, and the rows about these spans.

    A document with nothing left is removed. A document that loses nothing stays as it is.

    Args:
        rows: rows of ``documents/``.
        ids: of the rows of ``filtered/`` that `rows` were taken from, in order.
        start: number of the first of those rows.
        spans: dtype `SPAN`, of the unit, by row and token.
    """
    texts: list[str] = rows["text"].to_pylist()
    places = {one: place for place, one in enumerate(rows["id"].to_pylist())}
    first, last = np.searchsorted(spans["doc"], (start, start + len(ids)))
    removed: list[dict[str, Any]] = []
    for row, own in grouped(spans["doc"][first:last].astype(np.int64), spans[first:last]):
        doc_id = ids[row - start].as_py()
        text, tokens = texts[places[doc_id]], cut_tokens(texts[places[doc_id]])
        cuts = list(
            zip(tokens.starts[own["token"]].tolist(), tokens.ends[own["end"] - 1].tolist(), strict=True)
        )
        for (begin, end), keeper, keeper_start in zip(
            cuts, own["first"].tolist(), own["first_start"].tolist(), strict=True
        ):
            where = {"first": keeper.hex(), "first_start": keeper_start}
            removed.append({"id": doc_id, "start": begin, "text": text[begin:end], **where})
        texts[places[doc_id]] = without_spans(text, cuts)
    left = with_texts(rows, texts) if removed else rows
    return left, pa.Table.from_pylist(removed, REMOVED_SUBSTRINGS.schema)


def rule_of(dedup: Dedup) -> Substrings:
    """Return the recipe's rule; this step runs only if there is one."""
    if dedup.substrings is None:
        raise InputError("the recipe says `substrings: none`")
    return dedup.substrings


def _passages(unit: SearchUnit, anchors: Array, search: Search) -> Iterator[Array]:
    """Yield the passages of a unit whose anchor is one of these, about `Sizes.passages` at a time."""
    rule = rule_of(search.dedup)
    known = pq.read_table(unit.signatures, columns=["id", "rank"], use_threads=False)
    ids, ranks = known["id"].to_pylist(), known["rank"].to_pylist()
    found: list[Array] = []
    for row, text, scope in texts_left(unit, search):
        tokens = cut_tokens(text, scope)
        chosen = np.flatnonzero(count_of(rule.anchors(tokens.hashes)[1], anchors))
        if len(chosen):
            made = np.empty(len(chosen), dtype=PASSAGE)
            high, low = rule.passages(tokens.hashes)
            made["high"], made["low"] = high[chosen], low[chosen]
            made["id"], made["rank"] = np.frombuffer(ids[row], dtype="V16"), ranks[row]
            made["doc"] = documents(unit.ordinal, np.array([row]))
            made["token"], made["start"] = chosen, tokens.starts[chosen]
            found.append(made)
        if sum(map(len, found)) > search.sizes.passages:
            yield np.concatenate(found)
            found = []
    if found:
        yield np.concatenate(found)
