"""The keep order: which of several copies comes first, and so stays.

A policy gives each document a rank of 32 bits, the smallest first; of equal ranks the smaller id comes first.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

LAST: Final = 0xFFFFFFFF
_MOST_SOURCES: Final = 0xFF
_MOST_LENGTH: Final = 0xFFFFFF


def rank_longest(text: str) -> int:
    """Return the rank of a document by its characters, the longest first.

    >>> rank_longest("abc") < rank_longest("ab")
    True
    """
    return LAST - min(len(text), LAST)


def rank_newest(date: str | None) -> int:
    """Return the rank of a document by whole seconds since 1970, the newest first.

    A document whose date is missing or is not ISO 8601 comes after every dated one; a date without a zone is UTC.

    >>> rank_newest("2024-05-01T00:00:00Z") < rank_newest(None)
    True
    """
    return LAST - min(max(_seconds(date), 0), LAST)


def rank_best(value: float | None) -> int:
    """Return the rank of a document by a measure, the highest first; a missing or undefined value comes last.

    Values are compared as 32-bit floats.

    >>> rank_best(0.5) < rank_best(-3) < rank_best(None)
    True
    """
    if value is None or math.isnan(value):
        return LAST
    with np.errstate(over="ignore"):  # a value beyond 32 bits is infinite
        bits = int(np.float32(value).view(np.uint32))
    # Flipped like this, the bits of floats sort as unsigned integers, the highest value first.
    return bits if bits >> 31 else 0x7FFFFFFF - bits


def rank_source(source: str, preferred: Sequence[str], text: str) -> int:
    """Return the rank of a document by its source, with unnamed sources last; in one source the longest comes first.

    The rank distinguishes at most 255 sources, and lengths up to 16,777,215 characters.
    """
    place = preferred.index(source) if source in preferred else _MOST_SOURCES
    return min(place, _MOST_SOURCES) << 24 | (_MOST_LENGTH - min(len(text), _MOST_LENGTH))


def keep_keys(ranks: npt.NDArray[np.uint32], age: int) -> npt.NDArray[np.uint64]:
    """Return one uint64 per document that sorts as the keep order does before ties.

    Args:
        ranks: uint32 [n], smaller first.
        age: number of the documents' run among several; documents of older runs (smaller numbers) come first.
    """
    return np.uint64(age << 32) | ranks.astype(np.uint64)


def keep_order(keys: npt.NDArray[np.uint64], ids: npt.NDArray[np.void]) -> npt.NDArray[np.intp]:
    """Return the indices that sort documents into keep order: by key, then by id (``V16`` [n])."""
    high, low = id_halves(ids)
    return np.lexsort((low, high, keys))


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
