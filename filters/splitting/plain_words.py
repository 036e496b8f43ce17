"""The words of plain chunks, compiled: chunks that spaCy's rules cut at single characters, by their neighbours alone.

Almost every chunk of a text is letters and digits with single marks at its ends and between them: ``(well-known),``.
`plain_tables` says what the rules make of a mark there. A chunk is hard, and left to `spacy_rules`, if

- it has a character that is neither a letter, an ASCII digit nor a common mark;
- a rule takes several characters or looks further than one: ellipses, marks in a row, units after digits, ``'s``;
- it may be a URL or an e-mail address: a full stop inside is followed by two small letters, or there are three of them;
- one word, or several in a row, are a special case. The rules cut nowhere else, so each special case that they could
  meet on their way is such a row; without one, special cases change nothing.

Of web pages 3 chunks in 100 are hard. Cost: 10 ms per MB.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from filters.compiled import compiled
from filters.hashing import FNV_BASIS, FNV_PRIME, Codes, Hashes
from filters.splitting.plain_tables import (
    CODES,
    DIGIT,
    FULL_STOP,
    MARK,
    PUNCTUATION,
    SLASH,
    UNSURE,
    WHITE,
    WORD,
    Bytes,
    Tables,
    hash_of,
)

Ints = npt.NDArray[np.int64]
Places = npt.NDArray[np.int32]

HARD: Final = 3
"""The sign of a hard chunk; words have `WORD`, `PUNCTUATION` or `SENTENCE_END`."""

SAME_CHUNK: Final = 0
SPACE: Final = 1
GAP: Final = 2
LINE_BREAK: Final = 3

_MOST_PEELS: Final = 100


class Items(NamedTuple):
    """The parts of a text: words of plain chunks, and hard chunks. Arrays, one entry per item, in order.

    Attributes:
        starts, ends: place in the text.
        signs: `WORD`, `PUNCTUATION`, `SENTENCE_END`, or `HARD`.
        gaps: what is before the item: nothing (`SAME_CHUNK`), a single `SPACE`, other white space (`GAP`), or white
            space with a line feed, or the start of the text (`LINE_BREAK`).
    """

    starts: Places
    ends: Places
    signs: Bytes
    gaps: Bytes


def pieces(text: str, items: Items, which: Ints) -> list[str]:
    """Return some items of a text, named by their index, as text."""
    ends = items.ends[which].tolist()
    return [text[start:end] for start, end in zip(items.starts[which].tolist(), ends, strict=True)]


@compiled
def scan(codes: Codes, tables: Tables) -> Items:
    """Split a text into words of plain chunks and hard chunks."""
    starts, ends = np.empty(len(codes), np.int32), np.empty(len(codes), np.int32)
    signs, gaps = np.empty(len(codes), np.uint8), np.zeros(len(codes), np.uint8)
    row = np.empty(len(codes), np.uint8)
    kinds, word_signs, special = tables.kinds, tables.signs, tables.special
    prefixes, suffixes, infixes = tables.prefixes, tables.suffixes, tables.infixes
    used = at = 0
    gap = LINE_BREAK
    while at < len(codes):
        start = at
        plain = True
        highest = 0
        while at < len(codes):
            row[at] = kinds[codes[at]] if codes[at] < CODES else 0
            if row[at] == WHITE:
                break
            plain = plain and row[at] != 0
            highest = max(highest, row[at])
            at += 1
        if start < at:
            count = 1
            ends[used] = at
            if plain and highest >= DIGIT:  # else only letters, the most frequent chunk: one word
                count = _cut(row, start, at, prefixes, suffixes, infixes, ends, used)
            plain = plain and count > 0
            if plain and _has_special(codes, start, ends, used, used + count, special, tables.longest):
                plain = False
            if not plain:
                count = 1
                ends[used] = at
            gaps[used] = gap
            for item in range(used, used + count):
                starts[item] = start
                signs[item] = _sign(row, start, ends[item], word_signs) if plain else HARD
                start = ends[item]
            used += count
            gap = SAME_CHUNK
        if at < len(codes):
            gap = _gap(gap, codes[at])
            at += 1
    return Items(starts[:used], ends[:used], signs[:used], gaps[:used])


@compiled
def _gap(gap: int, code: int) -> int:
    """Return the kind of a gap after one more character of white space."""
    if code == 10 or gap == LINE_BREAK:
        return LINE_BREAK
    return SPACE if code == 32 and gap == SAME_CHUNK else GAP


@compiled
def _sign(row: Bytes, start: int, end: int, signs: Bytes) -> int:
    """Return the sign of a word; only a single character ends a sentence."""
    if end - start == 1:
        return int(signs[row[start]])
    for at in range(start, end):
        if signs[row[at]] == WORD:
            return WORD
    return PUNCTUATION


@compiled
def _cut(
    row: Bytes,
    start: int,
    stop: int,
    prefixes: Bytes,
    suffixes: Bytes,
    infixes: Bytes,
    ends: Places,
    used: int,
) -> int:
    """Write the ends of a chunk's words, without special cases, and return their number; 0 = hard."""
    count = used
    first, last = start, stop
    for _ in range(_MOST_PEELS):
        if first == last:
            break
        prefix = prefixes[row[first], row[first + 1] if first + 1 < last else 0]
        left = first + prefix
        suffix = _suffix(row, left, last, suffixes) if left < last else 0
        if max(prefix, suffix) == UNSURE:
            return 0
        if prefix:
            ends[count] = left
            count += 1
        if prefix == suffix == 0:
            if not _is_plain_core(row, first, last, infixes):
                return 0
            count = _cut_core(row, first, last, infixes, ends, count)
            first = last
        else:
            first, last = left, last - suffix
    if first < last:
        return 0
    for end in range(last, stop):
        ends[count] = end + 1
        count += 1
    return count - used


