"""How much of a text is repeated: segments and word n-grams that occur again.

Words are numbers already. An n-gram gets its number from the pair of the number of its first n-1 words and its last
word, so equal n-grams have equal numbers and different ones never do. The counting is compiled; four recipes count in
four ways, see `filters.repetition_profiles`. Cost: 0.1 ms for all n-grams of 1,000 words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from filters.compiled import compiled
from filters.splitting.word_numbers import Ints, Words


def repeated_segments(segments: Sequence[str]) -> tuple[int, int]:
    """Return the number and the characters of second and later copies among segments.

    >>> repeated_segments(["a", "bb", "bb", "bb"])
    (2, 4)
    """
    distinct = set(segments)
    return len(segments) - len(distinct), sum(map(len, segments)) - sum(map(len, distinct))


def segments_with_copies(segments: Sequence[str]) -> tuple[int, int]:
    """Return the number and the characters of segments that occur more than once, first copies included.

    >>> segments_with_copies(["a", "bb", "bb", "bb"])
    (3, 6)
    """
    copied = [(count, len(segment)) for segment, count in Counter(segments).items() if count > 1]
    return sum(count for count, _ in copied), sum(count * length for count, length in copied)


@dataclass(frozen=True, slots=True)
class Grams:
    """All n-grams of one length in a text.

    Attributes:
        n: words per n-gram.
        numbers: number of the n-gram that starts at each word, int64 [words - n + 1]; equal if the words are equal.
        ends: where each word ends if all are joined without spaces, after a leading 0; int64 [words + 1].
    """

    n: int
    numbers: Ints
    ends: Ints

    def top(self, longest: bool = False) -> tuple[int, int, int]:
        """Return (first word, count, characters without spaces) of the most frequent n-gram.

        Args:
            longest: of equally frequent n-grams take the longest instead of the first.
        """
        first, count, characters = _top(self.numbers, self.n, self.ends, longest)
        return int(first), int(count), int(characters)

    def met_before(self) -> int:
        """Return the characters in n-grams seen before; each is then skipped, so no word counts twice."""
        return int(_met_before(self.numbers, self.n, self.ends))

    def covered(self) -> int:
        """Return the characters of all words in an n-gram that occurs twice, first copies included."""
        return int(_covered(self.numbers, self.n, self.ends))

    def mass(self) -> tuple[int, int]:
        """Return the characters of n-grams that occur twice, and of all n-grams; words count up to n times."""
        repeated, total = _mass(self.numbers, self.n, self.ends)
        return int(repeated), int(total)

    def later_copies(self) -> int:
        """Return the characters and spaces of words in second and later copies; no word counts twice."""
        return int(_later_copies(self.numbers, self.n, self.ends))


def ngrams(words: Words, longest: int) -> Iterator[Grams]:
    """Yield the n-grams of 2, 3, ... up to `longest` words, as long as the text has that many words."""
    lengths = np.fromiter(map(len, words.distinct), np.int64, len(words.distinct))
    ends = np.concatenate((np.zeros(1, np.int64), np.cumsum(lengths[words.numbers])))
    rows = _number(words.numbers, max(len(lengths), 1), min(longest, len(words)))
    for n in range(2, len(rows) + 2):
        yield Grams(n, rows[n - 2, : len(words) - n + 1], ends)


@compiled
def _number(ids: Ints, vocabulary: int, longest: int) -> Ints:
    """Number n-grams in the order of first occurrence: row n - 2 holds those of n words."""
    count = len(ids)
    rows = np.empty((max(longest - 1, 0), count), np.int64)
    size = 4
    while size < 2 * count:
        size *= 2
    keys = np.empty(size, np.int64)
    slots = np.empty(size, np.int64)
    shift = 64
    while 1 << (64 - shift) < size:
        shift -= 1
    before = ids
    for n in range(2, longest + 1):
        slots[:] = -1
        fresh = 0
        row = rows[n - 2]
        for at in range(count - n + 1):
            key = before[at] * vocabulary + ids[at + n - 1]
            slot = (np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(shift)
            while slots[slot] >= 0 and keys[slot] != key:
                slot = (slot + np.uint64(1)) & np.uint64(size - 1)
            if slots[slot] < 0:
                keys[slot] = key
                slots[slot] = fresh
                fresh += 1
            row[at] = slots[slot]
        before = row
    return rows


@compiled
def _counts(numbers: Ints) -> Ints:
    counts = np.zeros(numbers.max() + 1, np.int64)
    for number in numbers:
        counts[number] += 1
    return counts


@compiled
def _top(numbers: Ints, n: int, ends: Ints, longest: bool) -> tuple[int, int, int]:
    counts = _counts(numbers)
    first, most, characters = 0, 0, 0
    for at in range(len(numbers)):
        count = counts[numbers[at]]
        length = ends[at + n] - ends[at]
        if count > most or (longest and count == most and length > characters):
            first, most, characters = at, count, length
    return first, most, characters


@compiled
def _met_before(numbers: Ints, n: int, ends: Ints) -> int:
    seen = np.zeros(numbers.max() + 1, np.bool_)
    characters = 0
    at = 0
    while at < len(numbers):
        if seen[numbers[at]]:
            characters += ends[at + n] - ends[at]
            at += n
        else:
            seen[numbers[at]] = True
            at += 1
    return characters


@compiled
def _covered(numbers: Ints, n: int, ends: Ints) -> int:
    counts = _counts(numbers)
    characters = 0
    done = 0
    for at in range(len(numbers)):
        if counts[numbers[at]] > 1:
            characters += ends[at + n] - ends[max(at, done)]
            done = at + n
    return characters


@compiled
def _mass(numbers: Ints, n: int, ends: Ints) -> tuple[int, int]:
    counts = _counts(numbers)
    repeated, total = 0, 0
    for at in range(len(numbers)):
        characters = ends[at + n] - ends[at]
        total += characters
        if counts[numbers[at]] > 1:
            repeated += characters
    return repeated, total


@compiled
def _later_copies(numbers: Ints, n: int, ends: Ints) -> int:
    seen = np.zeros(numbers.max() + 1, np.bool_)
    characters = 0
    done = 0
    for at in range(len(numbers)):
        if seen[numbers[at]]:
            start = max(at, done)
            characters += ends[at + n] - ends[start]
            characters += min(
                at + n - start, n - 1
            )  # the spaces between these words, and before a gap-less run
            done = at + n
        seen[numbers[at]] = True
    return characters
