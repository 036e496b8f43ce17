"""The keep order: which of several copies comes first, and so stays. Ties go to the smaller id."""

from __future__ import annotations

import datetime
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

LAST: Final = 0xFFFFFFFF


def keep_rank(keep: Literal["longest", "newest"], text: str, date: str | None) -> int:
    """Return the place of a document under a policy as 32 bits, smaller first.

    ``longest`` ranks by characters, ``newest`` by whole seconds since 1970. A document whose date is missing
    or is not ISO 8601 comes after every dated one; a date without a zone is UTC.

    >>> keep_rank("longest", "abc", None) < keep_rank("longest", "ab", None)
    True
    >>> keep_rank("newest", "", "2024-05-01T00:00:00Z") < keep_rank("newest", "", None)
    True
    """
    value = len(text) if keep == "longest" else _seconds(date)
    return LAST - min(max(value, 0), LAST)


def keep_keys(ranks: npt.NDArray[np.uint32], ids: npt.NDArray[np.void]) -> npt.NDArray[np.uint64]:
    """Return one uint64 per document that sorts as the keep order does, up to the first 32 bits of the id.

    Args:
        ranks: uint32 [n] of `keep_rank`.
        ids: document ids, 16 bytes each, dtype ``V16`` [n].
    """
    prefixes = id_halves(ids)[0] >> np.uint64(32)
    return (ranks.astype(np.uint64) << np.uint64(32)) | prefixes


def keep_order(ranks: npt.NDArray[np.uint32], ids: npt.NDArray[np.void]) -> npt.NDArray[np.intp]:
    """Return the indices that put documents into keep order: by rank, then by id."""
    high, low = id_halves(ids)
    return np.lexsort((low, high, ranks))


def id_halves(ids: npt.NDArray[np.void]) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """Return 16-byte ids (``V16`` [n]) as two uint64 [n] that sort together as the bytes do."""
    halves = np.ascontiguousarray(ids).view(">u8").reshape(-1, 2).astype(np.uint64)
    return halves[:, 0], halves[:, 1]


def _seconds(date: str | None) -> int:
    if date is None:
        return 0
    try:
        moment = datetime.datetime.fromisoformat(date)
    except ValueError:
        return 0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return int(moment.timestamp())
