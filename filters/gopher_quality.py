"""Drops pages that are not prose: too short, word lists, symbols, bullet lists, teasers, other languages.

Gopher's quality rules (Rae et al. 2021, arXiv:2112.11446, A.1.1) as datatrove 0.10 counts them. A word is a token
of `TextView.words` that is more than punctuation; shares of words are of all tokens. Wrongly dropped: poems, tables,
code, dictionaries, any English text without two of eight stop words. Cost: 0.1 ms for 1,000 words, without splitting.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from filters.splitting.punctuation import SYMBOLS
from filters.step import Check, Measured, check_order
from filters.text import TextView

_BULLETS: Final = ("•", "-")
_ELLIPSES: Final = ("...", "…")


@dataclass(frozen=True)
class GopherQuality:
    """Limits of the paper; None switches one off.

    Attributes:
        min_words, max_words: number of words that are more than punctuation.
        min_mean_word_length, max_mean_word_length: mean length of the same words, in characters.
        max_hash_ratio, max_ellipsis_ratio: greatest number of ``#`` signs, and of ellipses, per token.
        max_bullet_lines, max_ellipsis_lines: greatest share of lines that start with a bullet, or end with an ellipsis.
        min_alphabetic_words: least share of tokens with at least one letter.
        min_stop_words: least number of different stop words in the text; upper and lower case differ.
        stop_words: the list of stop words.
    """

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
    stop_words: tuple[str, ...] = ("the", "be", "to", "of", "and", "that", "have", "with")

    FILES: ClassVar[tuple[str, ...]] = ()
    MEASURES: ClassVar[Mapping[str, type]] = {
        "words": int,
        "mean_word_length": float,
        "hash_ratio": float,
        "ellipsis_ratio": float,
        "bullet_lines": float,
        "ellipsis_lines": float,
        "alphabetic_words": float,
        "stop_words": int,
    }
    CHECKS: ClassVar[tuple[Check, ...]] = (
        Check(
            "too_few_words",
            "words",
            "<",
            "min_words",
            meaning="fewer words than `min_words`; a word is more than punctuation",
        ),
        Check(
            "too_many_words",
            "words",
            ">",
            "max_words",
            meaning="more words than `max_words`; a word is more than punctuation",
        ),
        Check(
            "words_too_short",
            "mean_word_length",
            "<",
            "min_mean_word_length",
            meaning="the mean word is shorter than `min_mean_word_length`",
        ),
        Check(
            "words_too_long",
            "mean_word_length",
            ">",
            "max_mean_word_length",
            meaning="the mean word is longer than `max_mean_word_length`",
        ),
        Check(
            "too_many_hashes",
            "hash_ratio",
            ">",
            "max_hash_ratio",
            meaning="more `#` signs per token than `max_hash_ratio`",
        ),
        Check(
            "too_many_ellipses",
            "ellipsis_ratio",
            ">",
            "max_ellipsis_ratio",
            meaning="more ellipses per token than `max_ellipsis_ratio`",
        ),
        Check(
            "too_many_bullet_lines",
            "bullet_lines",
            ">",
            "max_bullet_lines",
            meaning="a larger share of lines starts with a bullet than `max_bullet_lines`",
        ),
        Check(
            "too_many_ellipsis_lines",
            "ellipsis_lines",
            ">",
            "max_ellipsis_lines",
            meaning="a larger share of lines ends with an ellipsis than `max_ellipsis_lines`",
        ),
        Check(
            "too_few_alphabetic_words",
            "alphabetic_words",
            "<",
            "min_alphabetic_words",
            meaning="a smaller share of tokens has a letter than `min_alphabetic_words`",
        ),
        Check(
            "too_few_stop_words",
            "stop_words",
            "<",
            "min_stop_words",
            meaning="fewer different stop words than `min_stop_words`",
        ),
    )

    def __post_init__(self) -> None:
        check_order("min_words", self.min_words, "max_words", self.max_words)
        shortest, longest = self.min_mean_word_length, self.max_mean_word_length
        check_order("min_mean_word_length", shortest, "max_mean_word_length", longest)

    def apply(self, view: TextView) -> tuple[TextView, Measured]:
        """Measure; a ratio is missing if there is nothing to divide by."""
        counts = view.word_counts
        tokens = len(view.numbered_words)
        number = characters = alphabetic = 0
        for word, count in counts.items():
            has_letter = word.isalpha() or any(map(str.isalpha, word))
            alphabetic += count * has_letter
            if has_letter or not SYMBOLS.issuperset(word):
                number += count
                characters += len(word) * count
        lines = view.unicode_lines
        ellipses = sum(view.text.count(mark) for mark in _ELLIPSES)
        return view, {
            "words": number,
            "mean_word_length": _share(characters, number),
            "hash_ratio": _share(view.text.count("#"), tokens),
            "ellipsis_ratio": _share(ellipses, tokens),
            "bullet_lines": _share(sum(line.lstrip().startswith(_BULLETS) for line in lines), len(lines)),
            "ellipsis_lines": _share(sum(line.rstrip().endswith(_ELLIPSES) for line in lines), len(lines)),
            "alphabetic_words": _share(alphabetic, tokens),
            "stop_words": len(counts.keys() & set(self.stop_words)),
        }


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
