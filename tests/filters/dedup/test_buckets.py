"""Buckets: who is compared with whom."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from filters.dedup.buckets import MEMBER, Buckets, form_buckets, gather_buckets, join_buckets

ROWS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 2)), max_size=40)


def members(rows: list[tuple[int, int, int]], content: list[int] | None = None) -> np.ndarray:
    """Members of (band, next band, order), one document each."""
    made = np.zeros(len(rows), dtype=MEMBER)
    for i, (band, following, order) in enumerate(rows):
        made[i] = (band, following, content[i] if content else i, order, 0, i)
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


def test_a_sure_bucket_is_never_split() -> None:
    buckets = form_buckets(members([(1, i, i) for i in range(30)]), full=4, sure=True)
    assert as_sets(buckets) == [(list(range(30)), False)]
    assert buckets.sure.tolist() == [True]


@given(ROWS, st.integers(1, 12), st.randoms(use_true_random=False))
def test_memberships_tell_the_buckets(rows: list[tuple[int, int, int]], full: int, random: object) -> None:
    """In any order they give back the buckets and their marks, documents as places in keep order."""
    plain, sure = form_buckets(members(rows), full), form_buckets(members(rows), full, sure=True)
    buckets = join_buckets([plain, sure])
    told = buckets.memberships(7 << 32)
    told = told[np.array(random.sample(range(len(told)), len(told)), dtype=np.int64)]  # type: ignore[attr-defined]
    docs = np.array(sorted(range(len(rows)), key=lambda i: (rows[i][2], i)), dtype=np.uint64)
    again = gather_buckets(told, docs)
    assert docs[again.docs.astype(int)].tolist() == sorted_by_marks(buckets)
    assert sorted(again.sure.tolist()) == sorted(buckets.sure.tolist())
    assert sorted(again.capped.tolist()) == sorted(buckets.capped.tolist())


def sorted_by_marks(buckets: Buckets) -> list[int]:
    """Documents of all buckets, those with higher marks last, as the numbers of buckets sort."""
    parts = np.split(buckets.docs, buckets.starts[1:-1]) if len(buckets.capped) else []
    marks = zip(buckets.capped.tolist(), buckets.sure.tolist(), range(len(parts)), parts, strict=True)
    return [doc for _, _, _, part in sorted(marks, key=lambda m: m[:3]) for doc in part.tolist()]


def test_nothing_gives_nothing() -> None:
    buckets = form_buckets(np.empty(0, dtype=MEMBER))
    assert buckets.starts.tolist() == [0]
    assert len(buckets.sizes) == 0
