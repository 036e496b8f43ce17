"""MinHash signatures: a fixed number of values per document, from which the similarity of any two is estimated.

There are two schemes. Each equals that of another tool bit for bit, so signatures made here can be compared with
signatures made there from the same shingles:

- ``affine32`` of datasketch 2.0 (``datasketch/minhash.py``): the low 32 bits of each shingle pass MurmurHash3's
  finaliser once; permutation k is ``a[k] * h + b[k] mod 2**32`` with an odd ``a[k]``;
- ``fineweb`` of datatrove: permutation k is ``(a[k] * h + b[k] mod 2**64) mod (2**61 - 1)``. The product wraps, so
  this is not a universal hash; over simulated pairs the estimate shows no bias.

The signature holds the minimum of each permutation.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from filters.compiled import compiled

Signatures = npt.NDArray[np.uint32] | npt.NDArray[np.uint64]
SchemeName = Literal["affine32", "fineweb"]

SEED: Final = 1
_MERSENNE: Final = (1 << 61) - 1


@cache
def permutations(scheme: SchemeName, count: int, seed: int = SEED) -> npt.NDArray[Any]:
    """Return the factors and summands of `count` permutations, [2, count], drawn as the other tool draws them.

    numpy freezes the stream of ``RandomState`` (NEP 19).
    """
    generator = np.random.RandomState(seed)
    if scheme == "affine32":
        factors = generator.randint(0, 1 << 31, count, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
        return np.array([factors, generator.randint(0, 1 << 32, count, dtype=np.uint32)])
    factors = generator.randint(1, _MERSENNE, count, dtype=np.uint64)
    return np.array([factors, generator.randint(0, _MERSENNE, count, dtype=np.uint64)])


def signature(
    shingles: npt.NDArray[np.uint64], count: int, scheme: SchemeName = "affine32", seed: int = SEED
) -> Signatures:
    """Return the signature of shingles, [count]: uint32 (``affine32``) or uint64 (``fineweb``).

    Order and repetition of the shingles do not matter; without shingles, all bits of all numbers are set.
    """
    minima = _affine32 if scheme == "affine32" else _fineweb
    return minima(shingles, *permutations(scheme, count, seed))


def estimate(a: Signatures, b: Signatures) -> npt.NDArray[np.float64]:
    """Return the estimated Jaccard similarity of signatures [..., count]: the share of equal numbers."""
    return np.asarray(np.mean(a == b, axis=-1), dtype=np.float64)


def standard_error(similarity: float, count: int) -> float:
    """Return the standard error of `estimate` at a true similarity: binomial over the permutations.

    >>> round(standard_error(0.7, 112), 3)
    0.043
    """
    return float(np.sqrt(similarity * (1.0 - similarity) / count))


@compiled
def _affine32(
    shingles: npt.NDArray[np.uint64], factors: npt.NDArray[np.uint32], summands: npt.NDArray[np.uint32]
) -> npt.NDArray[np.uint32]:
    minima = np.full(len(factors), np.uint32(0xFFFFFFFF), dtype=np.uint32)
    for shingle in shingles:
        mixed = np.uint32(shingle)
        mixed = np.uint32((mixed ^ (mixed >> np.uint32(16))) * np.uint32(0x85EBCA6B))
        mixed = np.uint32((mixed ^ (mixed >> np.uint32(13))) * np.uint32(0xC2B2AE35))
        mixed = np.uint32(mixed ^ (mixed >> np.uint32(16)))
        for k in range(len(factors)):
            minima[k] = min(minima[k], np.uint32(factors[k] * mixed + summands[k]))
    return minima


@compiled
def _fineweb(
    shingles: npt.NDArray[np.uint64], factors: npt.NDArray[np.uint64], summands: npt.NDArray[np.uint64]
) -> npt.NDArray[np.uint64]:
    minima = np.full(len(factors), np.uint64(0xFFFFFFFFFFFFFFFF), dtype=np.uint64)
    for shingle in shingles:
        for k in range(len(factors)):
            minima[k] = min(minima[k], (factors[k] * shingle + summands[k]) % np.uint64(_MERSENNE))
    return minima
