"""Bands: documents whose signatures agree in all rows of a band share a bucket of candidates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from filters.compiled import compiled
from filters.dedup.minhash import Signatures
from filters.hashing import GOLDEN, Hashes, mix

MOST_HASHES: Final = 256
"""Numbers of the longest signature that `choose_bands` considers."""

WANTED_AT_LIMIT: Final = 0.95
"""Least share of the pairs at the similarity that `choose_bands` has to propose."""


@dataclass(frozen=True, slots=True)
class Bands:
    """A signature cut into `count` bands of `rows` numbers each."""

    count: int
    rows: int

    @property
    def hashes(self) -> int:
        """Numbers in a signature."""
        return self.count * self.rows


BANDS: Final = {"fineweb": Bands(14, 8), "dolma3": Bands(26, 11), "nemo": Bands(20, 13)}
"""Cuts of published recipes: FineWeb (Penedo et al. 2024, and datatrove's default), Dolma 3, NeMo Curator's default."""


def match_probability(similarity: float, bands: Bands) -> float:
    """Return the probability that two documents of a given Jaccard similarity share at least one bucket.

    >>> round(match_probability(0.8, BANDS["fineweb"]), 3)
    0.924
    """
    return float(1.0 - (1.0 - similarity**bands.rows) ** bands.count)


def describe_bands(bands: Bands) -> list[str]:
    """Return lines that show the probability with which pairs of each similarity are compared."""
    shares = [(percent, match_probability(percent / 100, bands)) for percent in range(30, 100, 5)]
    curve = "  ".join(f"{percent / 100:.2f}: {share:.1%}" for percent, share in shares)
    return [
        f"dedup compares pairs by {bands.count} bands x {bands.rows} rows; share found by similarity:",
        curve,
    ]


@cache
def choose_bands(similarity: float) -> Bands:
    """Return the bands that propose 95 % of the pairs at a similarity, and the fewest pairs below it.

    Of all bands with at most 256 numbers whose probability at `similarity` is at least 0.95, it takes those with the
    least area under their curve to the left of `similarity`; of two that are equal, those with fewer numbers.

    >>> choose_bands(0.8)
    Bands(count=21, rows=9)
    """
    grid = np.linspace(0.0, similarity, 201)
    best = (np.inf, 0, Bands(MOST_HASHES, 1))
    for rows in range(1, MOST_HASHES + 1):
        for count in range(1, MOST_HASHES // rows + 1):
            bands = Bands(count, rows)
            if match_probability(similarity, bands) >= WANTED_AT_LIMIT:
                area = float((1.0 - (1.0 - grid**rows) ** count).sum())
                best = min(best, (area, bands.hashes, bands), key=lambda found: found[:2])
    return best[2]


def band_hashes(
    signatures: Signatures, scopes: Hashes, bands: Bands, chosen: Sequence[int] | None = None
) -> Hashes:
    """Return the bucket of each document in each band, uint64 [n, bands].

    Args:
        signatures: [n, bands.hashes].
        scopes: uint64 [n]; documents of different scopes never share a bucket.
        bands: how signatures are cut.
        chosen: the bands to hash; None = all.

    The number of the band is part of the hash, so different bands have different buckets.
    """
    numbers = np.arange(bands.count) if chosen is None else np.asarray(chosen)
    return _fold(signatures.reshape(-1, bands.count, bands.rows), scopes, numbers)


@compiled
def _fold(rows: Signatures, scopes: Hashes, numbers: npt.NDArray[np.int64]) -> Hashes:
    """Fold [n, all bands, rows] into uint64 [n, chosen bands]."""
    hashes = np.empty((len(rows), len(numbers)), dtype=np.uint64)
    for document in range(len(rows)):
        for place, band in enumerate(numbers):
            value = _mix(_mix(scopes[document]) + np.uint64(band + 1))
            for number in rows[document, band]:
                value = _mix(value ^ np.uint64(number))
            hashes[document, place] = value
    return hashes


@compiled
def _mix(value: np.uint64) -> np.uint64:
    """Return splitmix64 of a uint64: a bijection that spreads every bit."""
    return mix(value + np.uint64(GOLDEN))
