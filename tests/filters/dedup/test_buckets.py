"""Buckets: who is compared with whom."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from filters.dedup.buckets import MEMBER, Buckets, form_buckets

ROWS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 2)), max_size=40)


def members(rows: list[tuple[int, int, int]], content: list[int] | None = None) -> np.ndarray:
    """Members of (band, next band, order), one document each."""
    made = np.zeros(len(rows), dtype=MEMBER)
    for i, (band, following, order) in enumerate(rows):
        made[i] = (band, following, content[i] if content else i, order, i)
    return made


def as_sets(buckets: Buckets) -> list[tuple[list[int], bool]]:
    parts = np.split(buckets.docs, buckets.starts[1:-1]) if len(buckets.capped) else []
    return sorted((part.tolist(), bool(capped)) for part, capped in zip(parts, buckets.capped, strict=True))


@given(ROWS, st.integers(1, 12))
def test_buckets_follow_the_definition(rows: list[tuple[int, int, int]], full: int) -> None:
    """Whole while small, split by the next band when large, capped when still too large; in keep order."""
    expected = []
    for band in {row[0] for row in rows}:
        docs = [i for i, row in enumerate(rows) if row[0] == band]
        parts = [docs]
        if len(docs) > full:
            parts = [[i for i in docs if rows[i][1] == following] for following in range(3)]
        for part in parts:
            if len(part) > 1:
                expected.append((sorted(part, key=lambda i: (rows[i][2], i)), len(part) > full))
    assert as_sets(form_buckets(members(rows), full)) == sorted(expected)


@given(ROWS, st.randoms(use_true_random=False))
def test_input_order_does_not_matter(rows: list[tuple[int, int, int]], random: object) -> None:
    made = members(rows)
    shuffled = made[np.array(random.sample(range(len(rows)), len(rows)), dtype=np.int64)]  # type: ignore[attr-defined]
    assert as_sets(form_buckets(made, 4)) == as_sets(form_buckets(shuffled, 4))


def test_exact_copies_collapse_to_the_first_before_they_are_counted() -> None:
    """5,000 equal documents and one other are a bucket of two, not one of 5,001."""
    rows = [(1, 0, 5000 - i) for i in range(5000)] + [(1, 0, 9999)]
    buckets = form_buckets(members(rows, [7] * 5000 + [8]))
    assert as_sets(buckets) == [([4999, 5000], False)]


def test_a_bucket_of_copies_alone_is_none() -> None:
    assert len(form_buckets(members([(1, 0, 0), (1, 0, 1)], [7, 7])).docs) == 0


def test_nothing_gives_nothing() -> None:
    buckets = form_buckets(np.empty(0, dtype=MEMBER))
    assert buckets.starts.tolist() == [0]
    assert len(buckets.sizes) == 0
