"""Drops pages of one language by the limits that FineWeb-2 set for it: repetition, lists, words, stop words.

FineWeb-2 (Penedo et al. 2025, arXiv:2506.20920) filters each language separately with datatrove's repetition, FineWeb
and Gopher rules. It derived the limits and stop words from text of that language. ``fineweb2_limits.json`` holds them
for 31 languages, as in ``configs/<language>.yml`` of github.com/huggingface/fineweb-2 in October 2025. Its pipeline
switches off the rules for repeated paragraphs, repeated line characters and short lines, and sets 0.1 for characters
of repeated lines; it does not apply C4's rules.

A step judges one language and passes all others; for several languages, use it several times: ``- fineweb2: {as:
french, language: fr}``. Words are those of `TextView`; FineWeb-2 has a tokenizer per language, and
`filters.splitting.words` says how far the two agree. For Chinese, Japanese and Thai put `segment_words` before it: the
limits are made for words.
Wrongly dropped: as in the three steps that it combines. Cost: the sum of those three.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import ClassVar, Final, cast

from filters.fineweb_quality import FinewebQuality
from filters.gopher_quality import GopherQuality
from filters.gopher_repetition import GopherRepetition
from filters.profile import with_profile
from filters.step import Check, FieldFault, Measured, Step, Values
from filters.text import TextView

_NOT_USED: Final = {
    "max_duplicate_paragraphs",
    "max_duplicate_paragraph_characters",
    "max_duplicate_line_characters",
    "max_short_lines",
}
_PARTS: Final[tuple[Step, ...]] = (GopherRepetition(), FinewebQuality(), GopherQuality())
_CHECKS: Final = [check for part in _PARTS for check in part.CHECKS if check.field not in _NOT_USED]


@dataclass(frozen=True, slots=True)
class LanguageLimits:
    """FineWeb-2's values for one language.

    Attributes:
        codes: the labels of its documents.
        stop_words: its stop words.
        limits: by field of `Fineweb2`; other fields have their own defaults.
    """

    codes: frozenset[str]
    stop_words: tuple[str, ...]
    limits: Mapping[str, float]


@lru_cache(maxsize=1)
def limits() -> dict[str, LanguageLimits]:
    """Return the limits of each language, by each of its codes: ``fr``, ``fra`` and ``fra_Latn``."""
    table = json.loads(files("filters").joinpath("fineweb2_limits.json").read_text("utf-8"))
    return {code: found for found in map(_limits_of, table.values()) for code in found.codes}


def _limits_of(values: Values) -> LanguageLimits:
    codes, stop_words = cast("list[str]", values["codes"]), cast("list[str]", values["stop_words"])
    numbers = {name: value for name, value in values.items() if isinstance(value, float)}
    return LanguageLimits(frozenset(codes), tuple(stop_words), numbers)


def _of_language(given: Values) -> Values:
    """Return the values with the language's limits and stop words where none are given; see `with_profile`."""
    language = given.get("language")
    if language is None:
        return given
    known = limits()
    if language not in known:
        codes = " ".join(sorted(code for code in known if len(code) == 2))
        message = f"language {language!r} has no limits in FineWeb-2's table; known: {codes}"
        raise FieldFault(message, "language")
    own = known[str(language)]
    return {
        **own.limits,
        "stop_words": own.stop_words,
        **{name: value for name, value in given.items() if name != "stop_words" or value},
    }


@with_profile(_of_language)
@dataclass(frozen=True)
class Fineweb2:
    """Limits of a language; it sets those that are not given, and None switches one off.

    Attributes:
        language: the language of the limits and of the documents: ``fr``, ``fra`` or ``fra_Latn``.
        min_language_score: least probability of the label.
        stop_words: the list; empty = that of the language.
        min_stop_words: least number of different stop words in the text.
        max_duplicate_lines, …: as in `gopher_repetition`, `fineweb_quality` and `gopher_quality`.
    """

    language: str
    min_language_score: float | None = 0.0
    max_duplicate_lines: float | None = 0.3
    max_top_2_gram: float | None = 0.2
    max_top_3_gram: float | None = 0.18
    max_top_4_gram: float | None = 0.16
    max_repeated_5_gram: float | None = 0.15
    max_repeated_6_gram: float | None = 0.14
    max_repeated_7_gram: float | None = 0.13
    max_repeated_8_gram: float | None = 0.12
    max_repeated_9_gram: float | None = 0.11
    max_repeated_10_gram: float | None = 0.1
    min_punctuated_lines: float | None = 0.12
    max_duplicate_characters: float | None = 0.1
    max_newlines_per_word: float | None = 0.3
    min_words: int | None = 50
    max_words: int | None = 100_000
    min_mean_word_length: float | None = 3.0
    max_mean_word_length: float | None = 10.0
    max_hash_ratio: float | None = 0.1
    max_ellipsis_ratio: float | None = 0.1
    max_bullet_lines: float | None = 0.9
    max_ellipsis_lines: float | None = 0.3
    min_alphabetic_words: float | None = 0.8
    min_stop_words: int | None = 2
    stop_words: tuple[str, ...] = ()

    FILES: ClassVar[tuple[str, ...]] = ()
    MEASURES: ClassVar[Mapping[str, type]] = {
        "language_score": float,
        **{
            check.measure: part.MEASURES[check.measure]
            for part in _PARTS
            for check in part.CHECKS
            if check in _CHECKS
        },
    }
    CHECKS: ClassVar[tuple[Check, ...]] = (
        Check(
            "low_language_score",
            "language_score",
            "<",
            "min_language_score",
            meaning="the label is less sure than `min_language_score`",
        ),
        *_CHECKS,
    )

    def apply(self, view: TextView) -> tuple[TextView, Measured]:
        """Measure a document of the language; documents of other languages are not measured."""
        if view.language not in limits()[self.language].codes:
            return view, {}
        found: Measured = {"language_score": view.document.language_score}
        for part in (*_PARTS[:2], GopherQuality(stop_words=self.stop_words)):
            found |= {name: value for name, value in part.apply(view)[1].items() if name in self.MEASURES}
        return view, found