@compiled
def _suffix(row: Bytes, first: int, last: int, suffixes: Bytes) -> int:
    """Return the length of the suffix of the rest of a chunk: 0, 1 or `UNSURE`."""
    kind = row[last - 1]
    if kind >= MARK:
        return int(suffixes[kind, row[last - 2] if last - 2 >= first else 0])
    if kind == DIGIT:
        return 0
    if last - 2 >= first and MARK <= row[last - 2] < FULL_STOP:
        return UNSURE
    at = last - 1
    while at > first and (row[at] < DIGIT or row[at] == SLASH):  # the units: km, m/s
        at -= 1
    return UNSURE if row[at] == DIGIT else 0


@compiled
def _is_plain_core(row: Bytes, first: int, last: int, infixes: Bytes) -> bool:
    """Return True if a chunk without its affixes is not a URL, and the tables decide about each of its marks."""
    stops = 0
    for at in range(first, last):
        if row[at] == FULL_STOP:
            stops += 1
            if stops == 3 or (at + 2 < last and _is_small(row[at + 1]) and _is_small(row[at + 2])):
                return False
        if row[at] >= MARK and _infix(row, at, first, last, infixes) == UNSURE:
            return False
    return True


@compiled
def _is_small(kind: int) -> bool:
    """Return True if spaCy counts a kind of letters as small; letters without case count as small too."""
    return 0 < kind < DIGIT and (kind - 1) & 2 != 0


@compiled
def _infix(row: Bytes, at: int, first: int, last: int, infixes: Bytes) -> int:
    """Return 1 if a mark divides the core, 0 if it does not, or `UNSURE`."""
    before = row[at - 1] if at > first else 0
    after = row[at + 1] if at + 1 < last else 0
    return int(infixes[row[at], min(before, MARK), min(after, MARK)])


@compiled
def _cut_core(row: Bytes, first: int, last: int, infixes: Bytes, ends: Places, count: int) -> int:
    """Write the ends of the words of a plain core after the others, and return the number of all."""
    done = first
    for at in range(first, last):
        if row[at] >= MARK and _infix(row, at, first, last, infixes):
            if done < at:
                ends[count] = at
                count += 1
            ends[count] = done = at + 1
            count += 1
    if done < last:
        ends[count] = last
        count += 1
    return count


@compiled
def _has_special(
    codes: Codes, start: int, ends: Places, first: int, last: int, special: Hashes, longest: int
) -> bool:
    """Return True if words in a row are a special case."""
    for index in range(first, last):
        value = np.uint64(FNV_BASIS)
        at = start
        for other in range(index, last):
            if ends[other] - start > longest:
                break
            while at < ends[other]:
                value = (value ^ np.uint64(codes[at])) * np.uint64(FNV_PRIME)
                at += 1
            slot = value & np.uint64(len(special) - 1)
            while special[slot] != 0:
                if special[slot] == value:
                    return True
                slot = (slot + np.uint64(1)) & np.uint64(len(special) - 1)
        start = ends[index]
    return False


@compiled
def number(codes: Codes, items: Items) -> tuple[Ints, Ints, Ints]:
    """Number the distinct words 0, 1, ... and the distinct hard chunks -1, -2, ...

    Returns:
        The number of each item; the first item of each word; the first item of each hard chunk.
    """
    count = len(items.starts)
    size = 4
    while size < 2 * count:
        size *= 2
    slots = np.full(size, -1, np.int64)
    numbers = np.empty(count, np.int64)
    words, hard = np.empty(count, np.int64), np.empty(count, np.int64)
    word_count = hard_count = 0
    for item in range(count):
        is_hard = items.signs[item] == HARD
        slot = hash_of(codes, items.starts[item], items.ends[item]) + np.uint64(is_hard)
        slot = (slot ^ (slot >> np.uint64(32))) & np.uint64(size - 1)
        while slots[slot] >= 0 and not _equal(codes, items, item, slots[slot]):
            slot = (slot + np.uint64(1)) & np.uint64(size - 1)
        if slots[slot] >= 0:
            numbers[item] = numbers[slots[slot]]
        else:
            slots[slot] = item
            if is_hard:
                hard[hard_count] = item
                hard_count += 1
                numbers[item] = -hard_count
            else:
                words[word_count] = item
                numbers[item] = word_count
                word_count += 1
    return numbers, words[:word_count], hard[:hard_count]


@compiled
def _equal(codes: Codes, items: Items, one: int, other: int) -> bool:
    """Return True if two items are the same word, or the same hard chunk."""
    start, again = items.starts[one], items.starts[other]
    length = items.ends[one] - start
    if length != items.ends[other] - again or (items.signs[one] == HARD) != (items.signs[other] == HARD):
        return False
    at = 0
    while at < length and codes[start + at] == codes[again + at]:
        at += 1
    return bool(at == length)


@compiled
def expand(numbers: Ints, lengths: Ints, words: Ints) -> Ints:
    """Put the words of hard chunks in their places.

    Args:
        numbers: number of each item, see `number`.
        lengths: words of each hard chunk.
        words: the numbers of these words, one chunk after the other.
    """
    first = np.zeros(len(lengths) + 1, np.int64)
    for chunk in range(len(lengths)):
        first[chunk + 1] = first[chunk] + lengths[chunk]
    total = len(numbers)
    for value in numbers:
        if value < 0:
            total += lengths[-1 - value] - 1
    expanded = np.empty(total, np.int64)
    used = 0
    for value in numbers:
        if value >= 0:
            expanded[used] = value
            used += 1
        else:
            for at in range(first[-1 - value], first[-value]):
                expanded[used] = words[at]
                used += 1
    return expanded
