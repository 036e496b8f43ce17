"""Exact similarity of pairs whose estimate is too close to the limit: texts are read again, by reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow.parquet as pq

from filters.dedup.shingles import Hashes, jaccard
from filters.dedup.walk import Floats, Ints
from pipelines.stages.dedup_candidates import documents, ordinals, rows_of
from pipelines.stages.dedup_signatures import shingle_set

# Pairs settled at a time: bounds the shingle sets in memory, about 8 kB each for a page of 1,000 words.
CHUNK: Final = 1 << 14


def settle(pairs: Hashes, texts: Sequence[str]) -> Floats:
    """Return the exact Jaccard similarities [n] of pairs of documents.

    Args:
        pairs: uint64 [n, 2].
        texts: paths of the parts of ``filtered/``, by ordinal.
    """
    found = np.empty(len(pairs))
    for start in range(0, len(pairs), CHUNK):
        chunk = pairs[start : start + CHUNK]
        sets = shingle_sets(np.unique(chunk), texts)
        found[start : start + CHUNK] = [jaccard(sets[a], sets[b]) for a, b in chunk.tolist()]
    return found


def shingle_sets(docs: Hashes, texts: Sequence[str]) -> dict[int, Hashes]:
    """Return the shingles of documents; `docs` ascending."""
    units = ordinals(docs)
    sets: dict[int, Hashes] = {}
    for ordinal in np.unique(units).tolist():
        rows = rows_of(docs[units == ordinal])
        keys = documents(ordinal, rows).tolist()
        sets.update(zip(keys, _read_sets(texts[ordinal], rows), strict=True))
    return sets


def _read_sets(path: str, rows: Ints) -> list[Hashes]:
    """Return the shingles of rows of a part, ascending; only the row groups that hold one are read."""
    sets: list[Hashes] = []
    with pq.ParquetFile(path, page_checksum_verification=True) as part:
        sizes = [part.metadata.row_group(group).num_rows for group in range(part.num_row_groups)]
        ends = np.cumsum(sizes)
        groups = np.searchsorted(ends, rows, side="right")
        for group in np.unique(groups).tolist():
            table = part.read_row_group(group, columns=["text", "language"], use_threads=False)
            wanted = table.take(rows[groups == group] - (ends[group] - sizes[group])).to_pylist()
            sets += [shingle_set(row["text"], row["language"]) for row in wanted]
    return sets
