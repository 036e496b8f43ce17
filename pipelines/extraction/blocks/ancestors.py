"""Features of the branch of the tree that a block is on: its kinds, its content, its distance to the main part."""

from __future__ import annotations

import numpy as np

from filters.compiled import compiled
from pipelines.extraction.blocks.columns import (
    B_BOLD,
    B_FLAGS,
    B_LINK,
    B_OWNER,
    B_UNITS,
    E_DEPTH,
    E_FIRST,
    E_FLAGS,
    E_LAST,
    E_PARENT,
    E_TAG,
    Ints,
)
from pipelines.extraction.blocks.feature_names import (
    AT_BRANCH,
    AT_HEADINGS,
    AT_NEAR,
    AT_OWN_CLASS,
    AT_TOPS,
    BODY_BIT,
    COMMENT_BIT,
    LEVELS,
    N_GROUPS,
    N_NEAR,
    NEGATIVE_BITS,
    RELATED_BIT,
    TAG_H1,
    TAG_P,
    Floats,
    ratio,
)


@compiled
def nearness(elements: Ints, blocks: Ints, per_tag: Ints, out: Floats) -> None:
    """Fill in how near the nearest ancestor of each kind or group is: 16 = the owner, minus 1 per level, 0 = absent."""
    near = np.zeros((len(elements), N_NEAR + N_GROUPS), np.uint8)
    for e in range(1, len(elements)):
        parent = elements[e, E_PARENT]
        for k in range(N_NEAR + N_GROUPS):
            near[e, k] = max(near[parent, k], 2) - 1 if near[parent, k] else 0
        kind = per_tag[elements[e, E_TAG], 0]
        if kind >= 0:
            near[e, kind] = 16
        if elements[e, E_DEPTH] > 2:
            for k in range(N_GROUPS):
                if elements[e, E_FLAGS] >> k & 1:
                    near[e, N_NEAR + k] = 16
    for b in range(len(blocks)):
        owner, inline = blocks[b, B_OWNER], blocks[b, B_FLAGS]
        for k in range(N_NEAR + N_GROUPS):
            out[AT_NEAR + k, b] = near[owner, k]
        for k in range(N_GROUPS):
            out[AT_OWN_CLASS + k, b] = inline >> k & 1


@compiled
def branch(elements: Ints, blocks: Ints, sums: Ints, out: Floats) -> None:
    """Fill in units, links, share of the page's prose, and blocks of the owner and the elements around it."""
    total = sums[2, len(blocks)]
    for b in range(len(blocks)):
        element = blocks[b, B_OWNER]
        for level in range(LEVELS):
            first, last = elements[element, E_FIRST], elements[element, E_LAST]
            units, at = sums[0, last] - sums[0, first], AT_BRANCH + 4 * level
            out[at, b], out[at + 1, b] = units, ratio(sums[1, last] - sums[1, first], units)
            out[at + 2, b], out[at + 3, b] = ratio(sums[2, last] - sums[2, first], total), last - first
            element = max(0, elements[element, E_PARENT])


@compiled
def tops(elements: Ints, blocks: Ints, good: Ints, sums: Ints, out: Floats) -> None:
    """Fill in the place of each block relative to three guesses at the main container and one at the main run."""
    _from_top(elements, blocks, sums, _best_parent(elements, blocks, good, sums), AT_TOPS, out)
    _from_top(elements, blocks, sums, _deepest_with(elements, sums, 60), AT_TOPS + 3, out)
    _from_top(elements, blocks, sums, _deepest_with(elements, sums, 85), AT_TOPS + 6, out)
    first, last = _main_run(blocks, good)
    for b in range(len(blocks)):
        out[AT_TOPS + 9, b], out[AT_TOPS + 10, b] = max(0, first - b), max(0, b - last)
        out[AT_TOPS + 11, b] = ratio(sums[2, last + 1] - sums[2, first], sums[2, len(blocks)])


@compiled
def _best_parent(elements: Ints, blocks: Ints, good: Ints, sums: Ints) -> int:
    """Return the element with the most prose directly in it and its children; links count against it."""
    scores = np.zeros(len(elements), np.int64)
    for b in range(len(blocks)):
        if good[b]:
            element = blocks[b, B_OWNER]
            if elements[element, E_TAG] == TAG_P:
                element = elements[element, E_PARENT]
            scores[element] += good[b] * 4
            element = max(0, elements[element, E_PARENT])
            scores[element] += good[b] * 2
            scores[max(0, elements[element, E_PARENT])] += good[b]
    best, best_score = 0, 0
    for e in range(len(elements)):
        if scores[e] > best_score:
            first, last = elements[e, E_FIRST], elements[e, E_LAST]
            units = sums[0, last] - sums[0, first]
            score = scores[e] * (units - sums[1, last] + sums[1, first]) // max(units, 1)
            if score > best_score:
                best, best_score = e, score
    return best


