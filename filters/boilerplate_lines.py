"""Removes short lines that belong to the site rather than to the page: consent notices, share buttons, legal lines.

A line is removed if it is short and has one of the listed phrases, or if it is nothing but symbols, such as the rows
of ``|`` that extractors leave of tables (FineWeb-2 removes those too). The phrases are those for which C4 and NeMo
Curator drop lines and pages, and those that the extractors of this project leave: English ones, and consent notices in
six other languages. A file can add more.

Wrongly removed: a headline about cookies. Cost: 60 million characters per CPU second.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import ClassVar

from filters.lists.url_lists import read_words
from filters.step import Check, FieldFault, Measured
from filters.text import TextView


@dataclass(frozen=True)
class BoilerplateLines:
    """Which lines are removed.

    Attributes:
        max_words: longest line that a phrase removes, in pieces between white space.
        symbol_lines: also remove lines without any letter or digit; blank lines stay.
        phrases: file with more phrases, one per line; None = only the built-in ones.
    """

    max_words: int = 12
    symbol_lines: bool = True
    phrases: str | None = None

    FILES: ClassVar[tuple[str, ...]] = ("phrases",)
    MEASURES: ClassVar[Mapping[str, type]] = {"lines_removed": int}
    CHECKS: ClassVar[tuple[Check, ...]] = ()

    def __post_init__(self) -> None:
        if self.max_words < 1:
            raise FieldFault(f"max_words must be at least 1; found {self.max_words}", "max_words")

    def apply(self, view: TextView) -> tuple[TextView, Measured]:
        """Remove the lines and count them."""
        lines = view.lines
        phrase = _pattern(self.phrases) if _pattern(self.phrases).search(view.text) else None
        kept = [line for line in lines if not self._is_boilerplate(line, phrase)]
        removed = len(lines) - len(kept)
        return (view.with_text("\n".join(kept)) if removed else view), {"lines_removed": removed}

    def _is_boilerplate(self, line: str, phrase: re.Pattern[str] | None) -> bool:
        if self.symbol_lines and not any(map(str.isalnum, line)) and line and not line.isspace():
            return True
        if phrase is None or not phrase.search(line):
            return False
        return len(line.split(None, self.max_words)) <= self.max_words


@lru_cache(maxsize=4)
def _pattern(path: str | None) -> re.Pattern[str]:
    """Return a pattern for any of the phrases as whole words."""
    phrases = read_words(str(files("filters").joinpath("boilerplate_phrases.txt")))
    phrases |= read_words(path) if path is not None else frozenset()
    longest_first = sorted(phrases, key=lambda text: (-len(text), text))
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)", re.IGNORECASE)
