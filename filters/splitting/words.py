"""Words of a text in any language.

- English (``en``, or no label yet): exactly the tokens of ``spacy.blank("en")``, which datatrove's filters and the
  published thresholds are based on, without white space tokens.
- Scripts without spaces (Chinese, Japanese, Thai, Lao, Khmer, Burmese): each character of the script, with its vowel
  signs and other marks, is a word, unless a segmenter finds longer ones (`filters.segment_words`). A zero-width space
  separates words. The rest of the text is split as below.
- All other languages: the tokens of spaCy's multi-language rules, ``spacy.blank("xx")``: the rules of affixes and
  infixes, without English contractions. spaCy, and so datatrove, has rules of its own for 53 of them; against these the
  tokens agree with an F1 of .989 on average. Loading all those rules would take each process 20 s.

`unicode_words` splits any text by the Unicode rules alone, for the recipes that do so.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, Final, Literal

from filters.splitting.spacy_itself import SWITCH, SpacyItself
from filters.splitting.spacy_rules import SpacyRules, spaced_runs
from filters.splitting.word_numbers import Words

Segmenter = Callable[[Iterable[str]], Mapping[str, str]]
"""Maps runs of letters of scripts without spaces to the same runs with spaces between the words."""

Rules = SpacyRules | SpacyItself

_ENGLISH: Final = frozenset({"en", "eng"})

# ISO 639 codes of lid.176 and GlotLID, with the varieties of Chinese.
_WITHOUT_SPACES: Final = frozenset(
    [
        "zh",
        "zho",
        "cmn",
        "yue",
        "wuu",
        "gan",
        "hak",
        "nan",
        "lzh",
        "ja",
        "jpn",
        "th",
        "tha",
        "lo",
        "lao",
        "km",
        "khm",
        "my",
        "mya",
    ]
)

_KANA: Final = ((0x3005, 0x3007), (0x3031, 0x3035), (0x3041, 0x30FF), (0x31F0, 0x31FF), (0xFF66, 0xFF9D))
_HAN: Final = ((0x2E80, 0x2FD5), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x323AF))
_THAI_LAO_BURMESE_KHMER: Final = ((0xE00, 0xEFF), (0x1000, 0x109F), (0x1780, 0x17DD), (0xAA60, 0xAA7F))


def split_words(text: str, language: str | None) -> list[str]:
    """Split a text into words and punctuation marks.

    Args:
        text: any text.
        language: code of its language, with or without script (``zho_Hans``); None counts as English.

    >>> split_words("I can't, sorry.", None)
    ['I', 'ca', "n't", ',', 'sorry', '.']
    >>> split_words("東京へ go.", "ja")
    ['東', '京', 'へ', 'go', '.']
    """
    return number_words(text, language).listed()


def number_words(text: str, language: str | None, segment: Segmenter | None = None) -> Words:
    """Split a text as `split_words` does, and number the words.

    Args:
        text: any text.
        language: code of its language; None counts as English.
        segment: finds the words in scripts without spaces.
    """
    rules, spaced = spaced_words(text, language, segment)
    return rules.words(spaced)


def spaced_words(text: str, language: str | None, segment: Segmenter | None = None) -> tuple[Rules, str]:
    """Return the rules of a language, and the text with spaces between the words of scripts without spaces.

    Lines and single spaces stay as they are.
    """
    code = "en" if language is None else re.split("[-_]", language, maxsplit=1)[0].lower()
    if code in _ENGLISH:
        return rules_of("en"), text
    if code in _WITHOUT_SPACES:
        unspaced, pieces = _unspaced_and_pieces("" if segment is None else "+")
        known = segment(unspaced.findall(text)) if segment else {}
        runs = (
            [" ".join(known.get(piece, piece) for piece in pieces.findall(run)) for run in spaced_runs(line)]
            for line in text.split("\n")
        )
        return rules_of("xx"), "\n".join(map("\t".join, runs))
    return rules_of("xx"), text


def unicode_words(text: str) -> list[str]:
    """Split a text at Unicode's word boundaries (UAX 29); only pieces that start with a letter or digit are words.

    There is no dictionary: each character of Chinese, Japanese hiragana or Thai is a word. Cost: 10 MB/s.

    >>> unicode_words("I can't pay 1,000.50 (e.g. now) 東京")
    ['I', "can't", 'pay', '1,000.50', 'e.g', 'now', '東', '京']
    """
    return [word for word in _unicode_word().findall(text) if word[0].isalnum()]


@lru_cache(maxsize=1)
def _unicode_word() -> Any:
    """Return a pattern for words of UAX 29: rules WB4 to WB13b, for letters and digits."""
    import regex

    rest = r"[\p{WB=Extend}\p{WB=Format}\p{WB=ZWJ}]*+"
    letters = rf"(?:[\p{{WB=ALetter}}\p{{WB=Hebrew_Letter}}]{rest})++"
    digits = rf"(?:\p{{WB=Numeric}}{rest})++"
    katakana = rf"(?:\p{{WB=Katakana}}{rest})++"
    joiners = rf"(?:\p{{WB=ExtendNumLet}}{rest})++"
    quotes = r"\p{WB=MidNumLet}\p{WB=Single_Quote}"
    run = rf"(?:{letters}(?:[\p{{WB=MidLetter}}{quotes}]{rest}{letters})*+"
    run += rf"|{digits}(?:[\p{{WB=MidNum}}{quotes}]{rest}{digits})*+)++|{katakana}"
    return regex.compile(rf"(?:{joiners})?(?:{run})(?:{joiners}(?:{run})?)*+|[\w\p{{N}}]{rest}", regex.V1)


@lru_cache(maxsize=2)
def rules_of(code: str) -> Rules:
    """Return the rules of a spaCy language, loaded once per process; see `filters.splitting.spacy_itself`."""
    return SpacyItself(code) if os.environ.get(SWITCH) == "spacy" else SpacyRules(code)


@lru_cache(maxsize=2)
def _unspaced_and_pieces(many: Literal["", "+"]) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return two patterns: one character, or a run, of a script without spaces; the same, or other characters."""
    blocks = [chr(c) for low, high in (*_KANA, *_THAI_LAO_BURMESE_KHMER) for c in range(low, high + 1)]
    letters = "".join(
        c for c in blocks if unicodedata.category(c).startswith(("L", "N")) and not c.isdecimal()
    )
    marks = "".join(c for c in blocks if unicodedata.category(c).startswith("M"))
    letters += "".join(f"{chr(low)}-{chr(high)}" for low, high in _HAN)
    unspaced = rf"(?:[{letters}][{marks}]*){many}"
    return re.compile(unspaced), re.compile(rf"{unspaced}|[^\s\u200b{letters}]+")
