"""Hashes of words and numbers for compiled code, and texts as the code points that it reads."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from filters.compiled import compiled

Hashes = npt.NDArray[np.uint64]
Codes = npt.NDArray[np.uint32]

FNV_BASIS: Final = 0xCBF29CE484222325
FNV_PRIME: Final = 0x100000001B3
"""Start and factor of the 64-bit FNV-1a hash (Fowler, Noll, Vo), which is taken over code points here."""

GOLDEN: Final = 0x9E3779B97F4A7C15
"""2**64 over the golden ratio, odd: the step of splitmix64 (Steele, Lea, Flood 2014)."""


def code_points(text: str) -> Codes:
    """Return the code points of a text, uint32 [characters]; halves of surrogate pairs are kept."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


@compiled
def mix(value: np.uint64) -> np.uint64:
    """Return splitmix64's finaliser (Steele, Lea, Flood 2014) of a uint64: a bijection that spreads every bit."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))
