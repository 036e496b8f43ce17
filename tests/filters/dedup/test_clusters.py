"""The rule: no chains, every removed document is similar to a keeper that stays, and order does not matter."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.dedup.buckets import HEAD, Buckets, join_buckets
from filters.dedup.clusters import Decisions, Limit, resolve
from filters.dedup.minhash import estimate
from filters.dedup.walk import KEPT

PERMUTATIONS = 112

# A group of documents: how many numbers of the signature each shares with a common core, and its buckets.
GROUPS = st.integers(1, 14).flatmap(
    lambda n: st.tuples(
        st.lists(st.integers(60, PERMUTATIONS), min_size=n, max_size=n),
        st.lists(st.sets(st.integers(0, n - 1), min_size=2), max_size=8) if n > 1 else st.just([]),
        st.dictionaries(
            st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), st.floats(0.5, 1), max_size=30
        ),
    )
)


def signatures_of(shared: list[int]) -> np.ndarray:
    """Signatures that agree with a core in their first so many numbers and with nothing elsewhere."""
    made = np.arange(PERMUTATIONS, dtype=np.uint32)[None, :].repeat(len(shared), axis=0)
    for i, count in enumerate(shared):
        made[i, count:] = 1000 * (i + 1) + np.arange(count, PERMUTATIONS)
    return made


def buckets_of(sets: list[set[int]], capped: bool = False, sure: bool = False) -> Buckets:
    docs = [doc for one in sets for doc in sorted(one)]
    starts = np.cumsum([0, *map(len, sets)])
    marks = np.full(len(sets), capped), np.full(len(sets), sure)
    return Buckets(np.array(docs, dtype=np.uint64), starts, *marks)


def by_definition(
    signatures: np.ndarray, sets: list[set[int]], limit: Limit, exact: dict[tuple[int, int], float]
) -> list[tuple[int, float]]:
    """The rule as DESIGN states it, pair by pair."""
    decided: list[tuple[int, float]] = []
    for doc in range(len(signatures)):
        best = (0.0, 0)
        for other in range(doc):
            if decided[other][0] != KEPT or not any({doc, other} <= one for one in sets):
                continue
            similarity = float(estimate(signatures[doc], signatures[other]))
            if limit.low <= round(similarity * PERMUTATIONS) <= limit.high:
                similarity = exact.get((other, doc), 0.0)
            if similarity >= limit.similarity:
                best = max(best, (similarity, -other))
        decided.append((-best[1], best[0]) if best[0] else (KEPT, 0.0))
    return decided


def run(
    signatures: np.ndarray, sets: list[set[int]], limit: Limit, exact: dict[tuple[int, int], float]
) -> Decisions:
    def compare(pairs: np.ndarray) -> np.ndarray:
        assert np.all(pairs[:, 0] < pairs[:, 1])
        return np.array([exact.get((a, b), 0.0) for a, b in pairs.tolist()])

    return resolve(signatures, buckets_of(sets), limit, compare)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(GROUPS, st.booleans())
def test_decisions_are_the_definitions(group: tuple, trust: bool) -> None:
    """Whatever the candidates, estimates and exact values, with and without trust in estimates."""
    shared, sets, exact = group
    signatures = signatures_of(shared)
    limit = Limit.estimated(0.7, PERMUTATIONS) if trust else Limit.exact(0.7, PERMUTATIONS)
    found = run(signatures, sets, limit, exact)
    expected = by_definition(signatures, sets, limit, exact)
    assert list(zip(found.keeper.tolist(), found.similarity.tolist(), strict=True)) == expected


@settings(max_examples=100, deadline=None)
@given(GROUPS)
def test_no_chains(group: tuple) -> None:
    """A keeper is itself kept, comes before, and is at least as similar as the limit."""
    shared, sets, exact = group
    found = run(signatures_of(shared), sets, Limit.estimated(0.7, PERMUTATIONS), exact)
    for doc, keeper in enumerate(found.keeper.tolist()):
        if keeper != KEPT:
            assert keeper < doc
            assert found.keeper[keeper] == KEPT
            assert found.similarity[doc] >= 0.7


def test_similar_only_to_a_removed_document_stays() -> None:
    """B falls to A; C resembles B alone, so C stays: that is what forbids chains."""
    signatures = np.zeros((3, PERMUTATIONS), dtype=np.uint32)
    signatures[1, :20] = 1
    signatures[2, :40] = 2
    signatures[2, :20] = 1
    found = run(signatures, [{0, 1, 2}], Limit(0.7, 80, 80), {})
    assert found.keeper.tolist() == [KEPT, 0, KEPT]


def test_only_pairs_that_may_matter_are_compared_exactly() -> None:
    """Of 500 copies and one borderline document, one pair is compared exactly and not 500."""
    signatures = np.zeros((501, PERMUTATIONS), dtype=np.uint32)
    signatures[500, : PERMUTATIONS - round(0.7 * PERMUTATIONS)] = 1
    asked: list[list[int]] = []

    def compare(pairs: np.ndarray) -> np.ndarray:
        asked.extend(pairs.tolist())
        return np.full(len(pairs), 0.71)

    found = resolve(signatures, buckets_of([set(range(501))]), Limit.estimated(0.7, PERMUTATIONS), compare)
    assert asked == [[0, 500]]
    assert found.keeper.tolist() == [KEPT] + [0] * 500
    assert found.similarity[500] == 0.71


def test_a_capped_bucket_compares_with_its_head_only() -> None:
    """Two documents beyond the first 64 are not compared with each other, only with the head."""
    count = HEAD + 3
    signatures = np.arange(count * PERMUTATIONS, dtype=np.uint32).reshape(count, PERMUTATIONS)
    signatures[-1] = signatures[-2]
    signatures[-3] = signatures[HEAD - 1]
    buckets = buckets_of([set(range(count))], capped=True)
    keeper = resolve(
        signatures, buckets, Limit.estimated(0.7, PERMUTATIONS), lambda pairs: np.zeros(len(pairs))
    ).keeper
    assert keeper[-3:].tolist() == [HEAD - 1, KEPT, KEPT]


def test_estimates_are_trusted_two_standard_errors_below_and_five_above() -> None:
    """At 0.7 and 112 permutations: from 0.613 to 0.917 they are not."""
    limit = Limit.estimated(0.7, PERMUTATIONS)
    assert (limit.low, limit.high) == (69, 102)
    assert (Limit.estimated(1.0, PERMUTATIONS).low, Limit.estimated(1.0, PERMUTATIONS).high) == (
        PERMUTATIONS,
        PERMUTATIONS,
    )


def test_sure_buckets_need_no_similarity() -> None:
    """Documents of one URL fall to the first, unlike as they are; but not to one that is removed itself."""
    signatures = np.arange(4 * PERMUTATIONS, dtype=np.uint32).reshape(4, PERMUTATIONS)
    signatures[1] = signatures[0]
    buckets = join_buckets([buckets_of([{0, 1}]), buckets_of([{1, 2, 3}], sure=True)])
    found = resolve(
        signatures, buckets, Limit.estimated(0.7, PERMUTATIONS), lambda pairs: np.zeros(len(pairs))
    )
    assert found.keeper.tolist() == [KEPT, 0, KEPT, 2]
    assert found.sure.tolist() == [False, False, False, True]
    assert found.similarity.tolist() == [0.0, 1.0, 0.0, 0.0]


def test_fixed_documents_stay_and_remove() -> None:
    """Of four equal documents the first two are an older run's: both stay, the others fall to the first."""
    signatures = np.zeros((4, PERMUTATIONS), dtype=np.uint32)
    limit = Limit.estimated(0.7, PERMUTATIONS)
    found = resolve(signatures, buckets_of([{0, 1, 2, 3}]), limit, lambda pairs: np.zeros(len(pairs)), 2)
    assert found.keeper.tolist() == [KEPT, KEPT, 0, 0]
