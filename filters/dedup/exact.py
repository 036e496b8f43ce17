"""Exact copies: documents of one scope with the same text, except for white space."""

from __future__ import annotations

import hashlib
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from filters.dedup.order import id_halves
from filters.hashing import Hashes

# One document among its possible copies; `order` and `id` make the keep order.
COPY: Final = np.dtype(
    [("content", "V16"), ("scope", "<u8"), ("order", "<u8"), ("id", "V16"), ("doc", "<u8")]
)


def content_hash(text: str) -> bytes:
    """Return 16 bytes that are equal for equal texts: blake2b-128, with each run of white space as one space.

    >>> content_hash("a  b ") == content_hash("a b")
    True
    """
    return hashlib.blake2b(" ".join(text.split()).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def find_copies(records: npt.NDArray[Any]) -> tuple[Hashes, Hashes]:
    """Return the copies among records of dtype `COPY`, in any order.

    Returns:
        Two uint64 [copies]: each document with an equal one before it in keep order, and the first of its equals.
    """
    high, low = id_halves(records["id"])
    text = id_halves(records["content"])
    order = np.lexsort((low, high, records["order"], text[1], text[0], records["scope"]))
    scope, first, second = records["scope"][order], text[0][order], text[1][order]
    repeats = np.zeros(len(order), dtype=np.bool_)
    repeats[1:] = (scope[1:] == scope[:-1]) & (first[1:] == first[:-1]) & (second[1:] == second[:-1])
    heads = np.flatnonzero(~repeats)[np.cumsum(~repeats) - 1]
    docs = records["doc"][order]
    return docs[repeats], docs[heads[repeats]]
