"""Lines that many documents have: notices, menus and signatures belong to the site rather than to the page.

They are found by counting, as ccNet (Wenzek et al. 2020, arXiv:1911.00359) and Llama 3 (Grattafiori et al. 2024,
arXiv:2407.21783, 3.1.1) do. Both keep a line up to some count, in whichever documents come first; here a line that too
many documents have goes from all of them, so that the outcome does not depend on an order.

Wrongly removed: what pages of their own say in the same words, such as `1 teaspoon baking powder` or a line of code.
Cost: 85 million characters per CPU second, for each of the two times that a text is read.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import xxhash

from filters.dedup.units import Hashes
from filters.step import FieldFault

UNCOUNTED: Final = np.uint64(0)
"""In place of a hash: the line is too short to be counted."""

_BLANK_LINES: Final = re.compile(r"\n(?:[^\S\n]*\n)+")


@dataclass(frozen=True)
class Lines:
    """Which lines go.

    Attributes:
        max_documents: a line that more documents have goes from all of them; 6 is what Llama 3 took, for 30 million
            documents at a time.
        unit: ``line``, or ``paragraph``: lines up to a blank one.
        min_characters: shorter ones stay and are not counted; runs of white space are one character.
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
        """Return a hash of each line, white space aside, uint64 [n]; `UNCOUNTED` for short ones.

        Lines that differ have one hash with a chance of 2**-64: a billion of them hold 0.03 such pairs.

        Args:
            lines: see `cut`.
            scope: lines of documents with different numbers here have different hashes.
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
        """Return the text of the lines that stay, without blank ones at its ends."""
        return ("\n" if self.unit == "line" else "\n\n").join(lines).strip("\n")


def without(rule: Lines, lines: Sequence[str], gone: Iterable[int]) -> str:
    """Return the text of the lines but those at some places; empty where nothing but white space is left."""
    places = set(gone)
    text = rule.join([line for place, line in enumerate(lines) if place not in places])
    return text if text and not text.isspace() else ""
