"""Packed rows as numpy arrays, for the packer, the shards and the loader. Numpy only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

CONTINUES = 1
"""Flag of an entry that continues a document which starts elsewhere."""
CUT = 2
"""Flag of an entry that ends before its document does, and so has no EOS."""
ID_BYTES = 16

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Rows:
    """Rows of equal length; an entry is a document, or one piece of a document longer than a row.

    Attributes:
        input_ids: int32 [rows, row_len]; the entries of a row one after the other, then padding.
        entries: int64 [rows + 1]; row r holds entries ``entries[r]`` up to ``entries[r + 1]``.
        doc_lens: int32 [entries]; tokens of each entry, its EOS included. Padding is not an entry.
        doc_flags: int8 [entries]; sum of `CONTINUES` and `CUT`, 0 for a whole document.
        doc_ids: uint8 [entries, 16]; the document's id.
        n_pad: int32 [rows]; padding tokens at the end of the row.
    """

    input_ids: npt.NDArray[np.int32]
    entries: Ints
    doc_lens: npt.NDArray[np.int32]
    doc_flags: npt.NDArray[np.int8]
    doc_ids: npt.NDArray[np.uint8]
    n_pad: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.n_pad)

    @property
    def row_len(self) -> int:
        """Return the tokens of one row."""
        return int(self.input_ids.shape[1])

    def slice(self, begin: int, end: int) -> Rows:
        """Return neighbouring rows as views."""
        entries = self.entries[begin : end + 1]
        first, last = int(entries[0]), int(entries[-1])
        return Rows(
            self.input_ids[begin:end],
            entries - first,
            self.doc_lens[first:last],
            self.doc_flags[first:last],
            self.doc_ids[first:last],
            self.n_pad[begin:end],
        )

    def take(self, rows: Ints) -> Rows:
        """Return the rows at these positions, in this order."""
        entries, chosen = ragged_take(self.entries, rows)
        return Rows(
            self.input_ids[rows],
            entries,
            self.doc_lens[chosen],
            self.doc_flags[chosen],
            self.doc_ids[chosen],
            self.n_pad[rows],
        )


def concatenate(parts: Sequence[Rows]) -> Rows:
    """Return the rows of all parts one after the other; they have the same row length."""
    if len(parts) == 1:
        return parts[0]
    counts = np.concatenate([np.diff(part.entries) for part in parts])
    return Rows(
        np.concatenate([part.input_ids for part in parts]),
        offsets_of(counts),
        np.concatenate([part.doc_lens for part in parts]),
        np.concatenate([part.doc_flags for part in parts]),
        np.concatenate([part.doc_ids for part in parts]),
        np.concatenate([part.n_pad for part in parts]),
    )


def gather(parts: Iterable[Rows], order: Ints, row_len: int) -> Rows:
    """Return the rows of all parts in another order; each part is needed only until the next one is read.

    Tokens are copied straight to their places, so they are in memory only once.

    Args:
        parts: at least one row together.
        order: int64 [rows]; which row comes first, second, ..., counted through the parts.
        row_len: tokens of one row.
    """
    places = np.empty_like(order)
    places[order] = np.arange(len(order))
    input_ids = np.empty((len(order), row_len), dtype=np.int32)
    others, first = [], 0
    for rows in parts:
        input_ids[places[first : first + len(rows)]] = rows.input_ids
        others.append(replace(rows, input_ids=np.empty((len(rows), 0), dtype=np.int32)))
        first += len(rows)
    return replace(concatenate(others).take(order), input_ids=input_ids)


def offsets_of(counts: npt.ArrayLike) -> Ints:
    """Return where each of consecutive runs starts, and the end of the last.

    >>> offsets_of([2, 0, 3]).tolist()
    [0, 2, 2, 5]
    """
    counts = np.asarray(counts, dtype=np.int64)
    offsets = np.zeros(len(counts) + 1, dtype=np.int64)
    np.cumsum(counts, out=offsets[1:])
    return offsets


def ragged_take(offsets: Ints, chosen: Ints) -> tuple[Ints, Ints]:
    """Choose some of consecutive runs.

    Args:
        offsets: int64 [runs + 1]; run r is ``offsets[r]`` up to ``offsets[r + 1]``.
        chosen: int64 [chosen]; positions of the wanted runs, in the wanted order.

    Returns:
        The offsets of the chosen runs, and the old position of each of their items.

    >>> offsets, items = ragged_take(np.array([0, 2, 2, 5]), np.array([2, 0]))
    >>> offsets.tolist(), items.tolist()
    ([0, 3, 5], [2, 3, 4, 0, 1])
    """
    starts = offsets[:-1][chosen]
    counts = offsets[1:][chosen] - starts
    new = offsets_of(counts)
    return new, np.arange(new[-1]) + np.repeat(starts - new[:-1], counts)
