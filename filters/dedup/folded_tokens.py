"""A text as folded tokens: words, and single characters of the scripts that put no spaces between words.

Tokens are folded: case, accents and punctuation do not matter. One pass over code points with a table, compiled: a
token depends on the text alone, so a text has the same tokens under any language label. The filters' words
(`filters.splitting.words`) follow spaCy, whose rules the published thresholds need. Nothing here needs them, and this
is about ten times faster.

=====================================================  ===================================================
code point                                             becomes
=====================================================  ===================================================
letter, number                                         lower case, without its diacritic: ``É`` = ``e``
decimal digit of any script                            the ASCII digit; numbers keep their value
letter of Han, kana, Thai, Lao, Khmer, Burmese         a token of its own, with the marks that follow it
combining diacritic; format character, soft hyphen     nothing
other mark (vowel sign)                                part of the token before it
anything else: space, punctuation, symbol              the end of a token
=====================================================  ===================================================

Composed and decomposed spellings are equal, except for some hundred letters of Indic scripts that decompose into
two letters. The table follows the Unicode version of the running Python, `unicodedata.unidata_version`.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import Final

import numpy as np

from filters.compiled import compiled
from filters.hashing import FNV_BASIS, FNV_PRIME, Codes, Hashes, code_points, mix

_END: Final = 0
NOTHING: Final = 1
ALONE: Final = 1 << 31
MARK: Final = 1 << 30
_CODE: Final = (1 << 30) - 1
_CODE_POINTS: Final = 0x110000

# First and last code point of the blocks of scripts written without spaces (Unicode 16, Blocks.txt).
_SPACELESS: Final = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x3005, 0x3007),  # iteration marks and zero of Han
    (0x3040, 0x30FF),  # Hiragana, Katakana
    (0x3400, 0x4DBF),  # Han, extension A
    (0x4E00, 0x9FFF),  # Han
    (0xF900, 0xFAFF),  # Han, compatibility
    (0x20000, 0x323AF),  # Han, extensions B to H
)
# Marks on a letter that writers often leave out: accents, Hebrew points, Arabic vowels.
_DIACRITICS: Final = (
    (0x0300, 0x036F),
    (0x0591, 0x05C7),
    (0x064B, 0x065F),
    (0x0670, 0x0670),
    (0x1AB0, 0x1AFF),
    (0x1DC0, 0x1DFF),
    (0x20D0, 0x20FF),
    (0xFE00, 0xFE2F),
)
# Blocks of many thousand letters that stay as they are; skipping them makes the table in 0.1 s.
_PLAIN: Final = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0x20000, 0x323AF))
# All other code points are private, surrogate, unassigned or tags.
_REST: Final = ((0, 0x33FF), (0xA000, 0xABFF), (0xD7B0, 0xD7FF), (0xF900, 0x1FFFF), (0xE0000, 0xE01FF))


def token_hashes(text: str) -> Hashes:
    """Return the hash of each token of a text, uint64 [n]: FNV-1a over its folded code points, mixed."""
    return _word_hashes(code_points(text), token_forms())


def characters(text: str) -> Hashes:
    """Return the characters of a text's tokens as code points, uint64 [n], with one space between two tokens.

    Characters that are tokens of their own have no space before them.
    """
    return _characters(code_points(text), token_forms())


@cache
def token_forms() -> Codes:
    """Return the folded form of each code point, uint32 [0x110000]: `_END`, `NOTHING`, or a code with its flags."""
    forms = np.zeros(_CODE_POINTS, dtype=np.uint32)
    for first, last in _PLAIN:
        forms[first : last + 1] = np.arange(first, last + 1)
    for first, last in _REST:
        forms[first : last + 1] = [_form(code) for code in range(first, last + 1)]
    for first, last in _SPACELESS:
        block = forms[first : last + 1]
        letters = (block > NOTHING) & (block & MARK == 0) & (block >= 0x80)
        block[letters] |= np.uint32(ALONE)
    return forms


def _form(code: int) -> int:
    character = chr(code)
    category = unicodedata.category(character)
    if category == "Nd":
        return ord(str(unicodedata.decimal(character)))
    if category == "Cf" or (category[0] == "M" and _is_diacritic(code)):
        return NOTHING
    if category[0] == "M":
        return code | MARK
    if category[0] not in "LN":
        return _END
    bare = [one for one in unicodedata.normalize("NFD", character.lower()) if not _is_diacritic(ord(one))]
    return ord(bare[0]) if len(bare) == 1 else code


def _is_diacritic(code: int) -> bool:
    return any(first <= code <= last for first, last in _DIACRITICS)


@compiled
def _word_hashes(codes: Codes, forms: Codes) -> Hashes:
    hashes = np.empty(len(codes), dtype=np.uint64)
    count, value, is_open, is_alone = 0, np.uint64(0), False, False
    for code in codes:
        form = forms[code]
        if form == NOTHING:
            continue
        joins = form & MARK or not (form & ALONE or is_alone)
        if is_open and (form == _END or not joins):
            hashes[count] = mix(value)
            count += 1
            is_open = False
        if form == _END:
            continue
        if not is_open:
            value, is_open, is_alone = np.uint64(FNV_BASIS), True, form & ALONE != 0
        value = (value ^ np.uint64(form & _CODE)) * np.uint64(FNV_PRIME)
    if is_open:
        hashes[count] = mix(value)
        count += 1
    return hashes[:count]


@compiled
def _characters(codes: Codes, forms: Codes) -> Hashes:
    found = np.empty(2 * len(codes), dtype=np.uint64)
    count, gap = 0, False
    for code in codes:
        form = forms[code]
        if form == _END:
            gap = count > 0
        elif form != NOTHING:
            if gap and not form & ALONE:
                found[count] = np.uint64(32)
                count += 1
            gap = False
            found[count] = np.uint64(form & _CODE)
            count += 1
    return found[:count]
