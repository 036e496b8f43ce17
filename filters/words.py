"""Words of a text in any language.

- English (``en``, or no label yet): exactly the tokens of ``spacy.blank("en")``, which datatrove's filters and
  the published thresholds were made with; whitespace tokens left out.
- Scripts without spaces (Chinese, Japanese, Thai, Lao, Khmer, Burmese): each character of the script, with the
  vowel signs and other marks that belong to it, is a word; everything else in the text as below.
- All other languages: the tokens of spaCy's multi-language rules, ``spacy.blank("xx")``: the rules of affixes and
  infixes, without the contractions of English. Against the 53 languages for which spaCy, and so datatrove, has
  rules of its own, the tokens agree to an F1 of .989 on average; loading all those rules would cost 20 s a process.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

from filters.spacy_rules import SpacyRules

_ENGLISH: Final = frozenset({"en", "eng"})

# ISO 639 codes as lid.176 and GlotLID name them, Chinese with its varieties.
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
    code = "en" if language is None else re.split("[-_]", language, maxsplit=1)[0].lower()
    if code in _ENGLISH:
        return _rules("en").words(text)
    if code in _WITHOUT_SPACES:
        return _rules("xx").words(" ".join(_character_pieces().findall(text)))
    return _rules("xx").words(text)


@lru_cache(maxsize=2)
def _rules(code: str) -> SpacyRules:
    return SpacyRules(code)


@lru_cache(maxsize=1)
def _character_pieces() -> re.Pattern[str]:
    """Return a pattern for one character of a script without spaces, or a run of other characters."""
    blocks = [chr(c) for low, high in (*_KANA, *_THAI_LAO_BURMESE_KHMER) for c in range(low, high + 1)]
    letters = "".join(
        c for c in blocks if unicodedata.category(c).startswith(("L", "N")) and not c.isdecimal()
    )
    marks = "".join(c for c in blocks if unicodedata.category(c).startswith("M"))
    letters += "".join(f"{chr(low)}-{chr(high)}" for low, high in _HAN)
    return re.compile(rf"[{letters}][{marks}]*|[^\s{letters}]+")
