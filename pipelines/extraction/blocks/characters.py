"""Text nodes to the text of blocks: white space collapsed, references decoded, characters counted by class."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from filters.compiled import inlined
from pipelines.extraction.blocks.columns import (
    B_BOLD,
    B_CODE,
    B_COMMAS,
    B_DIGITS,
    B_END,
    B_FLAGS,
    B_HASH,
    B_INITIAL,
    B_LAST,
    B_LINES,
    B_LINK,
    B_MARKS,
    B_MODES,
    B_ONSET,
    B_OWNER,
    B_SHORT,
    B_START,
    B_TERMINALS,
    B_UNITS,
    B_UPPER,
    B_WIDE,
    B_WORDS,
    M_BOLD,
    M_LINK,
    M_PRE,
    M_SKIP,
    S_BLOCKS,
    S_BREAKS,
    S_SMALL,
    S_SPACE,
    S_TEXT,
    S_TITLE,
    S_TITLE_END,
    S_TOP,
    S_WORD,
    Arrays,
    Bytes,
    Ints,
)
from pipelines.extraction.blocks.vocabulary import (
    CLOSING,
    COMMA,
    DIGIT,
    LOWER,
    MARK,
    SPACE,
    TERMINAL,
    UPPER,
    WIDE,
)

_SHORT_WORD: Final = 3


@inlined
def break_line(arrays: Arrays) -> None:
    """A line break; the second of two in a row ends the block."""
    blocks, state = arrays.blocks, arrays.state
    if arrays.stack[state[S_TOP], 1] & M_SKIP:
        return
    block, at = state[S_BLOCKS], state[S_TEXT]
    state[S_BREAKS] += 1
    if blocks[block, B_UNITS] == 0:
        return
    if state[S_BREAKS] >= 2:
        close_block(arrays)
        return
    _end_word(arrays)
    arrays.text[at] = ord("\n")
    state[S_TEXT] = at + 1
    state[S_SPACE] = 0
    blocks[block, B_LINES] += 1


@inlined
def _end_word(arrays: Arrays) -> None:
    """Count the open word, if there is one."""
    blocks, state = arrays.blocks, arrays.state
    if state[S_WORD]:
        block = state[S_BLOCKS]
        blocks[block, B_WORDS] += 1
        blocks[block, B_SHORT] += state[S_SMALL] and state[S_WORD] <= _SHORT_WORD
        state[S_WORD] = 0


@inlined
def close_block(arrays: Arrays) -> None:
    """End the open block; a block without text hands its images, links and controls on to the next one."""
    blocks, text, state = arrays.blocks, arrays.text, arrays.state
    block = state[S_BLOCKS]
    state[S_BREAKS], state[S_SPACE] = 0, 0
    if blocks[block, B_UNITS] == 0:
        if blocks[block, B_ONSET]:  # only white space, from another element
            state[S_TEXT], blocks[block, B_ONSET] = blocks[block, B_START], 0
        return
    _end_word(arrays)
    end = state[S_TEXT]
    while text[end - 1] == ord("\n") or text[end - 1] == ord(" "):
        end -= 1
    state[S_TEXT] = end
    blocks[block, B_END] = end
    state[S_BLOCKS] = block + 1
    blocks[block + 1] = 0


@inlined
def add_title(data: Bytes, at: int, end: int, arrays: Arrays) -> None:
    """Keep the first title unchanged: it is only compared with headings."""
    text, state = arrays.text, arrays.state
    if state[S_TITLE_END]:
        return
    state[S_TITLE] = state[S_TEXT]
    for place in range(at, end):
        text[state[S_TEXT]] = data[place]
        state[S_TEXT] += 1
    state[S_TITLE_END] = state[S_TEXT]


@inlined
def add_text(  # noqa: C901, PLR0912, PLR0915 - one loop over registers: split up, it takes 40 % longer
    data: Bytes, at: int, end: int, characters: Bytes, arrays: Arrays
) -> None:
    """Append a text node to the open block."""
    blocks, text, state, stack = arrays.blocks, arrays.text, arrays.state, arrays.stack
    top, modes = state[S_TOP], stack[state[S_TOP], 1]
    row, out, due = blocks[state[S_BLOCKS]], state[S_TEXT], state[S_SPACE]
    if row[B_ONSET] == 0:
        row[B_ONSET], row[B_START], row[B_OWNER], row[B_HASH] = 1, out, stack[top, 0], 0
    before = units = row[B_UNITS]  # counts of characters stay in registers until the end
    words, short, lines = row[B_WORDS], row[B_SHORT], row[B_LINES]
    wide, digits, upper, commas, terminals, marks, codes = 0, 0, 0, 0, 0, 0, 0
    hashed, last, initial = row[B_HASH], row[B_LAST], row[B_INITIAL]
    word, small = state[S_WORD], state[S_SMALL]
    while at < end:
        at, code, width, kind = _read(data, at, end, characters)
        if code == 0xA0 or kind == SPACE:
            if modes & M_PRE and (units or code != 10):
                text[out] = ord(" ") if code == 0xA0 else code
                out += 1
                lines += code == 10
            else:
                due = 1
            if word:
                words += 1
                short += small and word <= _SHORT_WORD
                word = 0
            continue
        if due and units and text[out - 1] != ord("\n"):
            text[out] = ord(" ")
            out += 1
        due = 0
        if width == 1:
            text[out] = code
        else:
            for offset in range(width):
                text[out + offset] = data[at - width + offset]
        out += width
        units += 2 if kind == WIDE else 1
        hashed = (hashed ^ code) * 1099511628211
        initial = kind if units <= 2 else initial
        if kind != CLOSING:
            last = kind
        small = (small | (word == 0)) & (kind == LOWER)
        word += 1
        if kind != LOWER:
            wide += kind == WIDE
            digits += kind == DIGIT
            upper += kind == UPPER
            commas += kind == COMMA
            terminals += kind == TERMINAL
            marks += kind == MARK
            codes += code in (0x3C, 0x3D, 0x3E, 0x5F, 0x7B, 0x7D)  # < = > _ { }
    state[S_TEXT], state[S_SPACE], state[S_WORD], state[S_SMALL] = out, due, word, small
    row[B_UNITS], row[B_HASH], row[B_LAST], row[B_INITIAL] = units, hashed, last, initial
    row[B_WORDS], row[B_SHORT], row[B_LINES] = words, short, lines
    if units > before:
        state[S_BREAKS] = 0
        kinds = (wide, digits, upper, commas, terminals, marks, codes)
        _add_characters(row, modes, stack[top, 2], units - before, kinds)


@inlined
def _add_characters(
    row: Ints, modes: int, flags: int, units: int, kinds: tuple[int, int, int, int, int, int, int]
) -> None:
    """Add the counts of a text node to its block: characters by class, and its modes and flags."""
    wide, digits, upper, commas, terminals, marks, codes = kinds
    row[B_WIDE] += wide
    row[B_DIGITS] += digits
    row[B_UPPER] += upper
    row[B_COMMAS] += commas
    row[B_TERMINALS] += terminals
    row[B_MARKS] += marks
    row[B_CODE] += codes
    row[B_LINK] += units if modes & M_LINK else 0
    row[B_BOLD] += units if modes & M_BOLD else 0
    row[B_FLAGS] |= flags
    row[B_MODES] |= modes


@inlined
def _read(data: Bytes, at: int, end: int, characters: Bytes) -> tuple[int, Any, int, Any]:
    """Read a character or reference; return the place after it, code point, bytes (1 if decoded) and class."""
    byte = np.int64(data[at])
    if byte < 0x80 and byte != ord("&"):
        return at + 1, byte, 1, np.int64(characters[byte])
    at, code, width = _character(data, at, end)
    return at, code, width, np.int64(characters[code]) if code < 0x80 else _kind_of(code)


@inlined
def _character(data: Bytes, at: int, end: int) -> tuple[int, Any, int]:
    """Read a character or reference; return the place after it, code point and bytes (1 if decoded)."""
    byte = data[at]
    if byte == ord("&") and at + 3 < end:
        second = data[at + 1]
        if second == ord("a"):
            return at + 5, ord("&"), 1
        if second == ord("n"):
            return at + 6, 0xA0, 1
        if second == ord("l"):
            return at + 4, ord("<"), 1
        if second == ord("g"):
            return at + 4, ord(">"), 1
        return at + 6, ord('"'), 1
    if byte < 0x80:
        return at + 1, np.int64(byte), 1
    width = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
    code = np.int64(byte) & (0x7F >> width)
    for offset in range(1, width):
        code = code << 6 | np.int64(data[at + offset]) & 0x3F
    return at + width, code, width


@inlined
def _kind_of(code: int) -> int:
    """Return the class of a character beyond ASCII."""
    if code in (0x2018, 0x2019, 0x201C, 0x201D, 0xBB, 0xAB, 0x300D, 0x300F, 0xFF09, 0x203A):
        return CLOSING
    if code in (0x3002, 0xFF01, 0xFF1F, 0x2026, 0x61F, 0x6D4, 0x964, 0x965, 0x589, 0x1362, 0x17D4, 0x104B):
        return TERMINAL
    if code in (0x3001, 0xFF0C, 0x60C, 0xFF1B, 0x61B):
        return COMMA
    if 0x3040 <= code <= 0x30FF or 0x3400 <= code <= 0x9FFF or 0xAC00 <= code <= 0xD7A3 or code >= 0x20000:
        return WIDE
    if 0xA1 <= code <= 0xBF or 0x2000 <= code <= 0x2BFF or 0x3000 <= code <= 0x303F or code == 0xD7:
        return MARK
    return LOWER
