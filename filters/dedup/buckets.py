"""Buckets: the documents with the same band hash, and which of them are compared.

In a bucket of at most `FULL` documents, all are compared with each other. A larger bucket is split by the hash of the
next band. A part that is still larger is `capped`: its documents are compared only with its first `HEAD` in keep order.
A bucket is passed on as its documents, not as its pairs: 1,000 documents have 499,500 pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from filters.hashing import Hashes

FULL: Final = 1000
HEAD: Final = 64

# One document in one band. `order` and then `id` (its first half) sort as the keep order does; `content` is equal
# for exact copies.
MEMBER: Final = np.dtype(
    [
        ("band", "<u8"),
        ("next_band", "<u8"),
        ("content", "<u8"),
        ("order", "<u8"),
        ("id", "<u8"),
        ("doc", "<u8"),
    ]
)

# One document in one bucket. The two highest bits of a bucket's number are the flags CAPPED and SURE.
MEMBERSHIP: Final = np.dtype([("doc", "<u8"), ("bucket", "<u8")])
CAPPED: Final = np.uint64(1 << 63)
SURE: Final = np.uint64(1 << 62)


@dataclass(frozen=True, slots=True)
class Buckets:
    """Buckets of at least two documents, one after the other.

    Attributes:
        docs: uint64 [members]: the documents of all buckets, each bucket in keep order.
        starts: int64 [buckets + 1]: where each bucket starts in `docs`; the last entry is the length of `docs`.
        capped: bool [buckets]: the bucket's documents are compared with its first `HEAD` only.
        sure: bool [buckets]: the bucket's documents are copies of each other, whatever their texts are.
    """

    docs: Hashes
    starts: npt.NDArray[np.int64]
    capped: npt.NDArray[np.bool_]
    sure: npt.NDArray[np.bool_]

    @property
    def sizes(self) -> npt.NDArray[np.int64]:
        """Documents in each bucket, int64 [buckets]."""
        return np.diff(self.starts)

    @property
    def numbers(self) -> npt.NDArray[np.int64]:
        """Bucket of each of `docs`, int64 [members]."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    def memberships(self, first: int) -> npt.NDArray[Any]:
        """Return one record of dtype `MEMBERSHIP` per document and bucket, numbered from `first`."""
        names = np.uint64(first) + np.arange(len(self.sizes), dtype=np.uint64)
        names |= np.where(self.capped, CAPPED, np.uint64(0)) | np.where(self.sure, SURE, np.uint64(0))
        made = np.empty(len(self.docs), dtype=MEMBERSHIP)
        made["doc"], made["bucket"] = self.docs, names[self.numbers]
        return made


def gather_buckets(memberships: npt.NDArray[Any], docs: Hashes) -> Buckets:
    """Return the buckets of memberships in any order, each document as its index in `docs`, each bucket ascending.

    Args:
        memberships: dtype `MEMBERSHIP`; their documents are all in `docs`.
        docs: distinct documents in keep order, uint64 [n].
    """
    sorter = np.argsort(docs)
    places = sorter[np.searchsorted(docs, memberships["doc"], sorter=sorter)]
    order = np.lexsort((places, memberships["bucket"]))
    names, starts = np.unique(memberships["bucket"][order], return_index=True)
    return Buckets(
        docs=places[order].astype(np.uint64),
        starts=np.append(starts, len(order)).astype(np.int64),
        capped=(names & CAPPED) != 0,
        sure=(names & SURE) != 0,
    )


def form_buckets(members: npt.NDArray[Any], full: int = FULL, sure: bool = False) -> Buckets:
    """Sort the members (dtype `MEMBER`, any order) of some band hashes into buckets.

    Of exact copies in a bucket only the first in keep order is left.

    Args:
        members: all members of these band hashes.
        full: size up to which a bucket stays whole.
        sure: the hashes are not of bands but of something that makes documents copies, such as a URL; then no bucket is
            split.
    """
    members = members[_shared(members["band"])]
    names = ("doc", "id", "order", "content", "band")
    members = members[np.lexsort([members[name] for name in names])]
    members = members[_changes(members["band"], members["content"])]
    _, bucket, sizes = np.unique(members["band"], return_inverse=True, return_counts=True)
    large = (sizes > full) & (not sure)
    split = np.where(large[bucket], members["next_band"], np.uint64(0))
    order = np.lexsort([*(members[name] for name in names[:3]), split, bucket])
    docs, bucket, split = members["doc"][order], bucket[order], split[order]
    starts = np.flatnonzero(_changes(bucket, split))
    sizes = np.diff(starts, append=len(docs))
    paired = sizes > 1
    count = int(np.count_nonzero(paired))
    return Buckets(
        docs=docs[np.repeat(paired, sizes)],
        starts=np.concatenate(([0], np.cumsum(sizes[paired]))).astype(np.int64),
        capped=(sizes[paired] > full) & (not sure),
        sure=np.full(count, sure),
    )


def join_buckets(several: Sequence[Buckets]) -> Buckets:
    """Return all buckets as one object."""
    sizes = np.concatenate([one.sizes for one in several])
    return Buckets(
        docs=np.concatenate([one.docs for one in several]),
        starts=np.concatenate(([0], np.cumsum(sizes))).astype(np.int64),
        capped=np.concatenate([one.capped for one in several]),
        sure=np.concatenate([one.sure for one in several]),
    )


def _shared(bands: Hashes) -> npt.NDArray[np.int64]:
    """Return the indices of values that occur more than once; most do not, and sorting all columns is expensive."""
    order = np.argsort(bands)
    changes = np.append(_changes(bands[order]), True)
    alone: npt.NDArray[np.bool_] = changes[:-1] & changes[1:]
    return order[~alone]


def _changes(*columns: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Mark the rows of sorted columns that differ from the row before; the first row counts as different."""
    changes = np.zeros(len(columns[0]), dtype=np.bool_)
    changes[:1] = True
    for column in columns:
        changes[1:] |= column[1:] != column[:-1]
    return changes
