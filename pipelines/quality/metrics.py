"""How well scores tell two classes apart, and whether they are probabilities.

Scores are float arrays of any length, 0 to 1; `positive` says which belong to the positive class.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

BINS = 10
KEPT_NEGATIVES = (0.01, 0.05, 0.1, 0.2, 0.5)


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


def at_threshold(scores: Scores, positive: Flags, threshold: float) -> dict[str, float]:
    """Return precision, recall and the share of negatives kept when scores below a threshold are dropped."""
    kept = scores >= threshold
    right = int((kept & positive).sum())
    return {
        "threshold": float(threshold),
        "precision": right / max(int(kept.sum()), 1),
        "recall": right / int(positive.sum()),
        "negatives_kept": int((kept & ~positive).sum()) / int((~positive).sum()),
    }


def operating_points(scores: Scores, positive: Flags) -> list[dict[str, float]]:
    """Return thresholds that keep a hundredth to half of the negatives, and what they do."""
    negatives = np.sort(scores[~positive])[::-1]
    cuts = [negatives[min(int(share * len(negatives)), len(negatives) - 1)] for share in KEPT_NEGATIVES]
    return [at_threshold(scores, positive, float(cut)) for cut in dict.fromkeys(cuts)]


def calibration(scores: Scores, positive: Flags) -> tuple[float, list[dict[str, float]]]:
    """Return the expected calibration error and, per tenth of the scale, mean score and share of positives.

    The error is the mean distance of the two, weighted by examples (Guo et al. 2017, arXiv:1706.04599).
    """
    bins = np.minimum((scores * BINS).astype(int), BINS - 1)
    rows, error = [], 0.0
    for number in range(BINS):
        inside = bins == number
        count = int(inside.sum())
        if count:
            score, share = float(scores[inside].mean()), float(positive[inside].mean())
            error += abs(score - share) * count / len(scores)
            rows.append({"from": number / BINS, "examples": count, "mean_score": score, "positive": share})
    return error, rows


def evaluate(scores: Scores, positive: Flags) -> dict[str, Any]:
    """Return every figure of a test part that has both classes."""
    error, rows = calibration(scores, positive)
    return {
        "examples": {"positive": int(positive.sum()), "negative": int((~positive).sum())},
        "auc": area_under_curve(scores, positive),
        "at_0.5": at_threshold(scores, positive, 0.5),
        "operating_points": operating_points(scores, positive),
        "calibration_error": error,
        "calibration": rows,
    }
