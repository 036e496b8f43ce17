"""Components: partitioned rounds find what a union-find over everything finds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from filters.dedup.buckets import Buckets
from filters.dedup.components import (
    EDGE,
    both_ways,
    distinct,
    fingerprint,
    groups_of,
    large_star,
    local_edges,
    roots_of,
    small_star,
)

PAIRS = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 40)).filter(lambda p: p[0] != p[1]), max_size=60
)


def edges_of(pairs: list[tuple[int, int]]) -> np.ndarray:
    made = np.array([(max(pair), min(pair)) for pair in pairs], dtype=EDGE)
    return distinct(made)


def by_union(pairs: list[tuple[int, int]], count: int) -> list[int]:
    """The smallest document of each one's component."""
    first, second = ([pair[side] for pair in pairs] for side in (0, 1))
    links = coo_array((np.ones(len(pairs)), (first, second)), shape=(count, count))
    labels = connected_components(links, directed=False)[1]
    return [int(np.flatnonzero(labels == label)[0]) for label in labels]


def partitioned(operation: object, edges: np.ndarray, partitions: int) -> np.ndarray:
    """An operation on each partition by document, as Beam applies it."""
    parts = [operation(distinct(edges[edges["doc"] % partitions == part])) for part in range(partitions)]  # type: ignore[operator]
    return np.concatenate(parts)


def one_round(edges: np.ndarray, partitions: int) -> np.ndarray:
    stars = partitioned(large_star, both_ways(edges), partitions)
    return distinct(partitioned(small_star, stars, partitions))


@settings(deadline=None)
@given(PAIRS, st.integers(1, 4))
def test_rounds_end_with_the_components(pairs: list[tuple[int, int]], partitions: int) -> None:
    """Whatever the partitions; a round that changes nothing leaves one edge per document, to its root."""
    edges = edges_of(pairs)
    for _ in range(30):
        before = fingerprint(edges)
        edges = one_round(edges, partitions)
        if fingerprint(edges) == before:
            break
    else:
        pytest.fail("does not settle")
    docs = np.arange(41, dtype=np.uint64)
    assert len(np.unique(edges["doc"])) == len(edges)
    assert roots_of(docs, edges).tolist() == by_union(pairs, 41)


def test_a_long_chain_settles_in_few_rounds() -> None:
    """10,000 documents in a row, shuffled: 13 rounds are enough, not thousands."""
    order = np.random.default_rng(1).permutation(10_000)
    edges = edges_of(list(zip(order[:-1].tolist(), order[1:].tolist(), strict=True)))
    for _ in range(13):
        edges = one_round(edges, 3)
    assert np.all(edges["root"] == 0)
    assert len(edges) == 9_999


def test_local_edges_lead_to_the_smallest() -> None:
    """Buckets that share a document are one component; every other document of it has one edge."""
    docs = np.array([7, 5, 5, 9, 2, 3], dtype=np.uint64)
    false = np.zeros(3, dtype=np.bool_)
    found = local_edges(Buckets(docs, np.array([0, 2, 4, 6]), false, false))
    assert found.tolist() == [(3, 2), (7, 5), (9, 5)]


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 40), min_size=2, max_size=5, unique=True), min_size=1, max_size=20))
def test_local_edges_are_those_of_scipy(buckets: list[list[int]]) -> None:
    docs = np.array([doc for bucket in buckets for doc in bucket], dtype=np.uint64)
    starts = np.cumsum([0, *map(len, buckets)])
    false = np.zeros(len(buckets), dtype=np.bool_)
    pairs = [(bucket[0], doc) for bucket in buckets for doc in bucket[1:]]
    smallest = by_union(pairs, 41)
    wanted = [(doc, smallest[doc]) for doc in range(41) if smallest[doc] != doc]
    assert local_edges(Buckets(docs, starts, false, false)).tolist() == wanted


def test_a_component_is_one_group() -> None:
    roots = np.repeat(np.arange(100, dtype=np.uint64) * np.uint64(1 << 32), 3)
    groups = groups_of(roots, 7).reshape(100, 3)
    assert np.all(groups == groups[:, :1])
    assert set(groups.ravel().tolist()) == set(range(7))


def test_the_fingerprint_sees_a_changed_edge() -> None:
    one, other = edges_of([(1, 2), (3, 4)]), edges_of([(1, 2), (3, 5)])
    assert fingerprint(one) == fingerprint(edges_of([(4, 3), (2, 1)]))
    assert fingerprint(one) != fingerprint(other)
