"""Signatures: equal to datasketch's, and an unbiased estimate of similarity."""

from __future__ import annotations

import numpy as np
import pytest
from datasketch import MinHash

from filters.dedup.minhash import EMPTY, PERMUTATIONS, SEED, estimate, permutations, signature, standard_error


def random_set(seed: int, size: int) -> np.ndarray:
    return np.unique(np.random.default_rng(seed).integers(0, 1 << 64, size, dtype=np.uint64))


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_signature_equals_datasketch(size: int) -> None:
    """Same scheme, seed and shingle hashes (low 32 bits) give the same 112 numbers."""
    shingles = random_set(size, size)
    theirs = MinHash(
        num_perm=PERMUTATIONS,
        seed=SEED,
        scheme="affine32",
        hashfunc=lambda shingle: int(shingle) & 0xFFFFFFFF,
    )
    theirs.update_batch(shingles)
    assert np.array_equal(signature(shingles), theirs.hashvalues)


def test_permutations_equal_datasketch() -> None:
    theirs = MinHash(num_perm=PERMUTATIONS, seed=SEED, scheme="affine32").permutations
    assert np.array_equal(permutations(), theirs)


def test_signature_is_uint32_and_ignores_order() -> None:
    shingles = random_set(3, 500)
    assert signature(shingles).dtype == np.uint32
    assert np.array_equal(signature(shingles), signature(shingles[::-1].copy()))


def test_empty_set() -> None:
    assert np.all(signature(np.empty(0, dtype=np.uint64)) == EMPTY)


@pytest.mark.parametrize("similarity", [0.3, 0.5, 0.7, 0.9])
def test_estimate_is_unbiased_with_the_stated_error(similarity: float) -> None:
    """Over 400 pairs of known similarity the mean is right and the spread is the standard error."""
    shared = round(1000 * similarity)
    found = []
    for seed in range(400):
        values = np.random.default_rng(seed).integers(0, 1 << 64, 1000, dtype=np.uint64)
        only = (1000 - shared) // 2
        a, b = values[: shared + only], np.concatenate((values[:shared], values[shared + only :]))
        found.append(float(estimate(signature(a), signature(b))))
    error = standard_error(similarity)
    assert abs(np.mean(found) - similarity) < 4 * error / np.sqrt(400)
    assert 0.85 * error < np.std(found) < 1.15 * error


def test_estimate_is_vectorised() -> None:
    one, other = signature(random_set(1, 50)), signature(random_set(2, 50))
    assert estimate(np.stack([one, other]), one).tolist() == [1.0, float(estimate(one, other))]