@compiled
def _deepest_with(elements: Ints, sums: Ints, percent: int) -> int:
    """Return the deepest element with that percentage of the page's prose; the root if no element has it."""
    needed, best = sums[2, -1] * percent, 0
    if needed == 0:
        return 0
    for e in range(len(elements)):
        held = sums[2, elements[e, E_LAST]] - sums[2, elements[e, E_FIRST]]
        if held * 100 >= needed and elements[e, E_DEPTH] > elements[best, E_DEPTH]:
            best = e
    return best


@compiled
def _from_top(elements: Ints, blocks: Ints, sums: Ints, top: int, at: int, out: Floats) -> None:
    """Fill in the levels up to the nearest common ancestor with `top`, from there down to `top`, and its prose."""
    above = np.zeros(len(elements), np.bool_)
    element = top
    while element >= 0:
        above[element] = True
        element = elements[element, E_PARENT]
    common = np.zeros(len(elements), np.int64)
    for e in range(1, len(elements)):
        common[e] = e if above[e] else common[elements[e, E_PARENT]]
    for b in range(len(blocks)):
        owner = blocks[b, B_OWNER]
        shared = common[owner]
        out[at, b] = elements[owner, E_DEPTH] - elements[shared, E_DEPTH]
        out[at + 1, b] = elements[top, E_DEPTH] - elements[shared, E_DEPTH]
        held = sums[2, elements[top, E_LAST]] - sums[2, elements[top, E_FIRST]]
        out[at + 2, b] = ratio(held, sums[2, len(blocks)])


@compiled
def _main_run(blocks: Ints, good: Ints) -> tuple[int, int]:
    """Return first and last block of the run with the largest sum: prose adds to it, everything else subtracts."""
    best, total, start, first, last = 0, 0, 0, 0, 0
    for b in range(len(blocks)):
        total += good[b] if good[b] else -40 - blocks[b, B_LINK]
        if total <= 0:
            total, start = 0, b + 1
        elif total > best:
            best, first, last = total, start, b
    return first, last


@compiled
def shares(elements: Ints, blocks: Ints, sums: Ints, out: Floats) -> None:
    """Fill in the least share of prose among the ancestors of each group; 2 = no such ancestor."""
    share = np.full((len(elements), 4), 2, np.float32)
    total = sums[2, len(blocks)]
    for e in range(1, len(elements)):
        flags = elements[e, E_FLAGS]
        held = ratio(sums[2, elements[e, E_LAST]] - sums[2, elements[e, E_FIRST]], total)
        for k in range(4):
            share[e, k] = share[elements[e, E_PARENT], k]
        if elements[e, E_DEPTH] > 2:
            if flags & NEGATIVE_BITS:
                share[e, 0] = min(share[e, 0], held)
            if flags & COMMENT_BIT:
                share[e, 1] = min(share[e, 1], held)
            if flags & RELATED_BIT:
                share[e, 2] = min(share[e, 2], held)
            if flags & BODY_BIT:
                share[e, 3] = min(share[e, 3], held)
    for b in range(len(blocks)):
        for k in range(4):
            out[AT_TOPS + 12 + k, b] = share[blocks[b, B_OWNER], k]


@compiled
def headings(elements: Ints, blocks: Ints, sums: Ints, per_tag: Ints, out: Floats) -> None:
    """Fill in the place of each block relative to the page's first h1 and to the last heading before it."""
    first, seen = 0, False
    for b in range(len(blocks)):
        if first == 0 and elements[blocks[b, B_OWNER], E_TAG] == TAG_H1:
            first = blocks[b, B_OWNER]
    _from_top(elements, blocks, sums, first, AT_HEADINGS, out)
    last = -1
    for b in range(len(blocks)):
        seen |= blocks[b, B_OWNER] == first and first > 0
        at = AT_HEADINGS + 3
        out[at, b], out[at + 1, b] = seen, b - last if last >= 0 else 1000
        out[at + 2, b] = blocks[last, B_UNITS] if last >= 0 else 0
        if per_tag[elements[blocks[b, B_OWNER], E_TAG], 2] or (
            blocks[b, B_BOLD] == blocks[b, B_UNITS] and blocks[b, B_UNITS] < 120
        ):
            last = b
