"""Step 2 of the dedup stage: which documents may be copies of each other.

Every document sends a record to the partition of each of its band hashes, of its content hash and of its URL. A
partition returns to each unit the buckets that hold the unit's documents, the edges between these and other documents,
and which of them are exact copies.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from filters.dedup.bands import Bands, band_hashes
from filters.dedup.buckets import MEMBER, MEMBERSHIP, form_buckets, join_buckets
from filters.dedup.components import EDGE, local_edges
from filters.dedup.exact import COPY, find_copies
from filters.dedup.order import id_halves, keep_keys
from filters.hashing import Hashes
from pipelines.stages.dedup.index import probed_rows, rows_to_units, write_keys
from pipelines.stages.dedup.records import (
    Array,
    Keyed,
    Received,
    documents,
    gather,
    ordinals,
    scatter,
    write_records,
)
from pipelines.stages.dedup.search import Search, SearchUnit
from pipelines.stages.dedup.signatures import SignaturePart

PAIR: Final = np.dtype([("first", "<u8"), ("doc", "<u8")])
"""An exact copy, `doc`, and the first of the equal documents in keep order."""

UNIT_TABLES: Final = (("members", MEMBERSHIP), ("edges", EDGE), ("pairs", PAIR), ("copies", np.dtype("<u8")))
"""The tables of a unit: the buckets that its documents are in, their edges, the copies of those that are the first of
equal documents, and those that are copies."""
_MEMBERS, _EDGES, _PAIRS, _COPIES = range(len(UNIT_TABLES))

_URL: Final = np.uint64(0xFFFFFFFFFFFFFFFF)
"""In place of the next band's hash: the record is that of a URL."""


def keys_to_partitions(unit: SearchUnit, search: Search) -> Iterator[Keyed]:
    """Yield (partition, keys of the documents of one unit).

    The first partitions get records of dtype `MEMBER`, as many after them records of dtype `COPY`.
    """
    part, docs = _read(unit, search)
    yield from _members_to_partitions(unit, part, docs, search)
    if search.dedup.exact:
        yield from _contents_to_partitions(unit, part, docs, search)


def shared_to_units(received: Received, search: Search) -> Iterator[Keyed]:
    """Yield (ordinal of a unit, records of `UNIT_TABLES`) of one partition of `keys_to_partitions`."""
    partition, batches = received
    if partition < search.partitions:
        yield from _buckets_to_units(partition, batches, search)
    else:
        yield from _copies_to_units(partition - search.partitions, batches, search)


def write_unit_tables(received: Received, search: Search) -> SearchUnit:
    """Write the `UNIT_TABLES` of one unit; return the unit."""
    ordinal, batches = received
    dtypes = (dtype for _, dtype in UNIT_TABLES)
    for (table, _), records in zip(UNIT_TABLES, gather(batches, *dtypes), strict=True):
        if len(records):
            write_records(search.storage, table, ordinal, records)
    return search.units()[ordinal]


def probed_to_units(unit: SearchUnit, search: Search) -> Iterator[Keyed]:
    """Yield (ordinal of an older unit, its documents that share a key) for one unit of this run."""
    minhash, (part, _) = search.dedup.minhash, _read(unit, search)
    bands = [_bands(part, minhash.cut())[1].ravel()] if minhash is not None else []
    urls = [_urls(part)[1].ravel()] if search.dedup.url else []
    contents = _content_keys(part.content) if search.dedup.exact else np.empty(0, dtype=np.uint64)
    keys = np.concatenate([np.empty(0, dtype=np.uint64), *bands, *urls])
    yield from rows_to_units(unit.ordinal, (keys, contents), search)


def _members_to_partitions(
    unit: SearchUnit, part: SignaturePart, docs: Hashes, search: Search
) -> Iterator[Keyed]:
    minhash, found = search.dedup.minhash, []
    if minhash is not None:
        rows, hashes = _bands(part, minhash.cut())
        # Without the collapse of exact copies every document is its own content.
        content = id_halves(part.content)[0][rows] if search.dedup.exact else docs[rows]
        found.append(_members(unit, part, rows, docs, hashes, np.roll(hashes, -1, axis=1), content))
    if search.dedup.url:
        rows, hashes = _urls(part)
        found.append(_members(unit, part, rows, docs, hashes, np.full_like(hashes, _URL), docs[rows]))
    if found:
        made = np.concatenate(found)
        partitions = _partitions(made["band"], search)
        yield from scatter("members-to-partitions", unit.ordinal, partitions, made, search)


