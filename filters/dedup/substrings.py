"""Passages that an earlier text has word for word: a notice, a quoted article, a page inside a page.

A passage is at least `min_tokens` tokens in a row. Tokens are those of `filters.dedup.tokens`: the pieces between white
space, as written. So two passages are equal if their texts are, except for white space, in every language. The first of
equal passages stays: the one in the first text in keep order; inside one text, a copy counts if it starts after the
first has ended. Every later passage is removed as a whole. A removed passage is still in an earlier text, unless a part
of it is removed there because a third text has it. A text that loses a passage may start or stop in the middle of a
sentence.

Method. Lee et al. 2022 (arXiv:2107.06499) sort all suffixes of the corpus: an array several times as large as the text,
and a merge on one machine. Here equal passages are brought together by hash, in partitions, and few of them are sent:

1. Each passage-long run has an *anchor*: of the runs of half that length inside it, the one with the smallest hash
   (winnowing, Schleimer et al. 2003, with a window as wide as the passage). Equal passages have equal anchors. In fresh
   text an anchor starts at one token in 14.
2. Only passages whose anchor occurs twice in the corpus are hashed as a whole. Equal ones are brought together, and
   each gets the place of the first.
3. Neighbouring passages with neighbouring firsts become one span: the longest run that both texts share there.

Step 1 misses no repeat, and step 2 invents none: passages are compared by 128 bits, as exact copies are, with a chance
of an error below 2**-100 per pair.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from filters.compiled import compiled
from filters.dedup.order import id_halves
from filters.dedup.shingles import windows_of
from filters.dedup.tokens import Ints
from filters.hashing import GOLDEN, Hashes, mix
from filters.step import FieldFault

Array = npt.NDArray[Any]

PASSAGE: Final = np.dtype(
    [
        ("high", "<u8"),
        ("low", "<u8"),
        ("rank", "<u4"),
        ("id", "V16"),
        ("doc", "<u8"),
        ("token", "<u4"),
        ("start", "<u4"),
    ]
)
"""A passage of `min_tokens` tokens: its hash; the document's rank in keep order, id and number; its first token, and
the character at which that token starts."""

REPEAT: Final = np.dtype(
    [("doc", "<u8"), ("token", "<u4"), ("first", "V16"), ("first_token", "<u4"), ("first_start", "<u4")]
)
"""A passage to remove, and the document id, token and character of the first equal passage."""

SPAN: Final = np.dtype(
    [("doc", "<u8"), ("token", "<u4"), ("end", "<u4"), ("first", "V16"), ("first_start", "<u4")]
)
"""Tokens of a document to remove, from `token` to before `end`, and where the same tokens occur first."""


@dataclass(frozen=True)
class Substrings:
    """Which passages are removed.

    Attributes:
        min_tokens: tokens of the shortest repeated passage that is removed; Lee et al. take 50.
    """

    min_tokens: int = 50

    def __post_init__(self) -> None:
        if not 2 <= self.min_tokens <= 1000:
            raise FieldFault(f"min_tokens must be from 2 to 1000; found {self.min_tokens}", "min_tokens")

    def anchors(self, tokens: Hashes) -> tuple[Hashes, Hashes]:
        """Return the anchors of a text, one for each place that has one, and the anchor of each passage.

        Args:
            tokens: uint64 [n].

        Returns:
            uint64 [anchors] and uint64 [n - min_tokens + 1], or [0] if the text is shorter than a passage.
        """
        if len(tokens) < self.min_tokens:
            return tokens[:0], tokens[:0]
        width = -(-self.min_tokens // 2)
        runs = windows_of(tokens, width)
        places = _smallest(runs, self.min_tokens - width + 1)
        return runs[places[np.diff(places, prepend=-1) > 0]], runs[places]

    def passages(self, tokens: Hashes) -> tuple[Hashes, Hashes]:
        """Return two independent hashes of each passage of a text, both uint64 [n - min_tokens + 1], or [0]."""
        if len(tokens) < self.min_tokens:
            return tokens[:0], tokens[:0]
        return windows_of(tokens, self.min_tokens), windows_of(_rehash(tokens), self.min_tokens)

    def repeats(self, passages: Array) -> Array:
        """Return the passages to remove, dtype `REPEAT`, in no particular order.

        Args:
            passages: dtype `PASSAGE`, all passages of some hashes, in any order.
        """
        id_high, id_low = id_halves(passages["id"])
        keys = (passages["token"], id_low, id_high, passages["rank"], passages["low"], passages["high"])
        passages = passages[np.lexsort(keys)]
        is_first = np.ones(len(passages), dtype=np.bool_)
        is_first[1:] = (passages["high"][1:] != passages["high"][:-1]) | (
            passages["low"][1:] != passages["low"][:-1]
        )
        firsts = passages[np.flatnonzero(is_first)[np.cumsum(is_first) - 1]]
        apart = passages["token"] >= firsts["token"].astype(np.int64) + self.min_tokens
        goes = (passages["doc"] != firsts["doc"]) | apart
        made = np.empty(np.count_nonzero(goes), dtype=REPEAT)
        made["doc"], made["token"] = passages["doc"][goes], passages["token"][goes]
        made["first"], made["first_token"] = firsts["id"][goes], firsts["token"][goes]
        made["first_start"] = firsts["start"][goes]
        return made

    def spans(self, repeats: Array) -> Array:
        """Return passages to remove as spans, dtype `SPAN`, by document and token: as few as possible, without overlap.

        Args:
            repeats: dtype `REPEAT`, all repeats of some documents, in any order.
        """
        repeats = repeats[np.lexsort((repeats["token"], repeats["doc"]))]
        follows = np.zeros(len(repeats), dtype=np.bool_)
        follows[1:] = (repeats["doc"][1:] == repeats["doc"][:-1]) & (
            repeats["first"][1:] == repeats["first"][:-1]
        )
        for name in ("token", "first_token"):
            follows[1:] &= repeats[name][1:] == repeats[name][:-1] + np.uint32(1)
        chains = np.flatnonzero(~follows)
        lasts = repeats["token"][np.append(chains[1:], len(repeats)) - 1] if len(chains) else chains
        begins, ends = _cover(
            repeats["doc"][chains], repeats["token"][chains], lasts, chains, self.min_tokens
        )
        made = np.empty(len(begins), dtype=SPAN)
        for name in ("doc", "token", "first", "first_start"):
            made[name] = repeats[name][begins]
        made["end"] = ends
        return made


@compiled
def _cover(docs: Hashes, tokens: Array, lasts: Array, chains: Ints, width: int) -> tuple[Ints, Ints]:
    """Return spans that cover chains of passages; the next span is always the last chain that this one reaches.

    Args:
        docs: uint64 [n]: document of each chain.
        tokens: uint32 [n]: first token of the chain's first passage.
        lasts: uint32 [n]: first token of its last passage.
        chains: int64 [n]: index of its first passage.
        width: tokens of a passage.

    Returns:
        Index of the passage with which each span starts, and the token at which it ends.
    """
    begins, ends = np.empty(len(docs), dtype=np.int64), np.empty(len(docs), dtype=np.int64)
    count, chain, reached = 0, 0, 0
    while chain < len(docs):
        start, end = np.int64(tokens[chain]), np.int64(lasts[chain]) + width
        if count and reached == chain:
            start = max(start, min(ends[count - 1], np.int64(lasts[chain])))
            ends[count - 1] = min(ends[count - 1], start)
        begins[count], ends[count] = chains[chain] + start - np.int64(tokens[chain]), end
        count += 1
        reached = chain
        while reached + 1 < len(docs) and docs[reached + 1] == docs[chain] and tokens[reached + 1] <= end:
            reached += 1
        chain = reached if reached > chain else chain + 1
    return begins[:count], ends[:count]


@compiled
def _rehash(tokens: Hashes) -> Hashes:
    """Return another hash of each token, so that sums of products of the two are unrelated."""
    made = np.empty_like(tokens)
    for place in range(len(tokens)):
        made[place] = mix(tokens[place] + np.uint64(GOLDEN))
    return made


@compiled
def _smallest(hashes: Hashes, width: int) -> Ints:
    """Return the place of the smallest of each `width` hashes in a row; of equal hashes, the last."""
    places = np.empty(len(hashes) - width + 1, dtype=np.int64)
    best = -width
    for end in range(len(hashes)):
        start = max(end - width + 1, 0)
        if best < end - width + 1:
            best = start
            for place in range(start + 1, end + 1):
                best = place if hashes[place] <= hashes[best] else best
        elif hashes[end] <= hashes[best]:
            best = end
        if end >= width - 1:
            places[end - width + 1] = best
    return places
