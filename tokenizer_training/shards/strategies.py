"""The strategies of packing: which row a piece of a document goes into.

==================  ============================================================================================
best_fit            Best-fit-decreasing: cuts only documents longer than a row (7.8 % of web documents at
                    L = 2,048), and pads 0.02 % (Ding et al. 2024, "Fewer Truncations Improve Language Modeling")
concat              One document after the other, cut where a row is full: a third of them at L = 2,048. The way of
                    GPT-2 and most later models; for comparison with them
one_document_per_row  Every document starts a row: needs no masks, but 60 to 90 % of web rows is padding
==================  ============================================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from tokenizer_training.shards.cutting import ByteValues, Documents, Pieces, cut_at, cut_documents, splits_run
from tokenizer_training.shards.rows import CONTINUES, CUT, Ints

Strategy = Callable[[Documents, Ints, int, ByteValues], tuple[Pieces, Ints]]
"""(documents, their order, row_len, byte values) -> pieces, and the row of each, int64 [pieces], from 0."""


def best_fit(documents: Documents, order: Ints, row_len: int, byte_values: ByteValues) -> tuple[Pieces, Ints]:
    """Cut documents longer than a row, and place all pieces with `best_fit_decreasing`."""
    pieces = cut_documents(documents, order, row_len, byte_values)
    return pieces, best_fit_decreasing(pieces.lengths, row_len)


def one_document_per_row(
    documents: Documents, order: Ints, row_len: int, byte_values: ByteValues
) -> tuple[Pieces, Ints]:
    """Cut documents longer than a row, and give every piece a row of its own."""
    pieces = cut_documents(documents, order, row_len, byte_values)
    return pieces, np.arange(len(pieces.lengths))


def concat(documents: Documents, order: Ints, row_len: int, byte_values: ByteValues) -> tuple[Pieces, Ints]:
    """Fill row after row; a document that does not fit continues in the next row.

    A cut that would split a run of byte-fallback pieces moves back to the start of the run, and the row is padded.
    """
    found: list[tuple[int, int, int, int, int]] = []
    row, room = 0, row_len
    bounds = zip(documents.offsets[order].tolist(), documents.offsets[order + 1].tolist(), strict=True)
    for document, (start, end) in zip(order.tolist(), bounds, strict=True):
        at = start
        while end - at > room:
            cut = cut_at(documents.tokens, at, at + room, byte_values) if room else at
            if room < row_len and cut > at and splits_run(documents.tokens, cut, byte_values):
                cut = at  # a new row has room for the run, or for more of it
            if cut > at:
                found.append((document, at, cut - at, CUT | (CONTINUES if at > start else 0), row))
            at, row, room = cut, row + 1, row_len
        found.append((document, at, end - at, CONTINUES if at > start else 0, row))
        room -= end - at
    documents_of, starts, lengths, flags, rows = np.array(found, dtype=np.int64).reshape(-1, 5).T
    return Pieces(documents_of, starts, lengths, flags.astype(np.int8)), rows


STRATEGIES: Mapping[str, Strategy] = {
    strategy.__name__: strategy for strategy in (best_fit, concat, one_document_per_row)
}


def best_fit_decreasing(lengths: Ints, row_len: int) -> Ints:
    """Place pieces into rows: the longest first, each into the row where it leaves the least space.

    Rows are stored by their number of free tokens, and the bits of one integer say which numbers occur. So finding the
    best row takes two operations on that integer: 1 to 2 microseconds per piece.

    Args:
        lengths: int64 [pieces], each 1 to `row_len`.
        row_len: tokens of one row.

    Returns:
        int64 [pieces]; the row of each piece, counted from 0.
    """
    rows = np.empty(len(lengths), dtype=np.int64)
    free: list[list[int]] = [[] for _ in range(row_len + 1)]
    occurs, count = 0, 0
    by_length = np.argsort(-lengths, kind="stable")
    for piece, length in zip(by_length.tolist(), lengths[by_length].tolist(), strict=True):
        fitting = occurs >> length
        if fitting:
            space = length + (fitting & -fitting).bit_length() - 1
            row = free[space].pop()
            if not free[space]:
                occurs ^= 1 << space
        else:
            space, row = row_len, count
            count += 1
        rows[piece] = row
        if space > length:
            free[space - length].append(row)
            occurs |= 1 << (space - length)
    return rows
