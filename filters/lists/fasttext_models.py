"""fastText models: loaded once per process, and given each text as one line.

fastText stops at the first line feed (Joulin et al. 2016, arXiv:1607.01759), so a text is one line both in training and
in use.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import fasttext

LABEL = "__label__"


@lru_cache(maxsize=2)
def model(path: str) -> Any:
    """Load a model once per process.

    Raises:
        ValueError: the file is missing, or is not a fastText model.
    """
    return fasttext.load_model(path).f


def line_of(text: str) -> bytes:
    """Return a text as the line that fastText reads; halves of surrogate pairs count as question marks."""
    return text.replace("\n", " ").encode("utf-8", "replace") + b"\n"


def probability(path: str, text: str, label: str) -> float | None:
    """Return the probability that a model gives a label, 0 to 1; None for a blank text or one of unknown words.

    Raises:
        ValueError: the file is not a fastText model, or has no such label.
    """
    if not text or text.isspace():
        return None
    for found, name in model(path).predict(line_of(text), -1, 0.0, "strict"):
        if name == LABEL + label:
            return min(max(float(found), 0.0), 1.0)  # rounding can bring 1.00007
    if label not in labels(path):
        raise ValueError(f"{path} has no label {label!r}; it has {', '.join(sorted(labels(path)))}")
    return None  # the model knows nothing in the text


@lru_cache(maxsize=2)
def labels(path: str) -> frozenset[str]:
    """Return the labels of a model."""
    return frozenset(name.removeprefix(LABEL) for name in model(path).getLabels("strict")[0])
