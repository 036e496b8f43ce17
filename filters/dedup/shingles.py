"""A document as a set of shingles: 64-bit hashes of its overlapping 5-grams.

Words come from `TextView`, so near-duplicate detection and the filters see the same words. Before they are
hashed they are normalised, much as datatrove does it (``utils/text.py``, ``simplify_text``):

1. lower case;
2. canonical decomposition (NFD), combining accents (category Mn) dropped: ``é`` = ``e``;
3. characters that are neither letter, mark nor number dropped: curly and straight quotes do not differ;
4. each run of decimal digits becomes one ``0``: a page counter or a date does not hide a copy;
5. words left empty (punctuation, symbols) dropped.

Texts mostly in a script without spaces between words (Han, Hiragana, Katakana, Thai, Lao, Khmer, Myanmar)
are cut into 5-grams of characters instead, after the same normalisation of the whole text.

A document of one to four units (words, or characters) has one shingle, made of all of them. A document
without any has none, and is nobody's near-duplicate.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import xxhash
from numba import njit

from filters.text import TextView

Hashes = npt.NDArray[np.uint64]

WIDTH: Final = 5
CACHED_WORDS: Final = 1 << 20

_ZEROS = re.compile("0+")
# First and last code point of the blocks of scripts written without spaces (Unicode 16, Blocks.txt).
_SPACELESS: Final = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x3040, 0x30FF),  # Hiragana, Katakana
    (0x3400, 0x4DBF),  # Han, extension A
    (0x4E00, 0x9FFF),  # Han
    (0xF900, 0xFAFF),  # Han, compatibility
    (0x20000, 0x323AF),  # Han, extensions B to H
)
# The blocks of all other letters, from ASCII over Latin and Greek to Yi and Hangul.
_SPACED: Final = (
    (0x41, 0x5A),
    (0x61, 0x7A),
    (0xC0, 0x0DFF),
    (0x0F00, 0x0FFF),
    (0x10A0, 0x177F),
    (0x1800, 0x1FFF),
    (0xA000, 0xD7FF),
)


class _Characters(dict[int, str | None]):
    """Table for ``str.translate``: what becomes of a code point; filled as code points turn up."""

    def __missing__(self, code: int) -> str | None:
        category = unicodedata.category(chr(code))
        if category == "Nd":
            self[code] = "0"
        else:
            kept = category[0] in "LN" or category in {"Mc", "Me"}
            self[code] = chr(code) if kept else None
        return self[code]


class _WordHashes(dict[str, int]):
    """Hash of each word as it stands in the text; 0 for words that normalisation empties.

    Bounded: emptied when it holds `CACHED_WORDS` words (about 150 MB), which changes speed only.
    """

    def __missing__(self, word: str) -> int:
        if len(self) >= CACHED_WORDS:
            self.clear()
        normalised = normalise(word)
        value = xxhash.xxh64_intdigest(normalised.encode("utf-8", "surrogatepass")) if normalised else 0
        self[word] = value
        return value


_CHARACTERS = _Characters()
_WORDS = _WordHashes()


def normalise(text: str) -> str:
    """Return the text in the form that is hashed; see the module docstring.

    >>> normalise("Café-Nr. 1,024 “É”")
    'cafenr0e'
    """
    return _ZEROS.sub("0", unicodedata.normalize("NFD", text.lower()).translate(_CHARACTERS))


def shingles(view: TextView) -> Hashes:
    """Return the shingles of a document: sorted, distinct, uint64."""
    if is_spaceless(view.text):
        return character_shingles(view.text)
    return word_shingles(view.words)


def word_shingles(words: Sequence[str]) -> Hashes:
    """Return the shingles of a text given as words: sorted, distinct, uint64."""
    hashes = np.fromiter(map(_WORDS.__getitem__, words), dtype=np.uint64, count=len(words))
    return _as_set(_windows(hashes[hashes != 0]))


def character_shingles(text: str) -> Hashes:
    """Return the shingles of a text cut into characters: sorted, distinct, uint64."""
    return _as_set(_windows(_code_points(normalise(text)).astype(np.uint64)))


def is_spaceless(text: str) -> bool:
    """Say whether more than half of the letters belong to scripts that put no spaces between words."""
    if text.isascii():
        return False
    codes = _code_points(text)
    spaceless = _count(codes[codes >= _SPACELESS[0][0]], _SPACELESS)
    return spaceless > 0 and spaceless > _count(codes, _SPACED)


def jaccard(a: Hashes, b: Hashes) -> float:
    """Return the exact Jaccard similarity of two shingle sets (sorted, distinct); 0 when both are empty."""
    shared = _shared(a, b)
    union = len(a) + len(b) - shared
    return shared / union if union else 0.0


def _code_points(text: str) -> npt.NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


def _count(codes: npt.NDArray[np.uint32], ranges: tuple[tuple[int, int], ...]) -> int:
    """Count the code points that lie in any of the ranges, both ends included; ranges must not overlap."""
    return sum(int(np.count_nonzero((codes >= first) & (codes <= last))) for first, last in ranges)


def _as_set(hashes: Hashes) -> Hashes:
    """Return the distinct values, ascending; sorting is seven times faster here than ``np.unique``'s hashing."""
    hashes = np.sort(hashes)
    distinct = np.ones(len(hashes), dtype=np.bool_)
    np.not_equal(hashes[1:], hashes[:-1], out=distinct[1:])
    return hashes[distinct]


@njit(cache=True)  # type: ignore[untyped-decorator]
def _windows(units: Hashes) -> Hashes:
    """Return one hash per window of `WIDTH` units, or one for all units where there are fewer.

    A polynomial over the units and splitmix64's finaliser (Steele, Lea, Flood 2014) over the sum.
    """
    width = min(len(units), WIDTH)
    count = len(units) - width + 1 if width else 0
    hashes = np.empty(count, dtype=np.uint64)
    for start in range(count):
        value = np.uint64(0)
        for unit in units[start : start + width]:
            value = value * np.uint64(0x9E3779B97F4A7C15) + unit
        value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        hashes[start] = value ^ (value >> np.uint64(31))
    return hashes


@njit(cache=True)  # type: ignore[untyped-decorator]
def _shared(a: Hashes, b: Hashes) -> int:
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
