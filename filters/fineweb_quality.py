"""Drops pages that are lists rather than text: lines without an end mark, short lines, repeated lines, many lines.

FineWeb's own rules (Penedo et al. 2024, arXiv:2406.17557, section 3.6) as datatrove 0.10 applies them. They are
published with two limits for repeated characters: 0.01 in the code that made FineWeb (profile ``datatrove``), and 0.1
in the paper (profile ``paper``) and in FineWeb-2 (`fineweb2`).
Wrongly dropped: poems, recipes, dialogues, reference pages. Cost: 0.04 ms for 1,000 words once they are split.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, Literal

from filters.profile import with_profile
from filters.splitting.ngrams import repeated_segments
from filters.splitting.punctuation import TERMINAL
from filters.step import Check, Measured, Values
from filters.text import TextView

_TERMINAL: Final = tuple(sorted(TERMINAL))


def _of_profile(given: Values) -> Values:
    own = {"max_duplicate_characters": 0.1} if given.get("profile") == "paper" else {}
    return {**own, **given}


@with_profile(_of_profile)
@dataclass(frozen=True)
class FinewebQuality:
    """Limits on lines; shares are of the lines that are not blank, and None switches a limit off.

    Attributes:
        profile: sets `max_duplicate_characters` if it is not given.
        min_punctuated_lines: least share of lines that end with an end mark of any script.
        max_short_lines: greatest share of lines of at most `short_line_characters`.
        short_line_characters: longest short line.
        max_duplicate_characters: greatest share of characters, without line feeds, in second and later copies of lines.
        max_newlines_per_word: greatest number of line feeds per token.
    """

    profile: Literal["datatrove", "paper"] = "datatrove"
    min_punctuated_lines: float | None = 0.12
    max_short_lines: float | None = 0.67
    short_line_characters: int = 30
    max_duplicate_characters: float | None = 0.01
    max_newlines_per_word: float | None = 0.3

    FILES: ClassVar[tuple[str, ...]] = ()
    MEASURES: ClassVar[Mapping[str, type]] = {
        "punctuated_lines": float,
        "short_lines": float,
        "duplicate_characters": float,
        "newlines_per_word": float,
    }
    CHECKS: ClassVar[tuple[Check, ...]] = (
        Check(
            "too_few_punctuated_lines",
            "punctuated_lines",
            "<",
            "min_punctuated_lines",
            meaning="a smaller share of lines ends with punctuation than `min_punctuated_lines`",
        ),
        Check(
            "too_many_short_lines",
            "short_lines",
            ">",
            "max_short_lines",
            meaning="a larger share of lines is short than `max_short_lines`",
        ),
        Check(
            "too_many_duplicate_characters",
            "duplicate_characters",
            ">",
            "max_duplicate_characters",
            meaning="a larger share of characters is in repeated lines than `max_duplicate_characters`",
        ),
        Check(
            "too_many_newlines",
            "newlines_per_word",
            ">",
            "max_newlines_per_word",
            meaning="more line feeds per token than `max_newlines_per_word`",
        ),
    )

    def apply(self, view: TextView) -> tuple[TextView, Measured]:
        """Measure; a blank text has no punctuated line."""
        lines = [line for line in view.lines if line.strip()]
        if not lines:
            return view, {"punctuated_lines": 0.0}
        short = sum(len(line) <= self.short_line_characters for line in lines)
        newlines = view.text.count("\n")
        words = len(view.numbered_words)
        return view, {
            "punctuated_lines": sum(line.endswith(_TERMINAL) for line in lines) / len(lines),
            "short_lines": short / len(lines),
            "duplicate_characters": repeated_segments(lines)[1] / (len(view.text) - newlines),
            "newlines_per_word": newlines / words if words else None,
        }
