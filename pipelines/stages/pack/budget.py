"""Applies a token budget: it keeps the rows with the smallest keys, a sample of the corpus, and counts the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from pipelines.stages.pack.shards import KEYS
from pipelines.store.tables import batches

_BIN_BITS: Final = 16
_BATCH_ROWS: Final = 1 << 16
_Keys = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class CutOff:
    """Where a budget ends.

    Attributes:
        end: rows with this key or a larger one are left out.
        rows: rows left out.
        tokens: tokens in them, EOS included, padding not.
    """

    end: int
    rows: int
    tokens: int


def cut_off(paths: Sequence[str], rows: int, row_len: int) -> CutOff:
    """Find the key below which at most `rows` keys lie; rows with equal keys are kept or left out together.

    Reads the keys twice and holds those of one bin in 65,536.

    Args:
        paths: rows files.
        rows: most rows to keep.
        row_len: tokens of one row.
    """
    counts = np.zeros(1 << _BIN_BITS, dtype=np.int64)
    for keys, _ in _read(paths):
        counts += np.bincount(_bins(keys), minlength=len(counts))
    if counts.sum() <= rows:
        return CutOff(KEYS, 0, 0)
    before = np.cumsum(counts) - counts
    last = int(np.searchsorted(before, rows, side="right")) - 1
    within = np.concatenate([keys[_bins(keys) == last] for keys, _ in _read(paths)])
    end = int(np.sort(within)[rows - before[last]])
    beyond = [row_len - n_pad[keys >= np.uint64(end)].astype(np.int64) for keys, n_pad in _read(paths)]
    return CutOff(end, sum(map(len, beyond)), sum(int(part.sum()) for part in beyond))


def _bins(keys: _Keys) -> npt.NDArray[np.int64]:
    return (keys >> np.uint64(64 - _BIN_BITS)).astype(np.int64)


def _read(paths: Sequence[str]) -> Iterator[tuple[_Keys, npt.NDArray[np.int32]]]:
    """Yield keys and padding of rows, a batch at a time."""
    for path in paths:
        for batch in batches(path, ["row_key", "n_pad"], _BATCH_ROWS):
            yield batch["row_key"].to_numpy(), batch["n_pad"].to_numpy()
