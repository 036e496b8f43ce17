"""Lines that many documents have: notices, menus and signatures belong to the site rather than to the page.

They are found by counting, as in ccNet (Wenzek et al. 2020, arXiv:1911.00359) and Llama 3 (Grattafiori et al. 2024,
arXiv:2407.21783, 3.1.1). Both keep a line in the documents that come first, up to some count. Here a line that too many
documents have is removed from all of them, so the result does not depend on an order.

Wrongly removed: lines that independent pages share, such as `1 teaspoon baking powder` or a line of code.
Cost: 85 million characters per CPU second, twice, since each text is read twice.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import xxhash

from filters.hashing import Hashes
from filters.step import FieldFault

UNCOUNTED: Final = np.uint64(0)
"""Stands for the hash of a line that is too short to be counted."""

_BLANK_LINES: Final = re.compile(r"\n(?:[^\S\n]*\n)+")


@dataclass(frozen=True)
class Lines:
    """Which lines are removed.

    Attributes:
        max_documents: most documents that may have a line; a line in more documents is removed from all of them.
            Llama 3 takes 6, for 30 million documents at a time.
        unit: what is counted and removed: ``line``, or ``paragraph`` = the lines up to a blank one.
        min_characters: shortest line that is counted; a run of white space is one character.
    """

    max_documents: int = 6
    unit: Literal["line", "paragraph"] = "line"
    min_characters: int = 20

    def __post_init__(self) -> None:
        for name in ("max_documents", "min_characters"):
            if getattr(self, name) < 1:
                raise FieldFault(f"{name} must be at least 1; found {getattr(self, name)}", name)

    def cut(self, text: str) -> list[str]:
        r"""Return the lines of a text.

        >>> Lines().cut("a\n\nb"), Lines(unit="paragraph").cut("a\nb\n \nc")
        (['a', '', 'b'], ['a\nb', 'c'])
        """
        return text.split("\n") if self.unit == "line" else _BLANK_LINES.split(text)

    def keys(self, lines: Collection[str], scope: int) -> Hashes:
        """Return a hash of each line, with each run of white space as one space, uint64 [n]; `UNCOUNTED` if short.

        Two different lines have the same hash with a chance of 2**-64: 0.03 pairs among a billion lines.

        Args:
            lines: see `cut`.
            scope: part of the hash; lines of different scopes have different hashes.
        """
        found = np.zeros(len(lines), dtype=np.uint64)
        for place, line in enumerate(lines):
            if len(line) < self.min_characters:
                continue
            folded = " ".join(line.split())
            if len(folded) >= self.min_characters:
                encoded = folded.encode("utf-8", "surrogatepass")
                found[place] = xxhash.xxh3_64_intdigest(encoded, seed=scope) or 1
        return found

    def join(self, lines: Collection[str]) -> str:
        """Return the text of the remaining lines, without blank lines at its ends."""
        return ("\n" if self.unit == "line" else "\n\n").join(lines).strip("\n")


def without(rule: Lines, lines: Sequence[str], gone: Iterable[int]) -> str:
    """Return the text without the lines at some places; empty if only white space is left."""
    places = set(gone)
    text = rule.join([line for place, line in enumerate(lines) if place not in places])
    return text if text and not text.isspace() else ""
