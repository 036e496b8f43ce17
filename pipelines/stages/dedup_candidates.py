"""Second half of the dedup stage, part one: which documents may be copies of each other.

Every document sends one record per band to the partition of its band hash, one to that of its content hash, and one
to that of its URL. A partition returns to each unit the buckets that its documents are in, whom each of them is
connected with, and which of them are exact copies.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from filters.dedup.bands import band_hashes
from filters.dedup.buckets import MEMBER, MEMBERSHIP, form_buckets, join_buckets
from filters.dedup.components import EDGE, local_edges
from filters.dedup.exact import COPY, find_copies
from filters.dedup.order import id_halves, keep_keys
from filters.dedup.units import Hashes
from pipelines.stages.dedup_search import (
    Array,
    Keyed,
    Search,
    Unit,
    documents,
    ordinals,
    receive,
    send,
    write_records,
)
from pipelines.stages.dedup_signatures import SignaturePart

PAIR: Final = np.dtype([("first", "<u8"), ("doc", "<u8")])
"""An exact copy, `doc`, and the first of its equals in keep order."""

FOUND: Final = (("members", MEMBERSHIP), ("edges", EDGE), ("pairs", PAIR), ("copies", np.dtype("<u8")))
"""What a unit is told about its documents: the buckets they are in, whom they are connected with, the copies of
those that are the first of their equals, and those that are copies."""
_MEMBERS, _EDGES, _PAIRS, _COPIES = range(len(FOUND))

# In place of the next band: the hash is that of a URL.
_URL: Final = np.uint64(0xFFFFFFFFFFFFFFFF)


def members(unit: Unit, search: Search) -> Iterator[Keyed]:
    """Yield (partition, records of dtype `MEMBER`) of one unit: its documents' bands and URLs."""
    minhash = search.dedup.minhash
    part, docs, taking_part = _read(unit)
    found = []
    if minhash is not None:
        rows = taking_part[part.shingles[taking_part] > 0]
        hashes = band_hashes(part.signatures[rows], part.scopes[rows], minhash.cut())
        # Without the collapse of exact copies every document is its own content.
        content = id_halves(part.content)[0][rows] if search.dedup.exact else docs[rows]
        found.append(_members(unit, part, rows, hashes, np.roll(hashes, -1, axis=1), content))
    if search.dedup.url:
        rows = taking_part[part.urls[taking_part] > 0]
        hashes = (part.urls[rows] ^ (part.scopes[rows] * np.uint64(0x9E3779B97F4A7C15)))[:, None]
        found.append(_members(unit, part, rows, hashes, np.full_like(hashes, _URL), docs[rows]))
    if found:
        made = np.concatenate(found)
        yield from send("sent-members", unit.ordinal, _partitions(made["band"], search), made, search)


def copies(unit: Unit, search: Search) -> Iterator[Keyed]:
    """Yield (partition, records of dtype `COPY`) of one unit: its documents."""
    if not search.dedup.exact:
        return
    part, docs, rows = _read(unit)
    made = np.empty(len(rows), dtype=COPY)
    made["content"], made["scope"] = part.content[rows], part.scopes[rows]
    made["order"], made["id"], made["doc"] = keep_keys(part.ranks, unit.age)[rows], part.ids[rows], docs[rows]
    partitions = _partitions(id_halves(made["content"])[1], search)
    yield from send("sent-contents", unit.ordinal, partitions, made, search)


def find_buckets(partition: int, batches: Iterable[bytes], search: Search) -> Iterator[Keyed]:
    """Yield (ordinal of a unit, what it is told) of one partition of band hashes."""
    (records,) = receive(batches, MEMBER)
    is_url = records["next_band"] == _URL
    buckets = join_buckets([form_buckets(records[~is_url]), form_buckets(records[is_url], sure=True)])
    memberships, edges = buckets.memberships(partition << 32), local_edges(buckets)
    for tag, made in ((_MEMBERS, memberships), (_EDGES, edges)):
        yield from send(f"told-{FOUND[tag][0]}", partition, ordinals(made["doc"]), made, search, tag)


def find_pairs(partition: int, batches: Iterable[bytes], search: Search) -> Iterator[Keyed]:
    """Yield (ordinal of a unit, what it is told) of one partition of content hashes."""
    docs, firsts = find_copies(*receive(batches, COPY))
    pairs = np.empty(len(docs), dtype=PAIR)
    pairs["first"], pairs["doc"] = firsts, docs
    yield from send("told-pairs", partition, ordinals(firsts), pairs, search, _PAIRS)
    yield from send("told-copies", partition, ordinals(docs), docs, search, _COPIES)


def write_found(ordinal: int, batches: Iterable[bytes], search: Search) -> None:
    """Write what one unit is told."""
    for (kind, _), records in zip(FOUND, receive(batches, *(dtype for _, dtype in FOUND)), strict=True):
        if len(records):
            write_records(search.storage, kind, ordinal, records)


def _read(unit: Unit) -> tuple[SignaturePart, Hashes, npt.NDArray[np.int64]]:
    """Return a unit's signatures, its documents, and the rows of those that take part."""
    part = SignaturePart.read(unit.signatures)
    rows = np.arange(len(part.ids))
    docs = documents(unit.ordinal, rows)
    if unit.kept is None:
        return part, docs, rows
    kept = "".join(pq.read_table(unit.kept, columns=["id"], use_threads=False)["id"].to_pylist())
    found = np.frombuffer(bytes.fromhex(kept), dtype="V16")
    return part, docs, np.flatnonzero(np.isin(id_halves(part.ids)[0], id_halves(found)[0]))


def _members(
    unit: Unit,
    part: SignaturePart,
    rows: npt.NDArray[np.int64],
    hashes: Hashes,
    following: Hashes,
    content: Hashes,
) -> Array:
    """Return the records of documents with hashes [rows, n]; `following` is the second hash of each record."""
    made = np.empty(hashes.shape, dtype=MEMBER)
    made["band"], made["next_band"], made["content"] = hashes, following, content[:, None]
    made["order"] = keep_keys(part.ranks[rows], unit.age)[:, None]
    made["id"], made["doc"] = id_halves(part.ids[rows])[0][:, None], documents(unit.ordinal, rows)[:, None]
    return made.ravel()


def _partitions(hashes: Hashes, search: Search) -> npt.NDArray[np.int64]:
    return (hashes % np.uint64(search.partitions)).astype(np.int64)
