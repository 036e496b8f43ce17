"""Signatures: equal to datasketch's and datatrove's, and an unbiased estimate of similarity."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from datasketch import MinHash

from filters.dedup.minhash import SEED, estimate, permutations, signature, standard_error
from filters.dedup.scheme import Scheme, differences

PERMUTATIONS = 112
GOLDEN = json.loads((Path(__file__).parent / "datatrove_signatures.json").read_text())
"""Made once with datatrove 0.10.1: the first numbers, and the sha256 of all 112 as little-endian uint64."""


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
    assert np.array_equal(signature(shingles, PERMUTATIONS), theirs.hashvalues)


def test_permutations_equal_datasketch() -> None:
    theirs = MinHash(num_perm=PERMUTATIONS, seed=SEED, scheme="affine32").permutations
    assert np.array_equal(permutations("affine32", PERMUTATIONS), theirs)


def test_signature_is_uint32_and_ignores_order() -> None:
    shingles = random_set(3, 500)
    assert signature(shingles, 16).dtype == np.uint32
    assert np.array_equal(signature(shingles, 16), signature(shingles[::-1].copy(), 16))


@pytest.mark.parametrize("scheme", ["affine32", "fineweb"])
def test_empty_set(scheme: str) -> None:
    made = signature(np.empty(0, dtype=np.uint64), 3, scheme)  # type: ignore[arg-type]
    assert np.all(made == np.iinfo(made.dtype).max)


@pytest.mark.parametrize("scheme", ["fineweb", "datatrove"])
@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case["text"][:20])
def test_published_schemes_equal_datatrove(case: dict, scheme: str) -> None:
    """The same 112 numbers from the same text, in several languages; none from fewer than five words."""
    made = Scheme(scheme)  # type: ignore[arg-type]
    shingles = made.windows(case["text"])
    expected = case[scheme]
    assert (len(shingles) == 0) == (expected is None)
    if expected:
        found = made.signature(shingles)
        assert found[:4].tolist() == expected["first"]
        assert hashlib.sha256(found.astype("<u8").tobytes()).hexdigest() == expected["sha256"]


def test_headers_name_what_differs() -> None:
    assert differences(Scheme().header(), Scheme().header()) == []
    assert differences(Scheme(width=13).header(), Scheme("fineweb").header()) == [
        "name affine32, there fineweb",
        "width 13, there 5",
    ]


def test_published_schemes_have_no_characters() -> None:
    with pytest.raises(ValueError, match="unit of scheme fineweb must be word"):
        Scheme("fineweb", "character")


@pytest.mark.parametrize("scheme", ["affine32", "fineweb"])
@pytest.mark.parametrize("similarity", [0.3, 0.5, 0.7, 0.9])
def test_estimate_is_unbiased_with_the_stated_error(similarity: float, scheme: str) -> None:
    """Over 400 pairs of known similarity the mean is right and the spread is the standard error."""
    shared = round(1000 * similarity)
    found = []
    for seed in range(400):
        values = np.random.default_rng(seed).integers(0, 1 << 64, 1000, dtype=np.uint64)
        only = (1000 - shared) // 2
        a, b = values[: shared + only], np.concatenate((values[:shared], values[shared + only :]))
        found.append(float(estimate(*(signature(x, PERMUTATIONS, scheme) for x in (a, b)))))  # type: ignore[arg-type]
    error = standard_error(similarity, PERMUTATIONS)
    assert abs(np.mean(found) - similarity) < 4 * error / np.sqrt(400)
    assert 0.85 * error < np.std(found) < 1.15 * error


def test_estimate_is_vectorised() -> None:
    one, other = signature(random_set(1, 50), 112), signature(random_set(2, 50), 112)
    assert estimate(np.stack([one, other]), one).tolist() == [1.0, float(estimate(one, other))]
