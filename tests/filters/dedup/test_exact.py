"""Exact copies collapse to the first of them in keep order, within their scope."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from filters.dedup.exact import COPY, content_hash, find_copies

ROWS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 1), st.integers(0, 2)), max_size=25)


def records(rows: list[tuple[int, int, int]]) -> np.ndarray:
    """Records of (content, scope, rank); the id falls while the number of the document rises."""
    made = np.zeros(len(rows), dtype=COPY)
    for i, (content, scope, rank) in enumerate(rows):
        identity = (1000 - i).to_bytes(16, "big")
        made[i] = (content.to_bytes(16, "big"), scope, rank, identity, i)
    return made


def test_content_hash_sees_white_space_as_one_space() -> None:
    assert content_hash("a\n\n b\t") == content_hash(" a b") != content_hash("ab")
    assert len(content_hash("")) == 16


@given(ROWS, st.randoms(use_true_random=False))
def test_copies_follow_the_definition_in_any_order(rows: list[tuple[int, int, int]], random: object) -> None:
    made = records(rows)
    expected = {}
    for i, (content, scope, _) in enumerate(rows):
        equals = [j for j, row in enumerate(rows) if row[:2] == (content, scope)]
        first = min(equals, key=lambda j: (rows[j][2], 1000 - j))
        if first != i:
            expected[i] = first
    shuffled = made[np.array(random.sample(range(len(rows)), len(rows)), dtype=np.int64)]  # type: ignore[attr-defined]
    copies, firsts = find_copies(shuffled)
    assert dict(zip(copies.tolist(), firsts.tolist(), strict=True)) == expected
