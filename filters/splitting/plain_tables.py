"""spaCy's rules for single marks as tables: what a mark is, by the kinds of its neighbours.

The tables come from the installed rules, which are applied once to each mark between each two kinds of neighbours. This
takes 25 ms per language.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from filters.compiled import compiled
from filters.hashing import FNV_BASIS, FNV_PRIME, Codes, Hashes, code_points

Bytes = npt.NDArray[np.uint8]

# Kinds of characters: 0 = not plain, or no neighbour; 1 to 8 = letters and combining marks, by the classes that
# spaCy's rules use; 9 = digits; then each mark; 255 = white space.
DIGIT: Final = 9
MARK: Final = 10
_MARKS: Final = "".join(
    [
        "'’./,:;!?()[]{}<>_#*&%+=-–—~@\\|\"“”„«»‘`´…•·",
        "、。，：；！？「」『』（）【】《》،؛؟।",
        "\u00ad\u200b\u200c\u200d",  # invisible hyphen, space and joiners
    ]
)
FULL_STOP: Final = MARK + 2  # after the apostrophes
SLASH: Final = MARK + 3
WHITE: Final = 255

CODES: Final = 1 << 16
"""Code points that have a kind; higher ones are not plain."""

# What a mark is between its neighbours: 0 = part of a word, 1 = a word of its own, or
UNSURE: Final = 2
"""A case that the tables do not decide."""

WORD: Final = 0
PUNCTUATION: Final = 1
SENTENCE_END: Final = 2


class Tables(NamedTuple):
    """The rules of one spaCy language.

    Attributes:
        kinds: kind of each code point.
        signs: by kind: `WORD`, `PUNCTUATION` or `SENTENCE_END`.
        prefixes: by kind of the mark and of the character after it: 1 = a prefix, `UNSURE` = part of a longer one.
        suffixes: by kind of the mark and of the character before it.
        infixes: by kind of the mark, of the character before and of the one after; other marks are one kind there.
        special: hashes of the special cases, see `_hash_table`.
        longest: characters of the longest special case.
    """

    kinds: Bytes
    signs: Bytes
    prefixes: Bytes
    suffixes: Bytes
    infixes: Bytes
    special: Hashes
    longest: int


def make_tables(
    prefix: Callable[[str], Any],
    suffix: Callable[[str], Any],
    infixes: Callable[[str], Iterable[Any]],
    special: Collection[str],
    sentence_ends: Collection[str],
) -> Tables:
    """Make the tables by applying the rules.

    Args:
        prefix: ``match`` of the pattern for prefixes.
        suffix: ``search`` of the pattern for suffixes.
        infixes: ``finditer`` of the pattern for infixes.
        special: the special cases.
        sentence_ends: words that end a sentence, of one character each.
    """
    kinds, samples = _kinds()
    size = len(samples)
    before = np.zeros((size, size), np.uint8)
    after = np.zeros((size, size), np.uint8)
    inside = np.zeros((size, MARK + 1, MARK + 1), np.uint8)
    signs = np.zeros(size, np.uint8)
    for kind, mark in enumerate(_MARKS, MARK):
        signs[kind] = PUNCTUATION if unicodedata.category(mark).startswith("P") else WORD
        if mark in sentence_ends:
            signs[kind] = SENTENCE_END
        for other, sample in enumerate(samples):
            before[kind, other] = _length(prefix(mark + sample))
            near, far = (_length(suffix(sample * times + mark)) for times in (1, 2))
            after[kind, other] = near if near == far else UNSURE
        for left, first in enumerate(samples[:MARK]):
            for right, last in enumerate(samples[:MARK]):
                inside[kind, left, right] = max(map(_length, infixes(first + mark + last)), default=0)
        if inside[kind].any():  # beside another mark, the rules may see both
            inside[kind, MARK, :] = inside[kind, :, MARK] = UNSURE
    longer = [case for case in special if len(case) > 1]  # one character is one word in any case
    hashes = _hash_table([int(hash_of(code_points(case), 0, len(case))) for case in longer])
    return Tables(kinds, signs, before, after, inside, hashes, max(map(len, longer)))


def _length(found: re.Match[str] | None) -> int:
    """Return 0, 1, or `UNSURE` for more."""
    return min(len(found.group()), UNSURE) if found else 0


@cache
def _kinds() -> tuple[Bytes, list[str]]:
    """Return the kind of each code point below `CODES`, and a character of each kind, ``""`` if it has no character."""
    from spacy.lang import char_classes

    letters = (char_classes.ALPHA, char_classes.ALPHA_LOWER, char_classes.ALPHA_UPPER)
    every = "".join(map(chr, range(CODES)))
    classes = [frozenset(re.findall(f"[{each}]", every)) for each in letters]
    kinds = np.zeros(CODES, np.uint8)
    samples = [""] * MARK
    for code, character in enumerate(every):
        if character.isalpha() or unicodedata.category(character).startswith("M"):
            kind = 1 + sum((character in each) << bit for bit, each in enumerate(classes))
            kinds[code] = kind
            samples[kind] = samples[kind] or character
        elif character.isspace():
            kinds[code] = WHITE
    samples[DIGIT] = "9"
    kinds[[ord(digit) for digit in "0123456789"]] = DIGIT
    kinds[[ord(mark) for mark in _MARKS]] = range(MARK, MARK + len(_MARKS))
    return kinds, [*samples, *_MARKS]


@compiled
def hash_of(codes: Codes, start: int, end: int) -> np.uint64:
    """Return FNV-1a over code points."""
    value = np.uint64(FNV_BASIS)
    for at in range(start, end):
        value = (value ^ np.uint64(codes[at])) * np.uint64(FNV_PRIME)
    return value


def _hash_table(hashes: Sequence[int]) -> Hashes:
    """Return a table with each hash at its lowest bits or, if that place is taken, at the next free one; 0 = free."""
    table = np.zeros(1 << (4 * len(hashes)).bit_length(), np.uint64)
    for value in hashes:
        slot = value % len(table)
        while table[slot]:
            slot = (slot + 1) % len(table)
        table[slot] = value
    return table
