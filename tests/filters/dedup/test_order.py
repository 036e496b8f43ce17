"""The keep order."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from filters.dedup.order import LAST, keep_keys, keep_order, keep_rank

DOCUMENTS = st.lists(
    st.tuples(st.integers(0, 3), st.binary(min_size=16, max_size=16)), unique=True, max_size=20
)


def test_longest_counts_characters() -> None:
    """Six Cyrillic letters come before five Latin ones and after seven, whatever their bytes."""
    ranks = [keep_rank("longest", text, None) for text in ("seven77", "шестой", "five5")]
    assert ranks == sorted(ranks)


def test_newest_knows_zones_and_dates_without_time() -> None:
    """The same moment ranks the same; missing and malformed dates come last."""
    noon = keep_rank("newest", "", "2024-05-01T12:00:00Z")
    assert keep_rank("newest", "", "2024-05-01T14:00:00+02:00") == noon
    assert keep_rank("newest", "", "2024-05-01T12:00:00") == noon
    assert keep_rank("newest", "", "2024-05-01") > noon
    assert keep_rank("newest", "", "2023-01-01") < keep_rank("newest", "", "yesterday") == LAST
    assert keep_rank("newest", "", None) == keep_rank("newest", "", "1959-01-01") == LAST


@given(DOCUMENTS)
def test_keep_order_is_rank_then_id(documents: list[tuple[int, bytes]]) -> None:
    """The order is Python's order of (rank, id); the 64-bit keys never contradict it."""
    ranks = np.array([rank for rank, _ in documents], dtype=np.uint32)
    ids = np.array([identity for _, identity in documents], dtype="V16")
    order = keep_order(ranks, ids).tolist()
    assert [documents[i] for i in order] == sorted(documents)
    keys = keep_keys(ranks, ids)[order]
    assert np.all(keys[1:] >= keys[:-1])
