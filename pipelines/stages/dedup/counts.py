"""How often the hashes that units have stand in the whole corpus: counted in partitions, told to who has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from filters.hashing import Hashes
from pipelines.stages.dedup.search import Array, Keyed, Search, receive, send

FOUND: Final = np.dtype([("hash", "<u8"), ("number", "<u4"), ("unit", "<u4")])
"""A hash of a unit, and how often the unit has it."""

FREQUENT: Final = np.dtype([("hash", "<u8"), ("number", "<u4")])
"""A hash that is frequent, and how often the corpus has it."""


def send_counts(kind: str, ordinal: int, hashes: Hashes, partitions: int, search: Search) -> Iterator[Keyed]:
    """Yield (partition, records of dtype `FOUND`) of one unit."""
    values, numbers = np.unique(hashes, return_counts=True)
    made = np.empty(len(values), dtype=FOUND)
    made["hash"], made["number"], made["unit"] = values, numbers, ordinal
    partition = (values % np.uint64(partitions)).astype(np.int64)
    yield from send(f"sent-{kind}", ordinal, partition, made, search)


def find_frequent(
    partition: int, batches: Iterable[bytes], search: Search, kind: str, most: int
) -> Iterator[Keyed]:
    """Yield (ordinal of a unit, records of dtype `FREQUENT`) of one partition: what there is more often than `most`."""
    (records,) = receive(batches, FOUND)
    if not len(records):
        return
    records = records[np.argsort(records["hash"])]
    _, starts, sizes = np.unique(records["hash"], return_index=True, return_counts=True)
    totals = np.repeat(np.add.reduceat(records["number"], starts), sizes)
    goes = totals > most
    made = np.empty(np.count_nonzero(goes), dtype=FREQUENT)
    made["hash"], made["number"] = records["hash"][goes], totals[goes]
    yield from send(f"told-{kind}", partition, records["unit"][goes].astype(np.int64), made, search)


def count_of(hashes: Hashes, frequent: Array) -> npt.NDArray[np.uint32]:
    """Return how often each hash stands in the corpus, uint32 [n]; 0 where it is not frequent.

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
