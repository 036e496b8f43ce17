"""Removes short lines that belong to the site rather than to the page: consent notices, share buttons, legal lines.

A line goes if it has one of the listed phrases and few words, or nothing but symbols, as rows of ``|`` that extractors
leave of tables (FineWeb-2 takes those out too). The phrases are those for which C4 and NeMo Curator drop lines and
pages, and what the extractors of this project were seen to leave; English, and the consent notices of six other
languages. More can be given in a file.

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
    """Which lines go.

    Attributes:
        max_words: a line with more pieces between whitespace stays whatever it says.
        symbol_lines: remove lines without any letter or digit; blank ones stay.
        phrases: file of more phrases, one a line; None = only the built-in ones.
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
        """Remove and count."""
        lines = view.lines
        phrase = _pattern(self.phrases) if _pattern(self.phrases).search(view.text) else None
        kept = [line for line in lines if not self._goes(line, phrase)]
        removed = len(lines) - len(kept)
        return (view.with_text("\n".join(kept)) if removed else view), {"lines_removed": removed}

    def _goes(self, line: str, phrase: re.Pattern[str] | None) -> bool:
        if self.symbol_lines and not any(map(str.isalnum, line)) and line and not line.isspace():
            return True
        if phrase is None or not phrase.search(line):
            return False
        return len(line.split(None, self.max_words)) <= self.max_words


@lru_cache(maxsize=4)
def _pattern(path: str | None) -> re.Pattern[str]:
    """Return a pattern for any phrase between characters that are no letters or digits."""
    phrases = read_words(str(files("filters").joinpath("boilerplate_phrases.txt")))
    phrases |= read_words(path) if path is not None else frozenset()
    longest_first = sorted(phrases, key=lambda text: (-len(text), text))
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)", re.IGNORECASE)
