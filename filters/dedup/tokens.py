"""A text as tokens: the pieces between white space, as written, with their places.

Unlike those of `filters.dedup.folded_tokens`, these tokens are not folded: a token is its characters. Each character of
a script without spaces, with its marks, is a token of its own, so a sentence of Chinese is not one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from filters.compiled import compiled
from filters.dedup.folded_tokens import ALONE, MARK, NOTHING, token_forms
from filters.hashing import FNV_BASIS, FNV_PRIME, Codes, Hashes, code_points, mix

Ints = npt.NDArray[np.int64]

_JOINS, _SPACE, _ALONE, _MARK = range(4)
_LAST_SPACE: Final = 0x3000


@dataclass(frozen=True, slots=True)
class Tokens:
    """The n tokens of a text.

    Attributes:
        hashes: uint64 [n].
        starts, ends: int64 [n]: first character, and the character after the last.
    """

    hashes: Hashes
    starts: Ints
    ends: Ints


def cut_tokens(text: str, scope: int = 0) -> Tokens:
    """Return the tokens of a text.

    Args:
        text: any text.
        scope: part of the hash; tokens of different scopes have different hashes.

    >>> tokens = cut_tokens("Don't  go, 東京。")
    >>> tokens.starts.tolist(), tokens.ends.tolist()
    ([0, 7, 11, 12, 13], [5, 10, 12, 13, 14])
    """
    hashes, starts, ends = _cut(code_points(text), _kinds())
    return Tokens(hashes ^ np.uint64(scope), starts, ends)


def without_spans(text: str, spans: Iterable[tuple[int, int]]) -> str:
    r"""Return a text without some spans of characters; empty if only white space is left.

    The pieces around a span are joined by the white space before or after it, whichever has more line feeds, or by a
    line feed if there is no white space.

    Args:
        text: the text.
        spans: start and end, ascending; they do not overlap.

    >>> without_spans("a b\n\nc d", [(2, 6)])
    'a d'
    """
    cuts = list(spans)
    pieces = [
        text[start:end]
        for start, end in zip(
            [0, *(end for _, end in cuts)], [*(start for start, _ in cuts), len(text)], strict=True
        )
    ]
    left = [piece for piece in pieces if piece and not piece.isspace()]
    if not left:
        return ""
    made = [left[0] if left[0] is pieces[0] else left[0].lstrip()]
    for before, after in pairwise(left):
        made[-1] = made[-1].rstrip()
        made += [_gap(before, after), after.lstrip()]
    if left[-1] is not pieces[-1]:
        made[-1] = made[-1].rstrip()
    return "".join(made)


def _gap(before: str, after: str) -> str:
    """Return the white space that joins the pieces before and after a removed span."""
    spaces = before[len(before.rstrip()) :], after[: len(after) - len(after.lstrip())]
    return max(spaces, key=lambda space: (space.count("\n"), len(space))) or "\n"


@cache
def _kinds() -> npt.NDArray[np.uint8]:
    """Return the effect of each code point on a token, uint8 [0x110000]."""
    forms = token_forms()
    kinds = np.where(forms & ALONE, _ALONE, np.where((forms & MARK != 0) | (forms == NOTHING), _MARK, _JOINS))
    kinds[[code for code in range(_LAST_SPACE + 1) if chr(code).isspace()]] = _SPACE
    return kinds.astype(np.uint8)


@compiled
def _cut(codes: Codes, kinds: npt.NDArray[np.uint8]) -> tuple[Hashes, Ints, Ints]:
    hashes = np.empty(len(codes), dtype=np.uint64)
    starts, ends = np.empty(len(codes), dtype=np.int64), np.empty(len(codes), dtype=np.int64)
    count, value, is_open, is_alone = 0, np.uint64(0), False, False
    for place in range(len(codes)):
        kind = kinds[codes[place]]
        if is_open and (kind in (_SPACE, _ALONE) or (is_alone and kind != _MARK)):
            hashes[count], ends[count] = mix(value), place
            count += 1
            is_open = False
        if kind == _SPACE:
            continue
        if not is_open:
            value, is_open, is_alone = np.uint64(FNV_BASIS), True, kind == _ALONE
            starts[count] = place
        value = (value ^ np.uint64(codes[place])) * np.uint64(FNV_PRIME)
    if is_open:
        hashes[count], ends[count] = mix(value), len(codes)
        count += 1
    return hashes[:count], starts[:count], ends[:count]
