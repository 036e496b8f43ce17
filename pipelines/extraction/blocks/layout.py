"""Chosen blocks to readable text: a blank line between paragraphs, a line per item and row, bars between cells.

Headings, captions and code are paragraphs too; a list item begins with ``- ``; cells of a row are joined by `` | ``. A
table whose cells have several blocks is layout and not treated as a table. Code keeps its spaces and lines.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from filters.compiled import compiled
from pipelines.extraction.blocks.columns import (
    B_END,
    B_OWNER,
    B_START,
    E_FIRST,
    E_LAST,
    E_PARENT,
    E_TAG,
    Ints,
    Scan,
)
from pipelines.extraction.blocks.vocabulary import listed, number

_LI, _TD, _TH, _TR, _TABLE, _DD = map(number, listed("li td th tr table dd"))
_CONTEXT: Final = 4
_ITEM, _CELL, _ROW, _IN_TABLE = range(_CONTEXT)
PARAGRAPH, LINE, CELL = b"\n\n", b"\n", b" | "
_JOINTS: Final = (b"", PARAGRAPH, LINE, CELL, PARAGRAPH + b"- ", LINE + b"- ", b"- ")


def lay_out(scan: Scan, keep: NDArray[np.bool_]) -> str:
    """Return the text of the blocks to keep."""
    data = scan.text.tobytes()
    chosen = scan.blocks[keep]
    joints = _joints(scan.elements, chosen)
    pieces = [
        _JOINTS[joint] + data[start:end]
        for joint, (start, end) in zip(joints.tolist(), chosen[:, (B_START, B_END)].tolist(), strict=True)
    ]
    return b"".join(pieces).decode("utf-8", "replace")


@compiled
def _joints(elements: Ints, chosen: Ints) -> Ints:
    """Return for each chosen block the index in `_JOINTS` of the text before it."""
    context = _contexts(elements)
    joints = np.zeros(len(chosen), np.int64)
    item = 0
    for at in range(len(chosen)):
        here = context[chosen[at, B_OWNER]]
        begins_item = here[_ITEM] > 0 and here[_ITEM] != item
        if at == 0:
            joints[at] = 6 if begins_item else 0
        else:
            before = context[chosen[at - 1, B_OWNER]]
            if here[_ROW] > 0 and here[_ROW] == before[_ROW] and here[_CELL] != before[_CELL]:
                joints[at] = 3
            elif here[_IN_TABLE] > 0 and here[_IN_TABLE] == before[_IN_TABLE]:
                joints[at] = 2
            elif begins_item:
                joints[at] = 5 if before[_ITEM] > 0 else 4
            else:
                tag = elements[chosen[at, B_OWNER], E_TAG]
                joints[at] = 2 if tag == _DD else 1
        item = here[_ITEM] if begins_item or here[_ITEM] == 0 else item
    return joints


@compiled
def _contexts(elements: Ints) -> Ints:
    """Return the innermost item, cell, row and table around each element, layout tables aside; 0 = not in one."""
    context = np.zeros((len(elements), _CONTEXT), np.int64)
    for e in range(1, len(elements)):
        tag = elements[e, E_TAG]
        context[e] = context[elements[e, E_PARENT]]
        if tag == _TABLE:
            context[e] = 0
            context[e, _IN_TABLE] = e
        elif tag == _TR:
            context[e, _ROW] = e
        elif tag in (_TD, _TH):
            if elements[e, E_LAST] - elements[e, E_FIRST] > 1:
                context[e] = 0
            else:
                context[e, _CELL] = e
        elif tag == _LI:
            context[e, _ITEM] = e
    return context
