"""Keeps lines that read like sentences, and drops pages with too few sentences left.

The rules of C4 (Raffel et al. 2020, JMLR 21:140, section 2.2). A line is dropped if it has a word of more than 1,000
characters, no end mark or too few words, or if it mentions JavaScript or a policy; citation marks are removed from it.
A page is dropped if one of the remaining lines says "lorem ipsum" or has a curly bracket, or if too few sentences are
left.

============  ==========  ==========================  =====================  ==================================
profile       sentences   words per line, counted     end marks              source
============  ==========  ==========================  =====================  ==================================
``datatrove``  5          3, with citations           . ? ! " '              datatrove 0.10.1 ``c4_filters.py``
``tfds``       3          5, without citations        . ? ! "                TensorFlow Datasets ``c4_utils.py``
============  ==========  ==========================  =====================  ==================================

TensorFlow Datasets counts sentences with NLTK's Punkt model; here spaCy's rule counts them. It also drops pages of more
than 190,000 characters (`length`) and lines that an earlier page has (``dedup.lines``). Wrongly dropped: code, poems,
tables, lists; with ``terminal_punctuation: false``, as in FineWeb, most lists stay. Cost: 0.3 ms for 1,000 words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, Literal

from filters.profile import with_profile
from filters.splitting.sentences import count_sentences
from filters.step import Check, Measured, Values
from filters.text import TextView

_CITATION: Final = re.compile(r"\[(?:\d*|edit|citation needed)\]")
_END_MARKS: Final = {"datatrove": (".", "?", "!", '"', "'"), "tfds": (".", "?", "!", '"')}
_OWN_LIMITS: Final[Mapping[str, Mapping[str, float | None]]] = {
    "tfds": {"min_words_per_line": 5, "min_sentences": 3}
}
_POLICIES: Final = re.compile(r"terms of use|privacy policy|cookie policy|uses cookies|use (?:of )?cookies")
_POLICY_WORDS: Final = (
    "cookie",
    "policy",
    "terms of use",
)  # one is in each match, and they are fast to find


def _of_profile(given: Values) -> Values:
    return {**_OWN_LIMITS.get(str(given.get("profile")), {}), **given}


@with_profile(_of_profile)
@dataclass(frozen=True)
class C4:
    """Which lines and pages are dropped; see the module docstring.

    Attributes:
        profile: whose version of the rules; it sets the limits that are not given.
        terminal_punctuation: drop lines that have no end mark or end with an ellipsis.
        max_word_characters: drop lines with a longer word; None = off.
        min_words_per_line: drop lines with fewer words between spaces; None = off.
        min_sentences: drop pages with fewer sentences in the remaining lines; None = off.
        javascript, policies: drop lines that mention JavaScript, or a policy or cookies.
        lorem_ipsum, curly_brackets: drop pages that have the filler text, or a curly bracket.
        citations: remove ``[1]``, ``[edit]`` and ``[citation needed]``.
    """

    profile: Literal["datatrove", "tfds"] = "datatrove"
    terminal_punctuation: bool = True
    max_word_characters: int | None = 1000
    min_words_per_line: int | None = 3
    min_sentences: int | None = 5
    javascript: bool = True
    policies: bool = True
    lorem_ipsum: bool = True
    curly_brackets: bool = True
    citations: bool = True

    EDITS: ClassVar[bool] = True
    FILES: ClassVar[tuple[str, ...]] = ()
    MEASURES: ClassVar[Mapping[str, type]] = {
        "lorem_ipsum": bool,
        "curly_brackets": bool,
        "sentences": int,
        "lines_dropped": int,
    }
    CHECKS: ClassVar[tuple[Check, ...]] = (
        Check(
            "lorem_ipsum",
            "lorem_ipsum",
            "and",
            "lorem_ipsum",
            meaning='the page has the filler text "lorem ipsum"',
        ),
        Check(
            "curly_bracket",
            "curly_brackets",
            "and",
            "curly_brackets",
            meaning="the page has a curly bracket, as code has",
        ),
        Check(
            "too_few_sentences",
            "sentences",
            "<",
            "min_sentences",
            meaning="fewer sentences than `min_sentences` in the lines that are left",
        ),
    )

    def apply(self, view: TextView) -> tuple[TextView, Measured]:
        """Drop lines, then measure the rest."""
        lines = view.unicode_lines
        prose = [line for line in map(self._edit, lines) if line is not None]
        lower = "\n".join(prose).lower()
        kept, bracket = prose, "{" in lower
        if self.javascript and "javascript" in lower:
            # A bracket counts even in a line dropped for a policy, but not in one dropped for JavaScript.
            kept = [line for line in kept if "javascript" not in line.lower()]
            bracket = any("{" in line for line in kept)
        if self.policies and any(map(lower.__contains__, _POLICY_WORDS)) and _POLICIES.search(lower):
            kept = [line for line in kept if not _POLICIES.search(line.lower())]
        found: Measured = {
            "lorem_ipsum": "lorem ipsum" in lower,
            "curly_brackets": bracket,
            "sentences": count_sentences(kept, view.language),
            "lines_dropped": len(lines) - len(kept),
        }
        text = "\n".join(kept).strip()
        return (view if text == view.text else view.with_text(text)), found

    def _edit(self, line: str) -> str | None:
        """Return the line without citations, or None if it does not look like a sentence."""
        line = whole = line.strip()
        limit = self.max_word_characters
        if limit is not None and len(line) > limit and max(map(len, line.split()), default=0) > limit:
            return None
        if self.citations and "[" in line:
            line = _CITATION.sub("", line)
        if self.terminal_punctuation and (
            not line.endswith(_END_MARKS[self.profile]) or line.endswith("...")
        ):
            return None
        least = self.min_words_per_line
        counted = line if self.profile == "tfds" else whole
        return None if least is not None and len(counted.split(None, least)) < least else line
