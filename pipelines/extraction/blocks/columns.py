"""How a page is laid out in arrays: columns of elements and blocks, modes, the state of the scan."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]

# Columns of elements.
E_TAG, E_PARENT, E_FIRST, E_LAST, E_END, E_FLAGS, E_SIGNATURE, E_DEPTH = range(8)
# Columns of blocks. Sums are in units; B_LAST and B_INITIAL are character classes.
(
    B_OWNER, B_START, B_END, B_UNITS, B_WORDS, B_LINK, B_LINKS, B_DIGITS, B_UPPER, B_COMMAS, B_TERMINALS, B_LAST,
    B_INITIAL, B_BOLD, B_FLAGS, B_MODES, B_IMAGES, B_CONTROLS, B_LINES, B_SHORT, B_MARKS, B_HASH, B_WIDE,
    B_ONSET, B_CODE,
) = BLOCK_COLUMNS = range(25)  # fmt: skip

# What is true of everything inside an element.
M_SKIP, M_LINK, M_PRE, M_BOLD, M_TITLE, M_CODE = 1, 2, 4, 8, 16, 32

# State of the scan: stack pointer, end of text, complete blocks, elements, a space is due, breaks in a row,
# letters of the word under way, whether it is lower case so far, start and end of the title.
S_TOP, S_TEXT, S_BLOCKS, S_ELEMENTS, S_SPACE, S_BREAKS, S_WORD, S_SMALL, S_TITLE, S_TITLE_END = range(10)


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
