"""Attributes of a start tag: the meaning of their words, hidden elements, and a hash by which tags are alike."""

from __future__ import annotations

from typing import Final

import numpy as np

from filters.compiled import inlined
from pipelines.extraction.blocks.columns import Bytes, Hashes, Ints
from pipelines.extraction.blocks.vocabulary import UNSEEN_BIT, Tables

FNV_BASIS: Final = np.uint64(0xCBF29CE484222325)
FNV_PRIME: Final = np.uint64(0x100000001B3)
_LONG_WORD: Final = 32
_HIDES: Final = np.frombuffer(b"y:none", np.uint8) | np.uint8(0x20)


@inlined
def read_attributes(
    data: Bytes, at: int, tables: Tables, seen: Hashes, hashed: np.uint64
) -> tuple[int, int, np.uint64]:
    """Read the attributes of a tag; return its end, its groups, and a hash of its name and class."""
    size, flags, signature = len(data), 0, hashed
    while at < size and data[at] != ord(">"):
        at += 1
        start = at
        while at < size and data[at] != ord("=") and data[at] != ord(">"):
            at += 1
        if at + 1 >= size or data[at] == ord(">"):
            break
        length, first = at - start, data[start]
        at += 2
        begin = at
        while at < size and data[at] != ord('"'):
            at += 1
        if first == ord("c") and length == 5 and data[start + 1] == ord("l"):
            flags |= groups(data, begin, at, tables, seen)
            signature = _mix(data, begin, at, signature)
        elif (
            (first == ord("i") and (length == 2 or (length == 8 and data[start + 4] == ord("p"))))
            or (first == ord("r") and length == 4 and data[start + 1] == ord("o"))
            or (first == ord("d") and length > 4 and at - begin <= _LONG_WORD and data[start + 4] == ord("-"))
        ):
            flags |= groups(data, begin, at, tables, seen)
        elif (first == ord("h") and length == 6 and data[start + 1] == ord("i")) or (
            first == ord("s") and length == 5 and data[start + 1] == ord("t") and _hides(data, begin, at)
        ):
            flags |= 1 << UNSEEN_BIT
        at += 1
    return at + 1, flags, signature


@inlined
def _hides(data: Bytes, at: int, end: int) -> bool:
    """Return True if a style has ``display: none``; it looks for the letters ``y:none``, spaces aside."""
    matched = 0
    for place in range(at, end):
        letter = data[place] | 0x20
        if letter == 0x20:
            continue
        if letter == _HIDES[matched]:
            matched += 1
            if matched == len(_HIDES):
                return True
        else:
            matched = 1 if letter == _HIDES[0] else 0
    return False


@inlined
def _mix(data: Bytes, at: int, end: int, signature: np.uint64) -> np.uint64:
    """Hash a class value without its digits, which often number equal elements."""
    for place in range(at, end):
        if data[place] < ord("0") or data[place] > ord("9"):
            signature = (signature ^ np.uint64(data[place])) * FNV_PRIME
    return signature


@inlined
def groups(data: Bytes, at: int, end: int, tables: Tables, seen: Hashes) -> int:
    """Return the bits of the groups of the words in an attribute's value; remember them in `seen`."""
    hashed = FNV_BASIS
    for place in range(at, end):
        hashed = (hashed ^ np.uint64(data[place])) * FNV_PRIME
    slot = hashed & np.uint64(len(seen) - 1)
    if seen[slot, 0] == hashed:
        return np.int64(seen[slot, 1])  # type: ignore[return-value]  # an int in compiled code
    flags = _groups_of_words(data, at, end, tables)
    seen[slot, 0], seen[slot, 1] = hashed, np.uint64(flags)
    return flags


@inlined
def _groups_of_words(data: Bytes, at: int, end: int, tables: Tables) -> int:
    flags = 0
    while at < end:
        while at < end and not _is_letter(data[at]):
            at += 1
        stop = at
        while (
            stop < end
            and _is_letter(data[stop])
            and (stop == at or data[stop] >= ord("a") or data[stop - 1] < ord("a"))
        ):
            stop += 1
        if stop - at <= _LONG_WORD:
            flags |= _groups_of_word(data, at, stop, tables)
        at = stop
    return flags


@inlined
def _groups_of_word(data: Bytes, at: int, stop: int, tables: Tables) -> int:
    """Return the groups of the known words in a word, longest first, from left to right.

    A part must have five letters or more, or be the end of the word.
    """
    flags, start = 0, at
    while stop - start >= 2:
        hashed, longest, bits = FNV_BASIS, 0, 0
        for place in range(start, stop):
            hashed = (hashed ^ np.uint64(data[place] | 0x20)) * FNV_PRIME
            if place + 1 - start >= 5 or (place + 1 == stop and (start == at or stop - start >= 3)):
                found = look_up(tables.word_hashes, tables.word_values, hashed)
                if found:
                    longest, bits = place + 1 - start, found
        flags |= bits
        start += max(1, longest)
    return flags


@inlined
def _is_letter(byte: int) -> bool:
    lower = byte | 0x20
    return ord("a") <= lower <= ord("z")


@inlined
def look_up(keys: Hashes, values: Ints, hashed: np.uint64) -> int:
    """Return the value of a key in an open-addressing table; 0 = the key is not there."""
    mask = np.uint64(len(keys) - 1)
    slot = hashed & mask
    while keys[slot] != 0:
        if keys[slot] == hashed:
            return int(values[slot])
        slot = (slot + np.uint64(1)) & mask
    return 0
