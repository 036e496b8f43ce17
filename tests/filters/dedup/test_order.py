"""The keep order."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from filters.dedup.order import LAST, keep_keys, keep_order, rank_best, rank_longest, rank_newest, rank_source

DOCUMENTS = st.lists(
    st.tuples(st.integers(0, 3), st.binary(min_size=16, max_size=16)), unique=True, max_size=20
)


def test_longest_counts_characters() -> None:
    """Six Cyrillic letters come before five Latin ones and after seven, whatever their bytes."""
    ranks = [rank_longest(text) for text in ("seven77", "шестой", "five5")]
    assert ranks == sorted(ranks)


def test_newest_knows_zones_and_dates_without_time() -> None:
    """The same moment ranks the same; missing and malformed dates come last."""
    noon = rank_newest("2024-05-01T12:00:00Z")
    assert rank_newest("2024-05-01T14:00:00+02:00") == noon
    assert rank_newest("2024-05-01T12:00:00") == noon
    assert rank_newest("2024-05-01") > noon
    assert rank_newest("2023-01-01") < rank_newest("yesterday") == LAST
    assert rank_newest(None) == rank_newest("1959-01-01") == LAST


@given(st.lists(st.floats(width=32, allow_nan=False), min_size=1))
def test_best_is_the_highest_value(values: list[float]) -> None:
    """Whatever its sign; nothing and not-a-number come last, and zero has no sign."""
    ranks = [rank_best(value) for value in values]
    assert [values[i] for i in np.argsort(ranks, kind="stable")] == sorted(values, reverse=True)
    assert all(0 <= rank <= LAST for rank in ranks)
    assert rank_best(None) == rank_best(float("nan")) == LAST


def test_source_goes_before_length() -> None:
    preferred = ("wikipedia", "books")
    texts = [("wikipedia", "ab"), ("wikipedia", "a"), ("books", "abc"), ("web", "abcd"), ("forum", "abc")]
    ranks = [rank_source(source, preferred, text) for source, text in texts]
    assert ranks == sorted(ranks)
    assert rank_source("forum", preferred, "abcd") == rank_source("web", preferred, "abcd") <= LAST


@given(DOCUMENTS)
def test_keep_order_is_rank_then_id(documents: list[tuple[int, bytes]]) -> None:
    """The order is Python's order of (rank, id); any older run comes first."""
    ranks = np.array([rank for rank, _ in documents], dtype=np.uint32)
    ids = np.array([identity for _, identity in documents], dtype="V16")
    order = keep_order(keep_keys(ranks, 0), ids).tolist()
    assert [documents[i] for i in order] == sorted(documents)
    assert np.all(keep_keys(ranks, 0) < keep_keys(ranks, 1).min(initial=1 << 40))
