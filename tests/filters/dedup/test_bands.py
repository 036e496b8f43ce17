"""Bands: the curve of the field's recipes, found again in simulated signatures."""

from __future__ import annotations

import numpy as np
import pytest

from filters.dedup.bands import BANDS, MOST_HASHES, Bands, band_hashes, choose_bands, match_probability

FINEWEB = BANDS["fineweb"]
PERMUTATIONS = FINEWEB.hashes


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


@pytest.mark.parametrize(("preset", "at_07", "at_08"), [("dolma3", 0.405, 0.903), ("nemo", 0.177, 0.677)])
def test_presets_have_the_curves_of_their_recipes(preset: str, at_07: float, at_08: float) -> None:
    found = [match_probability(similarity, BANDS[preset]) for similarity in (0.7, 0.8)]
    assert found == pytest.approx([at_07, at_08], abs=0.0006)


def test_chosen_bands_hash_as_among_all() -> None:
    a, _ = pairs(0.5, 9)
    scopes = np.arange(9, dtype=np.uint64)
    every = band_hashes(a, scopes, FINEWEB)
    assert np.array_equal(band_hashes(a, scopes, FINEWEB, [3, 4, 0]), every[:, [3, 4, 0]])


@pytest.mark.parametrize("similarity", [0.3, 0.5, 0.7, 0.8, 0.9, 0.99])
def test_automatic_bands_find_95_percent_at_the_limit(similarity: float) -> None:
    """And another cut that does so proposes more pairs below it."""
    bands = choose_bands(similarity)
    assert bands.hashes <= MOST_HASHES
    assert match_probability(similarity, bands) >= 0.95
    below = np.linspace(0, similarity, 201)

    def area(one: Bands) -> float:
        return float(sum(match_probability(s, one) for s in below))

    others = [Bands(count, rows) for rows in range(1, 30) for count in range(1, MOST_HASHES // rows + 1)]
    sound = [one for one in others if match_probability(similarity, one) >= 0.95]
    assert area(bands) <= min(map(area, sound[::7])) + 1e-9
