"""A text as a set of shingles: 64-bit hashes of its overlapping windows of words or characters.

Tokens are those of `filters.dedup.folded_tokens`, so a word of a script without spaces is one character. A text with
fewer tokens than a window has one shingle, made of all of them. A text without tokens has no shingle, and is not a
near-duplicate of anything. Numbers keep their value: two pages of one template with different figures differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from filters.compiled import compiled
from filters.dedup.folded_tokens import characters, token_hashes
from filters.hashing import GOLDEN, Hashes, mix


@dataclass(frozen=True, slots=True)
class Shingling:
    """How a text is cut.

    Attributes:
        unit: what a token is: a word, or a character of the words with one space between them.
        width: tokens per shingle.
    """

    unit: Literal["word", "character"] = "word"
    width: int = 5


def windows(text: str, shingling: Shingling = Shingling()) -> Hashes:
    """Return the shingle at each place of a text, uint64; equal windows have equal hashes."""
    cut = token_hashes if shingling.unit == "word" else characters
    return windows_of(cut(text), shingling.width)


def as_set(hashes: Hashes) -> Hashes:
    """Return the distinct values, ascending; here sorting is seven times as fast as ``np.unique``, which hashes."""
    hashes = np.sort(hashes)
    distinct = np.ones(len(hashes), dtype=np.bool_)
    np.not_equal(hashes[1:], hashes[:-1], out=distinct[1:])
    return hashes[distinct]


def jaccard(a: Hashes, b: Hashes) -> float:
    """Return the exact Jaccard similarity of two shingle sets (sorted, distinct); 0 when both are empty."""
    shared = shared_count(a, b)
    union = len(a) + len(b) - shared
    return shared / union if union else 0.0


@compiled
def shared_count(a: Hashes, b: Hashes) -> int:
    """Return how many values two sorted arrays of distinct values have in common."""
    i = j = shared = 0
    while i < len(a) and j < len(b):
        if a[i] == b[j]:
            shared += 1
            i += 1
            j += 1
        elif a[i] < b[j]:
            i += 1
        else:
            j += 1
    return shared


def windows_of(tokens: Hashes, width: int) -> Hashes:
    """Return the hash of each window of `width` hashed tokens, uint64; if there are fewer tokens, one of them all."""
    return _windows(tokens, width)


@compiled
def _windows(tokens: Hashes, width: int) -> Hashes:
    """Roll a polynomial over the tokens, and mix each of its values; see `windows_of`."""
    width = min(len(tokens), width)
    hashes = np.empty(len(tokens) - width + 1 if width else 0, dtype=np.uint64)
    factor, leaving = np.uint64(GOLDEN), np.uint64(1)
    for _ in range(width):
        leaving *= factor
    value = np.uint64(0)
    for place in range(len(tokens)):
        value = value * factor + tokens[place]
        if place >= width:
            value -= leaving * tokens[place - width]
        if place >= width - 1:
            hashes[place - width + 1] = mix(value + factor)
    return hashes
