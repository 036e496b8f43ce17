"""Documents of tokens, and where long ones are cut: never inside a run of byte-fallback pieces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tokenizer_training.shards.rows import CONTINUES, CUT, Ints, offsets_of

ByteValues = npt.NDArray[np.int16]
"""int16 [vocabulary]; the byte of a byte-fallback piece, -1 for other pieces."""


@dataclass(frozen=True)
class Documents:
    """Token sequences one after the other.

    Attributes:
        tokens: int32 [tokens]; each document ends with its EOS.
        offsets: int64 [documents + 1]; document d is ``tokens[offsets[d]:offsets[d + 1]]``.
        ids: uint8 [documents, 16].
    """

    tokens: npt.NDArray[np.int32]
    offsets: Ints
    ids: npt.NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Pieces:
    """Pieces: each is a document or a part of one.

    Attributes:
        documents: int64 [pieces]; position of the document in `Documents`.
        starts: int64 [pieces]; first token of the piece in `Documents.tokens`.
        lengths: int64 [pieces]; tokens of the piece, at most one row.
        flags: int8 [pieces]; see `Rows.doc_flags`.
    """

    documents: Ints
    starts: Ints
    lengths: Ints
    flags: npt.NDArray[np.int8]

    def take(self, chosen: Ints) -> Pieces:
        """Return the pieces at these positions, in this order."""
        return Pieces(self.documents[chosen], self.starts[chosen], self.lengths[chosen], self.flags[chosen])


def concatenate_pieces(parts: Sequence[Pieces]) -> Pieces:
    """Return the pieces of all parts one after the other."""
    none = np.zeros(0, dtype=np.int64)
    return Pieces(
        np.concatenate([none, *(part.documents for part in parts)]),
        np.concatenate([none, *(part.starts for part in parts)]),
        np.concatenate([none, *(part.lengths for part in parts)]),
        np.concatenate([none.astype(np.int8), *(part.flags for part in parts)]),
    )


def cut_documents(documents: Documents, order: Ints, row_len: int, byte_values: ByteValues) -> Pieces:
    """Cut documents longer than a row into pieces; each other document is one piece."""
    starts, lengths = documents.offsets[order], np.diff(documents.offsets)[order]
    long = np.flatnonzero(lengths > row_len)
    bounds = [
        _cut_bounds(documents.tokens, int(starts[d]), int(lengths[d]), row_len, byte_values) for d in long
    ]
    counts = np.ones(len(order), dtype=np.int64)
    counts[long] = [len(found) - 1 for found in bounds]
    first = offsets_of(counts)[:-1]
    piece_starts, piece_lengths = np.repeat(starts, counts), np.repeat(lengths, counts)
    flags = np.zeros(len(piece_starts), dtype=np.int8)
    for at, found in zip(first[long], bounds, strict=True):
        end = at + len(found) - 1
        piece_starts[at:end] = found[:-1]
        piece_lengths[at:end] = np.diff(found)
        flags[at + 1 : end] |= CONTINUES
        flags[at : end - 1] |= CUT
    return Pieces(np.repeat(order, counts), piece_starts, piece_lengths, flags)


def _cut_bounds(
    tokens: npt.NDArray[np.int32], start: int, length: int, row_len: int, byte_values: ByteValues
) -> list[int]:
    """Return the bounds of the pieces of one document: its start, the cuts, its end."""
    bounds, end = [start], start + length
    while end - bounds[-1] > row_len:
        bounds.append(cut_at(tokens, bounds[-1], bounds[-1] + row_len, byte_values))
    return [*bounds, end]


def cut_at(tokens: npt.NDArray[np.int32], start: int, limit: int, byte_values: ByteValues) -> int:
    """Return the last place in ``(start, limit]`` where a cut does not split a run of byte-fallback pieces.

    If one run fills the whole piece, it is the last place that does not split a UTF-8 character.
    """
    if not splits_run(tokens, limit, byte_values):
        return limit  # nearly always
    around = byte_values[tokens[start : limit + 1]]
    outside = np.flatnonzero((around[:-1] < 0) | (around[1:] < 0))
    if len(outside):
        return start + int(outside[-1]) + 1
    leading = np.flatnonzero((around[1:] & 0xC0) != 0x80)
    return start + int(leading[-1]) + 1 if len(leading) else limit


def splits_run(tokens: npt.NDArray[np.int32], place: int, byte_values: ByteValues) -> bool:
    """Return True if a cut before the token at a place has byte-fallback pieces on both sides."""
    return bool(byte_values[tokens[place - 1]] >= 0 and byte_values[tokens[place]] >= 0)
