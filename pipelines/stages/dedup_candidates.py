"""Second half of the dedup stage, part one: which documents may be copies of each other.

Every document sends one record per band to the partition of its band hash, and one to the partition of its
content hash. A partition returns its buckets and its exact copies as tables. What travels between is arrays of
fixed-size records as bytes.

A document is a uint64 here: the ordinal of its unit (units sorted by name) in the high half, its row in the low.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from filters.dedup.bands import band_hashes
from filters.dedup.buckets import MEMBER, Buckets, form_buckets
from filters.dedup.exact import COPY, find_copies
from filters.dedup.order import id_halves, keep_keys
from filters.dedup.units import Hashes
from pipelines.config import Dedup
from pipelines.stages.dedup_signatures import SignaturePart
from pipelines.storage import Storage

FOLDER: Final = "work/dedup-candidates"
ROW_BITS: Final = np.uint64(32)
PARTITION_BYTES: Final = 64 << 20
TURN_BYTES: Final = 512 << 20

BUCKETS: Final = pa.schema(
    [pa.field("docs", pa.list_(pa.uint64()), nullable=False), pa.field("capped", pa.bool_(), nullable=False)]
)
COPIES: Final = pa.schema(
    [pa.field("doc", pa.uint64(), nullable=False), pa.field("first", pa.uint64(), nullable=False)]
)


@dataclass(frozen=True)
class Search:
    """One search for duplicates; pickled into the Beam graphs.

    Attributes:
        root: the run folder.
        dedup: the recipe's section.
        partitions: number of partitions of band and content hashes.
        turns: the partitions are done in so many pipelines, one after another.
    """

    root: str
    dedup: Dedup
    partitions: int
    turns: int

    @classmethod
    def plan(cls, root: str, dedup: Dedup, documents: int, in_memory: bool) -> Search:
        """Plan a search so that no partition takes more than about 64 MiB of records.

        Args:
            root: the run folder.
            dedup: the recipe's section.
            documents: how many there are.
            in_memory: the runner keeps what is shuffled in memory, five times its size; more than 512 MiB
                of records is then shuffled in several turns.
        """
        bands = dedup.minhash.cut().count if dedup.minhash else 0
        total = documents * (bands * MEMBER.itemsize + COPY.itemsize)
        turns = 1 + total // TURN_BYTES if in_memory else 1
        partitions = 1 + total // PARTITION_BYTES
        return cls(root, dedup, max(partitions, turns), turns)

    @property
    def storage(self) -> Storage:
        """Where tables between the steps of the search are written."""
        return Storage(self.root)


def part_path(kind: str, name: object) -> str:
    """Return the relative path of a table between two steps of the search."""
    return f"{FOLDER}/{kind}-{name}.parquet"


def members(unit: Mapping[str, Any], search: Search, turn: int) -> Iterator[tuple[int, bytes]]:
    """Yield (partition, records of dtype `MEMBER`) of one unit: its documents' bands in this turn."""
    minhash = search.dedup.minhash
    if minhash is None:
        return
    part = SignaturePart.read(unit["signatures"])
    rows = np.flatnonzero(part.shingles)
    hashes = band_hashes(part.signatures[rows], part.scopes[rows], minhash.cut())
    docs = documents(unit["ordinal"], rows)
    made = np.empty(hashes.shape, dtype=MEMBER)
    made["band"], made["next_band"] = hashes, np.roll(hashes, -1, axis=1)
    # Without the collapse of exact copies every document is its own content.
    made["content"] = (id_halves(part.content)[0][rows] if search.dedup.exact else docs)[:, None]
    made["order"] = keep_keys(part.ranks, part.ids)[rows, None]
    made["doc"] = docs[:, None]
    yield from _partitioned(made.ravel(), hashes.ravel(), search, turn)


def copies(unit: Mapping[str, Any], search: Search, turn: int) -> Iterator[tuple[int, bytes]]:
    """Yield (partition, records of dtype `COPY`) of one unit: its documents in this turn."""
    if not search.dedup.exact:
        return
    part = SignaturePart.read(unit["signatures"])
    made = np.empty(len(part.ids), dtype=COPY)
    made["content"], made["scope"], made["rank"] = part.content, part.scopes, part.ranks
    made["id"], made["doc"] = part.ids, documents(unit["ordinal"], np.arange(len(part.ids)))
    yield from _partitioned(made, id_halves(part.content)[1], search, turn)


def write_buckets(partition: int, batches: Iterable[bytes], search: Search) -> None:
    """Write the buckets of one partition."""
    table = buckets_table(form_buckets(join(batches, MEMBER)))
    with search.storage.table_writer(part_path("buckets", partition), BUCKETS) as writer:
        writer.write(table)


def write_copies(partition: int, batches: Iterable[bytes], search: Search) -> None:
    """Write the exact copies of one partition."""
    table = pa.table(dict(zip(COPIES.names, find_copies(join(batches, COPY)), strict=True)), schema=COPIES)
    with search.storage.table_writer(part_path("copies", partition), COPIES) as writer:
        writer.write(table)


def documents(ordinal: int, rows: npt.NDArray[np.integer[Any]]) -> Hashes:
    """Return rows of a unit as documents."""
    return (np.uint64(ordinal) << ROW_BITS) | rows.astype(np.uint64)


def ordinals(docs: Hashes) -> npt.NDArray[np.int64]:
    """Return the ordinals of the units of documents."""
    return (docs >> ROW_BITS).astype(np.int64)


def rows_of(docs: Hashes) -> npt.NDArray[np.int64]:
    """Return the rows of documents in their units."""
    return (docs & np.uint64(0xFFFFFFFF)).astype(np.int64)


def buckets_table(buckets: Buckets) -> pa.Table:
    """Return buckets as a table."""
    lists = pa.LargeListArray.from_arrays(buckets.starts, buckets.docs).cast(BUCKETS.field("docs").type)
    return pa.Table.from_arrays([lists, pa.array(buckets.capped)], schema=BUCKETS)


def table_buckets(table: pa.Table) -> Buckets:
    """Return the buckets of a table."""
    sizes = table["docs"].combine_chunks().value_lengths().to_numpy()
    starts = np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)
    docs = table["docs"].combine_chunks().flatten().to_numpy()
    return Buckets(docs, starts, table["capped"].to_numpy())


def join(batches: Iterable[bytes], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Return the records of several batches as one array, in no particular order."""
    return np.frombuffer(b"".join(batches), dtype=dtype)


def read_parts(storage: Storage, kind: str, names: Iterable[object], schema: pa.Schema) -> pa.Table:
    """Return the rows of those tables that exist; a partition without records has none."""
    paths = [part_path(kind, name) for name in names]
    found = [pq.read_table(storage.path(path), use_threads=False) for path in paths if storage.exists(path)]
    return pa.concat_tables([schema.empty_table(), *found])


def _partitioned(
    records: npt.NDArray[Any], hashes: Hashes, search: Search, turn: int
) -> Iterator[tuple[int, bytes]]:
    """Yield (partition, its records) for the partitions of a turn."""
    partitions = (hashes % np.uint64(search.partitions)).astype(np.int64)
    order = np.argsort(partitions, kind="stable")
    ends = np.cumsum(np.bincount(partitions, minlength=search.partitions))
    for partition in range(turn, search.partitions, search.turns):
        start = ends[partition - 1] if partition else 0
        if ends[partition] > start:
            yield partition, records[order[start : ends[partition]]].tobytes()
