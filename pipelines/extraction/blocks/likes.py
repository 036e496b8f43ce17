"""Features of blocks and elements that are alike: copies, equal classes, repeated siblings (cards)."""

from __future__ import annotations

import numpy as np

from filters.compiled import compiled
from pipelines.extraction.blocks.columns import (
    B_HASH,
    B_LINK,
    B_OWNER,
    B_UNITS,
    E_FIRST,
    E_LAST,
    E_PARENT,
    E_SIGNATURE,
    Ints,
)
from pipelines.extraction.blocks.feature_names import AT_LIKE, Floats, ratio


@compiled
def copies_of(blocks: Ints) -> Ints:
    """Return for each block how many blocks before it, and how many others in all, have the same text."""
    order = np.argsort(blocks[:, B_HASH], kind="mergesort")
    copies, start = np.zeros((2, len(blocks)), np.int64), 0
    for place in range(1, len(order) + 1):
        if place == len(order) or blocks[order[place], B_HASH] != blocks[order[start], B_HASH]:
            for member in range(start, place):
                copies[0, order[member]] = member - start
                copies[1, order[member]] = place - start - 1
            start = place
    return copies


@compiled
def likes(elements: Ints, blocks: Ints, sums: Ints, good: Ints, out: Floats) -> None:
    """Fill in the averages of blocks whose owners (and parents) have the same name and class, and repeated elements."""
    keys = np.zeros((2, len(blocks)), np.int64)
    for b in range(len(blocks)):
        owner = blocks[b, B_OWNER]
        parent = max(0, elements[owner, E_PARENT])
        above = elements[parent, E_SIGNATURE]
        keys[0, b] = elements[owner, E_SIGNATURE] * 31 + above
        keys[1, b] = above * 31 + elements[max(0, elements[parent, E_PARENT]), E_SIGNATURE]
    for which in range(2):
        _sum_equal(keys[which], blocks, sums, good, AT_LIKE + 4 * which, out)
    _twins(elements, blocks, sums, good, out)


@compiled
def _sum_equal(keys: Ints, blocks: Ints, sums: Ints, good: Ints, at: int, out: Floats) -> None:
    order, start = np.argsort(keys, kind="mergesort"), 0
    units, links, prose = 0, 0, 0
    for place in range(len(order) + 1):
        if place == len(order) or keys[order[place]] != keys[order[start]]:
            for member in range(start, place):
                b = order[member]
                out[at, b], out[at + 1, b] = place - start, ratio(units, place - start)
                out[at + 2, b], out[at + 3, b] = ratio(links, units), ratio(prose, sums[2, len(blocks)])
            start, units, links, prose = place, 0, 0, 0
        if place < len(order):
            b = order[place]
            units += blocks[b, B_UNITS]
            links += blocks[b, B_LINK]
            prose += good[b]


@compiled
def _twins(elements: Ints, blocks: Ints, sums: Ints, good: Ints, out: Floats) -> None:
    """Fill in the number of siblings with the same name and class; cards are such siblings with several blocks."""
    keys = elements[:, E_PARENT] * 1000003 ^ elements[:, E_SIGNATURE]
    order, start = np.argsort(keys, kind="mergesort"), 0
    sizes = np.zeros((3, len(elements)), np.int64)
    twins, cards, card = sizes[0], sizes[1], sizes[2]
    for place in range(1, len(order) + 1):
        if place == len(order) or keys[order[place]] != keys[order[start]]:
            for member in range(start, place):
                twins[order[member]] = place - start
            start = place
    for e in range(1, len(elements)):
        parent = elements[e, E_PARENT]
        cards[e], card[e] = cards[parent], card[parent]
        if twins[e] >= max(2, cards[e]) and elements[e, E_LAST] - elements[e, E_FIRST] > 1:
            cards[e], card[e] = twins[e], e
    plain, total = 0, 0
    for b in range(len(blocks)):
        total += good[b] if cards[blocks[b, B_OWNER]] < 3 else 0
    for b in range(len(blocks)):
        owner = blocks[b, B_OWNER]
        parent = max(0, elements[owner, E_PARENT])
        at = AT_LIKE + 8
        out[at, b], out[at + 1, b] = twins[owner], twins[parent]
        out[at + 2, b] = twins[max(0, elements[parent, E_PARENT])]
        first, last = elements[card[owner], E_FIRST], elements[card[owner], E_LAST]
        units = sums[0, last] - sums[0, first]
        out[at + 3, b], out[at + 4, b] = cards[owner], units if cards[owner] else 0
        out[at + 5, b] = ratio(sums[1, last] - sums[1, first], units)
        # Comments and teasers are cards beside a text that is not one; a page with only cards is a list or a forum.
        out[at + 6, b], out[at + 7, b] = total, ratio(total, sums[2, len(blocks)])
        out[at + 8, b] = ratio(plain, total)
        plain += good[b] if cards[owner] < 3 else 0
