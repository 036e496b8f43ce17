"""The figures of a classifier, against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.quality.metrics import area_under_curve, at_threshold, calibration, operating_points

EXAMPLES = st.lists(
    st.tuples(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0]), st.booleans()), min_size=2, max_size=40
).filter(lambda rows: len({flag for _, flag in rows}) == 2)


@given(EXAMPLES)
def test_area_under_the_curve_is_the_share_of_pairs_in_order(rows: list[tuple[float, bool]]) -> None:
    scores, positive = (np.array(column) for column in zip(*rows, strict=True))
    pairs = [(p, n) for p, flag in rows if flag for n, other in rows if not other]
    expected = sum(1.0 if p > n else 0.5 if p == n else 0.0 for p, n in pairs) / len(pairs)
    assert area_under_curve(scores, positive) == pytest.approx(expected)


@given(EXAMPLES, st.floats(0, 1))
def test_a_threshold_counts_what_it_keeps(rows: list[tuple[float, bool]], threshold: float) -> None:
    scores, positive = (np.array(column) for column in zip(*rows, strict=True))
    kept = [flag for score, flag in rows if score >= threshold]
    found = at_threshold(scores, positive, threshold)
    assert found["recall"] == pytest.approx(sum(kept) / positive.sum())
    assert found["precision"] == pytest.approx(sum(kept) / len(kept) if kept else 0)


@given(EXAMPLES)
def test_operating_points_keep_more_and_more(rows: list[tuple[float, bool]]) -> None:
    scores, positive = (np.array(column) for column in zip(*rows, strict=True))
    shares = [point["negatives_kept"] for point in operating_points(scores, positive)]
    assert shares == sorted(shares)


def test_calibration_is_the_distance_of_score_and_share() -> None:
    scores = np.array([0.05, 0.05, 0.95, 0.95])
    error, rows = calibration(scores, np.array([False, False, True, False]))
    assert error == pytest.approx((0.05 * 2 + 0.45 * 2) / 4)
    assert [row["examples"] for row in rows] == [2, 2]
