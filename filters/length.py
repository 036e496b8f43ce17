"""Drops documents that are too short or too long, in characters or words.

Dolma 3 asks for at least 150 characters, TFDS's C4 for at most 190,000; here all limits are off by default.
Known mistake: one Chinese character says as much as two or three English letters, so a limit fits one language only.
Cost: counting characters is free; words are split only if a limit needs them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from filters.step import Check, FieldFault, Measured, check_order
from filters.text import TextView


@dataclass(frozen=True)
class Length:
    """Limits on the length of the text.

    Attributes:
        min_characters: least number of characters (code points); None = off.
        max_characters: greatest number of characters; None = off.
        min_words: least number of words and punctuation marks, as `TextView.words` splits them; None = off.
        max_words: greatest number of words and punctuation marks; None = off.
    """

    min_characters: int | None = None
    max_characters: int | None = None
    min_words: int | None = None
    max_words: int | None = None

    MEASURES: ClassVar[Mapping[str, type]] = {"characters": int, "words": int}
    CHECKS: ClassVar[tuple[Check, ...]] = (
        Check(
            "too_few_characters",
            "characters",
            "<",
            "min_characters",
            meaning="fewer characters than `min_characters`",
        ),
        Check(
            "too_many_characters",
            "characters",
            ">",
            "max_characters",
            meaning="more characters than `max_characters`",
        ),
        Check(
            "too_few_words",
            "words",
            "<",
            "min_words",
            meaning="fewer words and punctuation marks than `min_words`",
        ),
        Check(
            "too_many_words",
            "words",
            ">",
            "max_words",
            meaning="more words and punctuation marks than `max_words`",
        ),
    )
    FILES: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        for name in ("min_characters", "max_characters", "min_words", "max_words"):
            limit = getattr(self, name)
            if limit is not None and limit < 0:
                raise FieldFault(f"{name} must be 0 or more; found {limit}", name)
        check_order("min_characters", self.min_characters, "max_characters", self.max_characters)
        check_order("min_words", self.min_words, "max_words", self.max_words)

    def apply(self, view: TextView) -> tuple[TextView, Measured]:
        """Count characters, and words if a limit needs them."""
        counts_words = self.min_words is not None or self.max_words is not None
        return view, {
            "characters": len(view.text),
            "words": len(view.numbered_words) if counts_words else None,
        }
