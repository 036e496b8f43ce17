"""Counts each hash over the corpus, by partition, and reports frequent hashes to the units that hold them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from filters.hashing import Hashes
from pipelines.stages.dedup.records import Array, Keyed, Received, gather, scatter
from pipelines.stages.dedup.search import Search

COUNT: Final = np.dtype([("hash", "<u8"), ("number", "<u4"), ("unit", "<u4")])
"""A hash of a unit, and how often it occurs there."""

FREQUENT: Final = np.dtype([("hash", "<u8"), ("number", "<u4")])
"""A frequent hash, and how often it occurs in the corpus."""


def counts_to_partitions(
    table: str, ordinal: int, hashes: Hashes, partitions: int, search: Search
) -> Iterator[Keyed]:
    """Yield (partition, records of dtype `COUNT`) of one unit."""
    values, numbers = np.unique(hashes, return_counts=True)
    made = np.empty(len(values), dtype=COUNT)
    made["hash"], made["number"], made["unit"] = values, numbers, ordinal
    partition = (values % np.uint64(partitions)).astype(np.int64)
    yield from scatter(f"{table}-to-partitions", ordinal, partition, made, search)


def frequent_to_units(received: Received, search: Search, table: str, most: int) -> Iterator[Keyed]:
    """Yield (ordinal of a unit, records of dtype `FREQUENT`) of one partition: hashes counted above `most`.

    `table` names what is counted.
    """
    partition, batches = received
    (records,) = gather(batches, COUNT)
    if not len(records):
        return
    records = records[np.argsort(records["hash"])]
    _, starts, sizes = np.unique(records["hash"], return_index=True, return_counts=True)
    totals = np.repeat(np.add.reduceat(records["number"], starts), sizes)
    goes = totals > most
    made = np.empty(np.count_nonzero(goes), dtype=FREQUENT)
    made["hash"], made["number"] = records["hash"][goes], totals[goes]
    yield from scatter(f"{table}-to-units", partition, records["unit"][goes].astype(np.int64), made, search)


def count_of(hashes: Hashes, frequent: Array) -> npt.NDArray[np.uint32]:
    """Return how often each hash occurs in the corpus, uint32 [n]; 0 for a hash that is not frequent.

    Args:
        hashes: uint64 [n].
        frequent: dtype `FREQUENT`, by hash.
    """
    found = np.zeros(len(hashes), dtype=np.uint32)
    if len(frequent):
        places = np.minimum(np.searchsorted(frequent["hash"], hashes), len(frequent) - 1)
        hits = frequent["hash"][places] == hashes
        found[hits] = frequent["number"][places[hits]]
    return found