def _contents_to_partitions(
    unit: SearchUnit, part: SignaturePart, docs: Hashes, search: Search
) -> Iterator[Keyed]:
    made = np.empty(len(docs), dtype=COPY)
    made["content"], made["scope"] = part.content, part.scopes
    made["order"], made["id"], made["doc"] = keep_keys(part.ranks, unit.age), part.ids, docs
    partitions = search.partitions + _partitions(_content_keys(made["content"]), search)
    yield from scatter("contents-to-partitions", unit.ordinal, partitions, made, search)


def _buckets_to_units(partition: int, batches: Iterable[bytes], search: Search) -> Iterator[Keyed]:
    """Yield (ordinal of a unit, memberships and edges) of one partition of band hashes and URLs."""
    (records,) = gather(batches, MEMBER)
    write_keys("bands", partition, records["band"], records["doc"], search)
    is_url = records["next_band"] == _URL
    buckets = join_buckets([form_buckets(records[~is_url]), form_buckets(records[is_url], sure=True)])
    memberships, edges = buckets.memberships(partition << 32), local_edges(buckets)
    for tag, made in ((_MEMBERS, memberships), (_EDGES, edges)):
        table = f"{UNIT_TABLES[tag][0]}-to-units"
        yield from scatter(table, partition, ordinals(made["doc"]), made, search, tag)


def _copies_to_units(partition: int, batches: Iterable[bytes], search: Search) -> Iterator[Keyed]:
    """Yield (ordinal of a unit, pairs and copies) of one partition of content hashes."""
    (records,) = gather(batches, COPY)
    write_keys("contents", partition, _content_keys(records["content"]), records["doc"], search)
    docs, firsts = find_copies(records)
    pairs = np.empty(len(docs), dtype=PAIR)
    pairs["first"], pairs["doc"] = firsts, docs
    yield from scatter("pairs-to-units", partition, ordinals(firsts), pairs, search, _PAIRS)
    yield from scatter("copies-to-units", partition, ordinals(docs), docs, search, _COPIES)


def _read(unit: SearchUnit, search: Search) -> tuple[SignaturePart, Hashes]:
    """Return the signatures of a unit's documents that take part, and these documents."""
    rows = probed_rows(unit, search) if unit.probed else None
    part = SignaturePart.read(unit.signatures, rows)
    rows = np.arange(len(part.ids)) if rows is None else rows
    if unit.kept is not None:
        kept = "".join(pq.read_table(unit.kept, columns=["id"], use_threads=False)["id"].to_pylist())
        found = np.frombuffer(bytes.fromhex(kept), dtype="V16")
        stays = np.flatnonzero(np.isin(id_halves(part.ids)[0], id_halves(found)[0]))
        part, rows = part.take(stays), rows[stays]
    return part, documents(unit.ordinal, rows)


def _bands(part: SignaturePart, cut: Bands) -> tuple[npt.NDArray[np.int64], Hashes]:
    """Return which documents have shingles, and the hashes [documents, bands] of these."""
    rows = np.flatnonzero(part.shingles)
    return rows, band_hashes(part.signatures[rows], part.scopes[rows], cut)


def _urls(part: SignaturePart) -> tuple[npt.NDArray[np.int64], Hashes]:
    """Return which documents have a URL, and the hashes [documents, 1] of these."""
    rows = np.flatnonzero(part.urls)
    return rows, (part.urls[rows] ^ (part.scopes[rows] * np.uint64(0x9E3779B97F4A7C15)))[:, None]


def _content_keys(content: npt.NDArray[np.void]) -> Hashes:
    return id_halves(content)[1]


def _members(
    unit: SearchUnit,
    part: SignaturePart,
    rows: npt.NDArray[np.int64],
    docs: Hashes,
    hashes: Hashes,
    following: Hashes,
    content: Hashes,
) -> Array:
    """Return the records of documents with hashes [rows, n]; `following` is the second hash of each record."""
    made = np.empty(hashes.shape, dtype=MEMBER)
    made["band"], made["next_band"], made["content"] = hashes, following, content[:, None]
    made["order"] = keep_keys(part.ranks[rows], unit.age)[:, None]
    made["id"], made["doc"] = id_halves(part.ids[rows])[0][:, None], docs[rows][:, None]
    return made.ravel()


def _partitions(hashes: Hashes, search: Search) -> npt.NDArray[np.int64]:
    """Return the partition of each hash, those of smaller hashes first."""
    high = (hashes >> np.uint64(32)) * np.uint64(search.partitions)
    return (high >> np.uint64(32)).astype(np.int64)
