"""The validation split is a function of the document's id alone."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenizer_training.split import is_validation

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
