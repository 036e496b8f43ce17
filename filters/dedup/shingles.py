"""A text as a set of shingles: 64-bit hashes of its overlapping windows of words or characters.

Units are those of `filters.dedup.units`, so a word of a script without spaces is one character. A text of fewer
units than a window is wide has one shingle, made of all of them. A text without any has none, and is nobody's
near-duplicate. Numbers keep their value: two pages of one template that differ in their figures differ here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from filters.compiled import compiled
from filters.dedup.units import Hashes, characters, unit_hashes


@dataclass(frozen=True, slots=True)
class Shingling:
    """How a text is cut.

    Attributes:
        unit: what is counted: words, or characters of the words with one space between.
        width: units per shingle.
    """

    unit: Literal["word", "character"] = "word"
    width: int = 5


def windows(text: str, shingling: Shingling = Shingling()) -> Hashes:
    """Return the shingle at each place of a text, uint64; equal windows have equal hashes."""
    cut = unit_hashes if shingling.unit == "word" else characters
    return windows_of(cut(text), shingling.width)


def as_set(hashes: Hashes) -> Hashes:
    """Return the distinct values, ascending; sorting is seven times faster here than ``np.unique``'s hashing."""
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
    """Count the values that two sorted arrays of distinct values have in common."""
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


def windows_of(units: Hashes, width: int) -> Hashes:
    """Return the windows of units that are hashed already, uint64; one of all units where there are fewer."""
    return _windows(units, width)


@compiled
def _windows(units: Hashes, width: int) -> Hashes:
    """Return one hash per window of `width` units, or one for all units where there are fewer.

    A polynomial over the units, rolled along, and splitmix64 (Steele, Lea, Flood 2014) of the sum.
    """
    width = min(len(units), width)
    hashes = np.empty(len(units) - width + 1 if width else 0, dtype=np.uint64)
    factor, leaving = np.uint64(0x9E3779B97F4A7C15), np.uint64(1)
    for _ in range(width):
        leaving *= factor
    value = np.uint64(0)
    for place in range(len(units)):
        value = value * factor + units[place]
        if place >= width:
            value -= leaving * units[place - width]
        if place >= width - 1:
            mixed = value + factor
            mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            hashes[place - width + 1] = mixed ^ (mixed >> np.uint64(31))
    return hashes
