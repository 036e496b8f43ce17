"""Drops pages that repeat themselves: menus, boilerplate, keyword spam, logs.

Gopher's repetition rules (Rae et al. 2021, arXiv:2112.11446, table A1), whose limits all recipes share and whose
definitions none does. Profile ``datatrove`` (0.10, FineWeb): only second and later copies count as repeated;
paragraphs end at blank lines, lines at line feeds; shares are of all characters of the text, spaces included.
Wrongly dropped: poems with a refrain, tables, lyrics, legal texts. Cost: about 1 ms for 1,000 words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import ClassVar, Final, Literal

from filters.ngrams import (
    ngrams,
    repeated_ngram_characters,
    repeated_segments,
    top_ngram_characters,
    word_lengths,
)
from filters.step import Check, Measured
from filters.text import TextView

_TOP: Final = (2, 3, 4)
_REPEATED: Final = (5, 6, 7, 8, 9, 10)
_LINE_BREAKS: Final = re.compile("\n+")


@dataclass(frozen=True)
class GopherRepetition:
    """Limits are shares from 0 to 1; a document above one is dropped.

    Attributes:
        profile: whose definition of repetition.
        max_duplicate_lines, max_duplicate_paragraphs: share of segments that are copies.
        max_duplicate_line_characters, max_duplicate_paragraph_characters: share of characters in copies.
        max_top_2_gram, …: share of characters in the most frequent n-gram.
        max_repeated_5_gram, …: share of characters in n-grams that occurred before.
    """

    profile: Literal["datatrove"] = "datatrove"
    max_duplicate_paragraphs: float | None = 0.3
    max_duplicate_paragraph_characters: float | None = 0.2
    max_duplicate_lines: float | None = 0.3
    max_duplicate_line_characters: float | None = 0.2
    max_top_2_gram: float | None = 0.2
    max_top_3_gram: float | None = 0.18
    max_top_4_gram: float | None = 0.16
    max_repeated_5_gram: float | None = 0.15
    max_repeated_6_gram: float | None = 0.14
    max_repeated_7_gram: float | None = 0.13
    max_repeated_8_gram: float | None = 0.12
    max_repeated_9_gram: float | None = 0.11
    max_repeated_10_gram: float | None = 0.1

    FILES: ClassVar[tuple[str, ...]] = ()
    MEASURES: ClassVar[Mapping[str, type]]
    CHECKS: ClassVar[tuple[Check, ...]]

    def __post_init__(self) -> None:
        for name, limit in ((field.name, getattr(self, field.name)) for field in fields(self)):
            if isinstance(limit, float | int) and not 0 <= limit <= 1:
                raise ValueError(f"{name} is a share from 0 to 1, not {limit}")

    def apply(self, view: TextView) -> tuple[TextView, Measured]:
        """Measure; nothing is measured in an empty text, and n-grams only where there are words for them."""
        characters = len(view.text)
        if not characters:
            return view, {}
        found: Measured = {}
        for kind, segments in (("paragraph", view.paragraphs), ("line", _LINE_BREAKS.split(view.text))):
            copies, copied = repeated_segments(segments)
            found[f"duplicate_{kind}s"] = copies / len(segments)
            found[f"duplicate_{kind}_characters"] = copied / characters
        ends = word_lengths(view.words)
        for n, grams in ngrams(view.words, max(_REPEATED)):
            if n in _TOP:
                found[f"top_{n}_gram"] = top_ngram_characters(grams, n, ends) / characters
            else:
                found[f"repeated_{n}_gram"] = repeated_ngram_characters(grams, n, ends) / characters
        return view, found


def _reason(measure: str) -> str:
    """Return the fault of a measure that is above its limit."""
    kind, _, rest = measure.partition("_")
    return {"top": f"too_frequent_{rest}", "repeated": f"too_many_repeated_{rest}s"}.get(
        kind, f"too_many_{measure}"
    )


# One limit, one measure, one check: the field's name without "max_" names the measure.
_MEASURES: Final = [
    field.name.removeprefix("max_") for field in fields(GopherRepetition) if field.name.startswith("max_")
]
GopherRepetition.MEASURES = dict.fromkeys(_MEASURES, float)
GopherRepetition.CHECKS = tuple(Check(_reason(name), name, ">", f"max_{name}") for name in _MEASURES)
