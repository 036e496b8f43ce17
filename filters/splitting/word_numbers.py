"""The words of a text as numbers: each distinct word once, and its number at each place where it occurs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a text.

    Attributes:
        distinct: each word once, in an order that depends on the text alone.
        numbers: for each word of the text its index in `distinct`, int64 [words].
    """

    distinct: Sequence[str]
    numbers: Ints

    @classmethod
    def of(cls, words: Sequence[str]) -> Words:
        """Number the words of a list."""
        index = {word: number for number, word in enumerate(dict.fromkeys(words))}
        return cls(list(index), np.fromiter(map(index.__getitem__, words), np.int64, len(words)))

    def __len__(self) -> int:
        return len(self.numbers)

    def listed(self) -> list[str]:
        """Return the words in the order of the text."""
        return list(map(self.distinct.__getitem__, self.numbers.tolist()))

    def counts(self) -> list[int]:
        """Return how often each of the distinct words occurs."""
        counts: list[int] = np.bincount(self.numbers, minlength=len(self.distinct)).tolist()
        return counts
