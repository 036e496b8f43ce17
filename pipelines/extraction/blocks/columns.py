"""The arrays of a page: columns of elements and blocks, modes, state of the scan."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]
Hashes = NDArray[np.uint64]

# Columns of elements.
E_TAG, E_PARENT, E_FIRST, E_LAST, E_END, E_FLAGS, E_SIGNATURE, E_DEPTH = range(8)
# Columns of blocks. Sums are in units; B_LAST and B_INITIAL are character classes.
(
    B_OWNER, B_START, B_END, B_UNITS, B_WORDS, B_LINK, B_LINKS, B_DIGITS, B_UPPER, B_COMMAS, B_TERMINALS, B_LAST,
    B_INITIAL, B_BOLD, B_FLAGS, B_MODES, B_IMAGES, B_CONTROLS, B_LINES, B_SHORT, B_MARKS, B_HASH, B_WIDE,
    B_ONSET, B_CODE,
) = BLOCK_COLUMNS = range(25)  # fmt: skip

# Modes, as bits: they hold for everything inside an element.
M_SKIP, M_LINK, M_PRE, M_BOLD, M_TITLE, M_CODE = 1, 2, 4, 8, 16, 32

# State of the scan: stack pointer, end of text, complete blocks, elements, 1 if a space is due, line breaks in a row,
# letters of the open word, 1 if it is lower case so far, start and end of the title.
S_TOP, S_TEXT, S_BLOCKS, S_ELEMENTS, S_SPACE, S_BREAKS, S_WORD, S_SMALL, S_TITLE, S_TITLE_END = range(10)


class Arrays(NamedTuple):
    """The arrays that a scan works on, as one argument of its functions.

    Attributes:
        elements: int64 [elements, 8]; see `Scan`.
        blocks: int64 [blocks, 25]; the last one is still open.
        text: uint8, the blocks' text in UTF-8.
        state: int64 [10], the ``S_`` numbers.
        stack: int64 [depth, 4], of each open element: its block-level element, its modes, the groups of the inline
            elements around it, and 1 if it is block-level itself.
        hashes: uint64 [depth], hash of the name of each open element.
        seen: uint64 [values, 2], hash and groups of attribute values seen before.
    """

    elements: Ints
    blocks: Ints
    text: Bytes
    state: Ints
    stack: Ints
    hashes: Hashes
    seen: Hashes


class Scan(NamedTuple):
    """A page in arrays.

    Attributes:
        elements: int64 [elements, 8], block-level elements in document order; the first is the root.
        blocks: int64 [blocks, 25], in document order.
        text: uint8, the blocks' text in UTF-8.
        title: first and last byte of the title in `text`.
    """

    elements: Ints
    blocks: Ints
    text: Bytes
    title: tuple[int, int]
