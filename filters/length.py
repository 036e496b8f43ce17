"""Drops documents that are too short or too long, in characters or words.

Dolma 3 starts with at least 150 characters, TFDS's C4 ends at 190,000; the limits here are off until given.
Known mistake: a character of Chinese says as much as two or three letters of English, so limits do not carry
over between languages.
Cost: characters are free; words are split only where a limit needs them, or another step has split them already.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from filters.step import Check, Measured
from filters.text import TextView


@dataclass(frozen=True)
class Length:
    """Judges the length of the text.

    Attributes:
        min_characters: least number of characters (code points); None = off.
        max_characters: greatest number; None = off.
        min_words: least number of words and punctuation marks, as `TextView.words` splits them; None = off.
        max_words: greatest number; None = off.
    """

    min_characters: int | None = None
    max_characters: int | None = None
    min_words: int | None = None
    max_words: int | None = None

    MEASURES: ClassVar[Mapping[str, type]] = {"characters": int, "words": int}
    CHECKS: ClassVar[tuple[Check, ...]] = (
        Check("too_few_characters", "characters", "<", "min_characters"),
        Check("too_many_characters", "characters", ">", "max_characters"),
        Check("too_few_words", "words", "<", "min_words"),
        Check("too_many_words", "words", ">", "max_words"),
    )
    FILES: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        _check_bounds("characters", self.min_characters, self.max_characters)
        _check_bounds("words", self.min_words, self.max_words)

    def apply(self, view: TextView) -> tuple[TextView, Measured]:
        """Count; words stay unmeasured where no limit asks for them."""
        counts_words = self.min_words is not None or self.max_words is not None
        return view, {
            "characters": len(view.text),
            "words": len(view.numbered_words) if counts_words else None,
        }


def _check_bounds(unit: str, least: int | None, most: int | None) -> None:
    """Refuse negative limits and a minimum above the maximum."""
    for name, limit in ((f"min_{unit}", least), (f"max_{unit}", most)):
        if limit is not None and limit < 0:
            raise ValueError(f"{name} must be 0 or more; found {limit}")
    if least is not None and most is not None and least > most:
        raise ValueError(f"min_{unit} must not be above max_{unit}; found {least} and {most}")
