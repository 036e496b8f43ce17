"""Passages that a text before has too, found over the whole corpus and removed: see `filters.dedup.substrings`.

The texts are those that are left when copies and, where the recipe has ``lines``, frequent lines are gone; texts of
older runs are not read again. Every unit reads its texts twice: to count anchors, and to hash the passages whose anchor
stands twice in the corpus. The partition of a passage's hash tells the units of all but the first where that one is.

Memory: the records of one partition, 64 MiB where two in five words are repeated, and in proportion, times four to
sort them; 70 bytes for each passage of a unit that goes. Disk: 52 bytes for each word of a passage that stands twice,
36 more where it goes, and one byte for each other word. A text of which 15 % goes needs three times its size; 5 %, its
size.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from filters.dedup.substrings import PASSAGE, REPEAT, Array, Substrings
from filters.dedup.tokens import cut_tokens, without_spans
from pipelines.errors import InputError
from pipelines.recipe.recipe import Dedup
from pipelines.stages.dedup.counts import FREQUENT, count_of, send_counts
from pipelines.stages.dedup.lines import texts_left
from pipelines.stages.dedup.search import (
    PARTITION_BYTES,
    Keyed,
    Search,
    Unit,
    deal,
    documents,
    ordinals,
    receive,
    rows_of,
    send,
    write_records,
)
from pipelines.stages.dedup.texts import with_texts
from pipelines.store.folders import REMOVED_SUBSTRINGS

KIND: Final = "substrings"
BATCH_RECORDS: Final = 1 << 20
_BYTES_PER_BYTE: Final = 4


def partitions_for(text_bytes: int) -> int:
    """Return the number of partitions for so many bytes of text."""
    return 1 + text_bytes * _BYTES_PER_BYTE // PARTITION_BYTES


def count_anchors(unit: Unit, search: Search, partitions: int) -> Iterator[Keyed]:
    """Yield (partition, anchors and how often they stand there) of one unit."""
    if unit.ordinal >= search.own_units:
        return
    rule, found = rule_of(search.dedup), [np.empty(0, dtype=np.uint64)]
    for _, text, scope in texts_left(unit, search):
        found.append(rule.anchors(cut_tokens(text, scope).hashes)[0])
    yield from send_counts("anchors", unit.ordinal, np.concatenate(found), partitions, search)


def send_passages(
    ordinal: int, batches: Iterable[bytes], search: Search, units: Sequence[Unit], partitions: int
) -> Iterator[Keyed]:
    """Yield (partition, records of dtype `PASSAGE`) of one unit that is told its anchors that stand twice."""
    (anchors,) = receive(batches, FREQUENT)
    anchors = anchors[np.argsort(anchors["hash"])]
    for number, passages in enumerate(_passages(units[ordinal], anchors, search)):
        partition = (passages["high"] % np.uint64(partitions)).astype(np.int64)
        yield from send("sent-passages", f"{ordinal}-{number}", partition, passages, search)


def find_firsts(partition: int, batches: Iterable[bytes], search: Search) -> Iterator[Keyed]:
    """Yield (ordinal of a unit, records of dtype `REPEAT`) of one partition: the passages of the unit that go."""
    (passages,) = receive(batches, PASSAGE)
    repeats = rule_of(search.dedup).repeats(passages)
    yield from send("told-passages", partition, ordinals(repeats["doc"]), repeats, search)


def write_spans(ordinal: int, batches: Iterable[bytes], search: Search) -> None:
    """Write the spans of one unit that go, by row and token."""
    (repeats,) = receive(batches, REPEAT)
    spans = rule_of(search.dedup).spans(repeats)
    spans["doc"] = rows_of(spans["doc"])  # the unit's number among others is not its own
    write_records(search.storage, KIND, ordinal, spans)


def remove_substrings(rows: pa.Table, ids: pa.Array, start: int, spans: Array) -> tuple[pa.Table, pa.Table]:
    """Return documents without their spans that go, and the rows about these spans.

    A document of which nothing is left is not among the documents. One that loses nothing stays as it is.

    Args:
        rows: rows of ``documents/``.
        ids: of the rows of ``filtered/`` that they are among, one after the other.
        start: number of the first of those.
        spans: dtype `SPAN`, of the unit, by row and token.
    """
    texts: list[str] = rows["text"].to_pylist()
    places = {one: place for place, one in enumerate(rows["id"].to_pylist())}
    first, last = np.searchsorted(spans["doc"], (start, start + len(ids)))
    removed: list[dict[str, Any]] = []
    for row, own in deal(spans["doc"][first:last].astype(np.int64), spans[first:last]):
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
    """Return the rule of a recipe; without one nothing here is called."""
    if dedup.substrings is None:
        raise InputError("the recipe says `substrings: none`")
    return dedup.substrings


def _passages(unit: Unit, anchors: Array, search: Search) -> Iterator[Array]:
    """Yield the passages of a unit whose anchor is one of these, about a million at a time."""
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
        if sum(map(len, found)) > BATCH_RECORDS:
            yield np.concatenate(found)
            found = []
    if found:
        yield np.concatenate(found)
