r"""How much of a page's main text an extractor found, and how much else it brought along.

The measure of scrapinghub's article-extraction-benchmark: words are ``\w+``, a text is the multiset of its
4-grams of words (all of it, where it has fewer), precision and recall are means over pages, F1 is theirs.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

WORD = re.compile(r"\w+")
NGRAM = 4


def words(text: str) -> list[str]:
    """Return the words of a text."""
    return WORD.findall(text)


def shingles(text: str) -> Counter[tuple[str, ...]]:
    """Return how often each 4-gram of words occurs; an empty text has one empty shingle."""
    found = words(text)
    return Counter(tuple(found[at : at + NGRAM]) for at in range(max(1, len(found) - NGRAM + 1)))


def precision_recall(text: str, gold: str) -> tuple[float, float]:
    """Return precision and recall of one page.

    >>> precision_recall("a b c d e", "a b c d"), precision_recall("", "a")
    ((0.5, 1.0), (0.0, 0.0))
    """
    found, wanted = shingles(text), shingles(gold)
    common = sum(min(count, wanted[gram]) for gram, count in found.items())
    return common / sum(found.values()), common / sum(wanted.values())


def f1(pages: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    """Return F1, mean precision and mean recall of pages."""
    precision, recall = np.mean(np.array(pages), axis=0)
    return float(2 * precision * recall / max(precision + recall, 1e-9)), float(precision), float(recall)


def interval(
    ours: Sequence[tuple[float, float]], theirs: Sequence[tuple[float, float]]
) -> tuple[float, float]:
    """Return the paired 95 % bootstrap interval of the difference in F1."""
    a, b = np.array(ours), np.array(theirs)
    picks = np.random.default_rng(1).integers(0, len(a), (2000, len(a)))

    def f1s(pages: np.ndarray) -> np.ndarray:
        means = pages[picks].mean(axis=1)
        return 2 * means[:, 0] * means[:, 1] / np.maximum(means.sum(axis=1), 1e-9)

    low, high = np.quantile(f1s(a) - f1s(b), (0.025, 0.975))
    return float(low), float(high)


def phrases(text: str, wanted: Iterable[str], unwanted: Iterable[str]) -> tuple[list[bool], list[bool]]:
    """Return which phrases occur in a text, runs of whitespace counting as one space."""
    flat = " ".join(text.split())
    wanted_in = [" ".join(phrase.split()) in flat for phrase in wanted]
    return wanted_in, [" ".join(phrase.split()) in flat for phrase in unwanted]
