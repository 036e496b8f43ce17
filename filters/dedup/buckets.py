"""Buckets: the documents that one band hash brings together, and which of them are compared.

All documents of a bucket are compared with each other while they are at most `FULL`. A larger bucket is split
by the hash of the next band. What is still larger is `capped`: all are compared with its first `HEAD` in keep
order. A bucket is handed on as its documents, never as its pairs: 1,000 documents have 499,500 pairs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from filters.dedup.units import Hashes

FULL: Final = 1000
HEAD: Final = 64

# One document in one band. `order` sorts as the keep order does; `content` is equal for exact copies.
MEMBER: Final = np.dtype(
    [("band", "<u8"), ("next_band", "<u8"), ("content", "<u8"), ("order", "<u8"), ("doc", "<u8")]
)


@dataclass(frozen=True, slots=True)
class Buckets:
    """Buckets of at least two documents, one after the other.

    Attributes:
        docs: uint64 [members]: the documents of all buckets, each bucket in keep order.
        starts: int64 [buckets + 1]: where each bucket begins in `docs`; the last entry is its length.
        capped: bool [buckets]: the bucket's documents are compared with its first `HEAD` only.
    """

    docs: Hashes
    starts: npt.NDArray[np.int64]
    capped: npt.NDArray[np.bool_]

    @property
    def sizes(self) -> npt.NDArray[np.int64]:
        """Documents in each bucket, int64 [buckets]."""
        return np.diff(self.starts)


def form_buckets(members: npt.NDArray[Any], full: int = FULL) -> Buckets:
    """Sort the members (dtype `MEMBER`, any order) of some band hashes into buckets.

    Exact copies in a bucket collapse to the first of them in keep order, whatever their number.
    """
    members = members[_shared(members["band"])]
    members = members[np.lexsort((members["doc"], members["order"], members["content"], members["band"]))]
    members = members[_changes(members["band"], members["content"])]
    _, bucket, sizes = np.unique(members["band"], return_inverse=True, return_counts=True)
    split = np.where(sizes[bucket] > full, members["next_band"], np.uint64(0))
    order = np.lexsort((members["doc"], members["order"], split, bucket))
    docs, bucket, split = members["doc"][order], bucket[order], split[order]
    starts = np.flatnonzero(_changes(bucket, split))
    sizes = np.diff(starts, append=len(docs))
    paired = sizes > 1
    return Buckets(
        docs=docs[np.repeat(paired, sizes)],
        starts=np.concatenate(([0], np.cumsum(sizes[paired]))).astype(np.int64),
        capped=sizes[paired] > full,
    )


def _shared(bands: Hashes) -> npt.NDArray[np.int64]:
    """Return the indices of values that occur more than once: most do not, and sorting all columns is dear."""
    order = np.argsort(bands)
    changes = np.append(_changes(bands[order]), True)
    alone: npt.NDArray[np.bool_] = changes[:-1] & changes[1:]
    return order[~alone]


def _changes(*columns: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Mark the rows of sorted columns that differ from the row before; the first row differs."""
    changes = np.zeros(len(columns[0]), dtype=np.bool_)
    changes[:1] = True
    for column in columns:
        changes[1:] |= column[1:] != column[:-1]
    return changes
