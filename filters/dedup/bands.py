"""Bands: documents whose signatures agree in all rows of one band share a bucket of candidates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numba import njit

from filters.dedup.minhash import PERMUTATIONS, Signatures
from filters.dedup.shingles import Hashes


@dataclass(frozen=True, slots=True)
class Bands:
    """A cut of the signature: `count` bands of `rows` numbers each.

    Raises:
        ValueError: the bands do not use the signature up.
    """

    count: int
    rows: int

    def __post_init__(self) -> None:
        if self.count * self.rows != PERMUTATIONS:
            raise ValueError(f"{self.count} bands x {self.rows} rows are not {PERMUTATIONS} permutations")


# FineWeb's cut (Penedo et al. 2024, and datatrove's default): over word 5-grams it proposes 56 % of the
# pairs at a similarity of 0.7, 92 % at 0.8, 5 % at 0.5.
BANDS: Final = {"fineweb": Bands(14, 8)}


def match_probability(similarity: float, bands: Bands) -> float:
    """Return the probability that two documents of a given Jaccard similarity share at least one bucket.

    >>> round(match_probability(0.8, BANDS["fineweb"]), 3)
    0.924
    """
    return 1.0 - (1.0 - similarity**bands.rows) ** bands.count


def band_hashes(signatures: Signatures, scopes: Hashes, bands: Bands) -> Hashes:
    """Return the bucket of each document in each band, uint64 [n, bands.count].

    Args:
        signatures: uint32 [n, 112].
        scopes: uint64 [n]; documents of different scopes never share a bucket.
        bands: the cut.

    The number of the band is part of the hash: buckets of different bands are different buckets.
    """
    rows = signatures.reshape(-1, bands.count, bands.rows)
    return _fold(rows, scopes)  # type: ignore[no-any-return]


@njit(cache=True)  # type: ignore[untyped-decorator]
def _fold(rows: Signatures, scopes: Hashes) -> Hashes:
    """Fold uint32 [n, bands, rows] to uint64 [n, bands]."""
    documents, bands, _ = rows.shape
    hashes = np.empty((documents, bands), dtype=np.uint64)
    for document in range(documents):
        for band in range(bands):
            value = _mix(_mix(scopes[document]) + np.uint64(band + 1))
            for number in rows[document, band]:
                value = _mix(value ^ np.uint64(number))
            hashes[document, band] = value
    return hashes


@njit(cache=True)  # type: ignore[untyped-decorator]
def _mix(value: np.uint64) -> np.uint64:
    """Return splitmix64 of a uint64 (Steele, Lea, Flood 2014): a bijection that spreads every bit."""
    value = value + np.uint64(0x9E3779B97F4A7C15)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))
