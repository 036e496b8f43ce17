"""Which blocks of a page belong to its main text, by what is known of it.

Known text and blocks are aligned: of the places where a block's words stand in the text, the ones are chosen that
go on in order and cover most, so that a headline repeated in a list of links is the text's only once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from pipelines.extraction.blocks.columns import B_END, B_START, Scan
from tests.bench.blocks.corpus import Page
from tests.bench.extraction_score import words

UNKNOWN = -1
MIN_PART = 0.3
Labels = NDArray[np.float32]


def block_texts(scan: Scan) -> list[str]:
    """Return the text of each block."""
    data = scan.text.tobytes()
    return [data[row[B_START] : row[B_END]].decode() for row in scan.blocks]


def label(page: Page, texts: Sequence[str]) -> Labels:
    """Return for each block the share of its words that are main text, or `UNKNOWN`."""
    if page.kind in ("text", "silver"):
        return covered(texts, page.text)
    if page.kind == "partial":
        return _by_beginning(texts, page.text)
    return _by_phrases(texts, page.wanted, page.unwanted)


def covered(texts: Sequence[str], gold: str) -> Labels:
    """Return the share of each block's words that the known text holds, in its order."""
    tokens = [words(text) for text in texts]
    known = words(gold)
    places: dict[tuple[str, ...], list[int]] = {}
    for n in (1, 2, 4):
        for at in range(len(known) - n + 1):
            places.setdefault(tuple(known[at : at + n]), []).append(at)
    out = np.zeros(len(texts), np.float32)
    chain = _chain([_matches(found, known, places) for found in tokens])
    taken = np.zeros(len(known) + 1, bool)
    for block, (start, count) in chain.items():
        out[block] = count / len(tokens[block])
        taken[start : start + count] = True
    for block, found in enumerate(tokens):  # out of order, but nowhere else on the page
        if out[block] == 0 and len(found) >= 4:
            free = [m for m in _matches(found, known, places) if not taken[m[0] : m[0] + m[1]].any()]
            if free:
                start, count = free[0]
                out[block] = count / len(found)
                taken[start : start + count] = True
    return out


def _matches(
    found: list[str], known: list[str], places: dict[tuple[str, ...], list[int]]
) -> list[tuple[int, int]]:
    """Return where most of a block's words stand in the known text, as (place, words in common)."""
    n = 4 if len(found) >= 4 else 2 if len(found) >= 2 else 1
    starts: dict[int, int] = {}
    for at in range(max(0, len(found) - n + 1)):
        for place in places.get(tuple(found[at : at + n]), ())[:20]:
            starts.setdefault(place - at, at)
        if at >= 40:
            break
    matches = []
    for start, _ in sorted(starts.items())[:20]:
        window = known[max(0, start) : max(0, start) + len(found)]
        offset = max(0, -start)
        same = sum(a == b for a, b in zip(found[offset:], window, strict=False))
        if n < 4 and same < len(found):
            continue
        if same * 2 >= len(found) or same >= 8:
            matches.append((max(0, start), same))
    if not matches and len(found) >= 8:  # the text lacks or adds a word: count what it holds at all
        grams = [tuple(found[at : at + 4]) for at in range(len(found) - 3)]
        held = [gram in places for gram in grams]
        if sum(held) * 2 >= len(held):
            first = places[grams[held.index(True)]][0]
            matches.append((first, round(len(found) * sum(held) / len(held))))
    return matches


def _chain(matches: list[list[tuple[int, int]]]) -> dict[int, tuple[int, int]]:
    """Choose at most one place per block, places going up, most words in all."""
    nodes = [(block, start, count) for block, found in enumerate(matches) for start, count in found]
    if not nodes:
        return {}
    ends = np.array([start + count for _, start, count in nodes])
    blocks = np.array([block for block, _, _ in nodes])
    best, before = np.zeros(len(nodes)), np.full(len(nodes), -1)
    for at, (block, start, count) in enumerate(nodes):
        fits = (ends[:at] <= start + 2) & (blocks[:at] < block)
        if fits.any():
            last = int(np.flatnonzero(fits)[np.argmax(best[:at][fits])])
            best[at], before[at] = best[last], last
        best[at] += count
    chain, at = {}, int(np.argmax(best))
    while at >= 0:
        block, start, count = nodes[at]
        chain[block] = (start, count)
        at = int(before[at])
    return chain


def _by_beginning(texts: Sequence[str], beginning: str) -> Labels:
    out = covered(texts, beginning)
    inside = np.flatnonzero(out >= 0.5)
    if len(inside):
        out[inside[-1] + 1 :] = UNKNOWN
    else:
        out[:] = UNKNOWN
    return out


def _by_phrases(texts: Sequence[str], wanted: Sequence[str], unwanted: Sequence[str]) -> Labels:
    """Label the blocks that hold a phrase, and those that a phrase of several blocks spans.

    An unwanted phrase says something of a block only if it is a good part of it: ``Comments`` stands in prose
    too. Of several places of a wanted phrase the one in the longest block is meant, the others stay unknown.
    """
    flat = [" ".join(text.split()) for text in texts]
    out = np.full(len(texts), UNKNOWN, np.float32)
    joined, starts = " ".join(flat), np.cumsum([0] + [len(text) + 1 for text in flat])
    for phrase in unwanted:
        for first, last in _places(phrase, joined, starts):
            held = sum(len(text) for text in flat[first : last + 1])
            if len(phrase) >= MIN_PART * held:
                out[first : last + 1] = 0
    for phrase in wanted:
        places = list(_places(phrase, joined, starts))
        for first, last in places:
            out[first : last + 1] = UNKNOWN
        if places:
            first, last = max(
                places, key=lambda place: sum(len(text) for text in flat[place[0] : place[1] + 1])
            )
            out[first : last + 1] = 1
    return out


def _places(phrase: str, joined: str, starts: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Yield first and last block of each place where a phrase stands."""
    phrase = " ".join(phrase.split())
    at = joined.find(phrase) if phrase else -1
    while at >= 0:
        first, last = np.searchsorted(starts, (at, at + len(phrase) - 1), "right") - 1
        yield int(first), int(last)
        at = joined.find(phrase, at + 1)
