"""How well scores separate two classes, and whether they are probabilities.

Scores are float arrays of one length, 0 to 1; `positive`, of the same length, is True for the positive class.
"""

from __future__ import annotations

from typing import Final, TypedDict

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

BINS: Final = 10
"""Bins of the calibration, each a tenth of the scale."""
KEPT_NEGATIVES: Final = (0.01, 0.05, 0.1, 0.2, 0.5)
"""Shares of the negatives that the operating points keep."""


class AtThreshold(TypedDict):
    """The effect of dropping scores below a threshold; all are shares, 0 to 1."""

    threshold: float
    precision: float
    recall: float
    negatives_kept: float


CalibrationRow = TypedDict(
    "CalibrationRow", {"from": float, "examples": int, "mean_score": float, "positive": float}
)
"""One bin: its lower end, its number of examples, their mean score and share of positives."""


class ClassCounts(TypedDict):
    """Examples of each class."""

    positive: int
    negative: int


Metrics = TypedDict(
    "Metrics",
    {
        "examples": ClassCounts,
        "auc": float,
        "at_0.5": AtThreshold,
        "operating_points": list[AtThreshold],
        "calibration_error": float,
        "calibration": list[CalibrationRow],
    },
)
"""The figures of a test part, as ``evaluation.json`` holds them."""


def area_under_curve(scores: Scores, positive: Flags) -> float:
    """Return the chance that a positive example scores above a negative one; ties count half.

    >>> area_under_curve(np.array([0.1, 0.9, 0.9]), np.array([False, True, False]))
    0.75
    """
    order = np.unique(scores, return_inverse=True)[1]
    counts = np.bincount(order)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[order]
    ones = int(positive.sum())
    return float((ranks[positive].sum() - ones * (ones + 1) / 2) / (ones * (len(scores) - ones)))


def at_threshold(scores: Scores, positive: Flags, threshold: float) -> AtThreshold:
    """Return precision, recall and the share of negatives kept when scores below a threshold are dropped."""
    kept = scores >= threshold
    right = int((kept & positive).sum())
    return {
        "threshold": float(threshold),
        "precision": right / max(int(kept.sum()), 1),
        "recall": right / int(positive.sum()),
        "negatives_kept": int((kept & ~positive).sum()) / int((~positive).sum()),
    }


def operating_points(scores: Scores, positive: Flags) -> list[AtThreshold]:
    """Return thresholds that keep a hundredth to half of the negatives, and their effect."""
    negatives = np.sort(scores[~positive])[::-1]
    cuts = [negatives[min(int(share * len(negatives)), len(negatives) - 1)] for share in KEPT_NEGATIVES]
    return [at_threshold(scores, positive, float(cut)) for cut in dict.fromkeys(cuts)]


def calibration(scores: Scores, positive: Flags) -> tuple[float, list[CalibrationRow]]:
    """Return the expected calibration error and, per tenth of the scale, mean score and share of positives.

    The error is the mean distance of the two, weighted by examples (Guo et al. 2017, arXiv:1706.04599).
    """
    bins = np.minimum((scores * BINS).astype(int), BINS - 1)
    rows: list[CalibrationRow] = []
    error = 0.0
    for number in range(BINS):
        inside = bins == number
        count = int(inside.sum())
        if count:
            score, share = float(scores[inside].mean()), float(positive[inside].mean())
            error += abs(score - share) * count / len(scores)
            rows.append({"from": number / BINS, "examples": count, "mean_score": score, "positive": share})
    return error, rows


def evaluate(scores: Scores, positive: Flags) -> Metrics:
    """Return all figures of a test part that has both classes."""
    error, rows = calibration(scores, positive)
    return {
        "examples": {"positive": int(positive.sum()), "negative": int((~positive).sum())},
        "auc": area_under_curve(scores, positive),
        "at_0.5": at_threshold(scores, positive, 0.5),
        "operating_points": operating_points(scores, positive),
        "calibration_error": error,
        "calibration": rows,
    }
