"""The validation split is a function of the document's id alone."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenizer_training.model.split import copies_of, is_validation

IDS = [hashlib.blake2b(str(n).encode(), digest_size=16).digest() for n in range(20_000)]


@settings(deadline=None)
@given(st.binary(min_size=16, max_size=16), st.floats(0, 1))
def test_bytes_and_hex_of_an_id_agree(doc_id: bytes, share: float) -> None:
    assert is_validation(doc_id, share) == is_validation(doc_id.hex(), share)


def test_the_share_is_met_and_its_ends_are_exact() -> None:
    assert not any(is_validation(doc_id, 0.0) for doc_id in IDS)
    assert all(is_validation(doc_id, 1.0) for doc_id in IDS)
    assert 150 <= sum(is_validation(doc_id, 0.01) for doc_id in IDS) <= 250


def test_a_larger_share_contains_the_smaller_one() -> None:
    small = {doc_id for doc_id in IDS if is_validation(doc_id, 0.01)}
    assert small <= {doc_id for doc_id in IDS if is_validation(doc_id, 0.05)}


def test_the_split_never_changes_between_versions() -> None:
    """A document that was held out once must stay held out: these two are pinned."""
    assert [n for n in range(4000) if is_validation(IDS[n], 0.001)] == [336, 1761]


def test_an_id_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="16 bytes, not 2"):
        is_validation("abcd", 0.5)


def test_a_weight_is_met_and_a_larger_one_repeats_the_same_documents() -> None:
    few, more = ([copies_of(doc_id, weight) for doc_id in IDS] for weight in (0.25, 2.5))
    assert abs(sum(few) / len(IDS) - 0.25) < 0.02
    assert abs(sum(more) / len(IDS) - 2.5) < 0.02
    assert set(few) == {0, 1}
    assert set(more) == {2, 3}
    assert all(more[n] == 3 for n, copies in enumerate(few) if copies)


def test_what_is_left_out_says_nothing_about_validation() -> None:
    """Otherwise a mix would shrink or swell the held-out documents."""
    held_out = [doc_id for doc_id in IDS if is_validation(doc_id, 0.1)]
    assert abs(sum(copies_of(doc_id, 0.5) for doc_id in held_out) / len(held_out) - 0.5) < 0.05
