"""Bands: the curve of the field's recipes, found again in simulated signatures."""

from __future__ import annotations

import numpy as np
import pytest

from filters.dedup.bands import BANDS, Bands, band_hashes, match_probability
from filters.dedup.minhash import PERMUTATIONS

FINEWEB = BANDS["fineweb"]


def pairs(similarity: float, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Signatures whose numbers agree independently with a given probability."""
    random = np.random.default_rng(5)
    a, b = random.integers(0, 1 << 32, (2, count, PERMUTATIONS), dtype=np.uint32)
    return a, np.where(random.random((count, PERMUTATIONS)) < similarity, a, b)


@pytest.mark.parametrize(
    ("similarity", "expected"), [(0.5, 0.053), (0.6, 0.211), (0.7, 0.565), (0.8, 0.924), (0.9, 1.0)]
)
def test_match_probability_is_finewebs(similarity: float, expected: float) -> None:
    assert match_probability(similarity, FINEWEB) == pytest.approx(expected, abs=0.0005)


@pytest.mark.parametrize("similarity", [0.5, 0.7, 0.85])
def test_buckets_are_shared_as_often_as_the_curve_says(similarity: float) -> None:
    a, b = pairs(similarity, 4000)
    scopes = np.zeros(4000, dtype=np.uint64)
    shared = (band_hashes(a, scopes, FINEWEB) == band_hashes(b, scopes, FINEWEB)).any(axis=1).mean()
    assert shared == pytest.approx(match_probability(similarity, FINEWEB), abs=0.03)


def test_a_band_is_its_rows_and_no_more() -> None:
    """A change in one number changes the hash of its band only."""
    a, _ = pairs(0.5, 1)
    b = a.copy()
    b[0, 17] += 1
    zero = np.zeros(1, dtype=np.uint64)
    differs = band_hashes(a, zero, FINEWEB) != band_hashes(b, zero, FINEWEB)
    assert np.flatnonzero(differs[0]).tolist() == [17 // FINEWEB.rows]


def test_scopes_and_bands_have_buckets_of_their_own() -> None:
    """Equal numbers in another scope, or in another band, are another bucket."""
    same = np.tile(np.arange(8, dtype=np.uint32), (2, 14))
    hashes = band_hashes(same, np.array([1, 2], dtype=np.uint64), FINEWEB)
    assert len(np.unique(hashes)) == 28


def test_bands_must_use_the_signature_up() -> None:
    with pytest.raises(ValueError, match="10 bands x 8 rows"):
        Bands(10, 8)
