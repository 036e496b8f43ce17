"""MinHash signatures: 112 numbers per document, from which the similarity of any two is estimated.

The scheme is ``affine32`` of datasketch 2.0 (``datasketch/minhash.py``), bit for bit: the low 32 bits of each
shingle go through MurmurHash3's finaliser once, permutation k is ``a[k] * h + b[k] mod 2**32`` with ``a[k]``
odd, and the signature holds the minimum of each. A signature made here can be compared with one made there.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
from numba import njit

Signatures = npt.NDArray[np.uint32]

PERMUTATIONS: Final = 112
SEED: Final = 1
EMPTY: Final = 0xFFFFFFFF


@cache
def permutations() -> npt.NDArray[np.uint32]:
    """Return the factors and summands of the permutations, uint32 [2, 112].

    Drawn as datasketch draws them; numpy freezes the stream of ``RandomState`` (NEP 19).
    """
    generator = np.random.RandomState(SEED)
    factors = generator.randint(0, 1 << 31, PERMUTATIONS, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    summands = generator.randint(0, 1 << 32, PERMUTATIONS, dtype=np.uint32)
    return np.array([factors, summands])


def signature(shingles: npt.NDArray[np.uint64]) -> Signatures:
    """Return the signature of one set of shingles, uint32 [112]; all `EMPTY` for the empty set."""
    factors, summands = permutations()
    return _minima(shingles, factors, summands)  # type: ignore[no-any-return]


def estimate(a: Signatures, b: Signatures) -> npt.NDArray[np.float64]:
    """Return the estimated Jaccard similarity of signatures [..., 112]: the share of equal numbers."""
    return np.asarray(np.mean(a == b, axis=-1), dtype=np.float64)


def standard_error(similarity: float) -> float:
    """Return the standard error of `estimate` at a true similarity: binomial over the permutations.

    >>> round(standard_error(0.7), 3)
    0.043
    """
    return float(np.sqrt(similarity * (1.0 - similarity) / PERMUTATIONS))


@njit(cache=True)  # type: ignore[untyped-decorator]
def _minima(
    shingles: npt.NDArray[np.uint64], factors: npt.NDArray[np.uint32], summands: npt.NDArray[np.uint32]
) -> Signatures:
    minima = np.full(len(factors), np.uint32(EMPTY), dtype=np.uint32)
    for shingle in shingles:
        mixed = np.uint32(shingle)
        mixed = np.uint32((mixed ^ (mixed >> np.uint32(16))) * np.uint32(0x85EBCA6B))
        mixed = np.uint32((mixed ^ (mixed >> np.uint32(13))) * np.uint32(0xC2B2AE35))
        mixed = np.uint32(mixed ^ (mixed >> np.uint32(16)))
        for k in range(len(factors)):
            minima[k] = min(minima[k], np.uint32(factors[k] * mixed + summands[k]))
    return minima
