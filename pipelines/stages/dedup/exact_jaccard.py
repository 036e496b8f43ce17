"""Exact comparison of the pairs whose estimated similarity is too close to the limit: their texts are read again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from filters.dedup.scheme import Scheme
from filters.dedup.shingles import Shingling, as_set, jaccard, shared_count, windows
from filters.dedup.walk import Floats, Ints
from filters.hashing import Hashes
from pipelines.stages.dedup.records import documents, ordinals, rows_of
from pipelines.stages.dedup.search import Search
from pipelines.store.tables import row_tables

CONTAINED: Final = Shingling("word", 3)
"""Shingles of a removed text that its keeper must have all: the 3-grams of words that marin's verification takes."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """How two texts are compared.

    Attributes:
        scheme: its shingles are compared.
        containment: the earlier text must also contain every 3-gram of words of the later one.
    """

    scheme: Scheme
    containment: bool

    def cut(self, text: str) -> tuple[Hashes, ...]:
        """Return what `compare` needs of a text."""
        shingles = self.scheme.shingles(text)
        return (shingles, as_set(windows(text, CONTAINED))) if self.containment else (shingles,)

    def compare(self, earlier: tuple[Hashes, ...], later: tuple[Hashes, ...]) -> float:
        """Return the exact Jaccard similarity; 0 if the earlier text does not contain the later one."""
        if self.containment and shared_count(earlier[1], later[1]) < len(later[1]):
            return 0.0
        return jaccard(earlier[0], later[0])


def exact_similarities(pairs: Hashes, search: Search, comparison: Comparison) -> Floats:
    """Return the exact similarities [n] of pairs of documents.

    Args:
        pairs: uint64 [n, 2], the earlier one in keep order first.
        search: knows where the texts are, and how many pairs are compared at a time.
        comparison: how they are compared.
    """
    texts = [unit.text for unit in search.units()]
    found, step = np.empty(len(pairs)), search.sizes.pairs
    for start in range(0, len(pairs), step):
        chunk = pairs[start : start + step]
        cuts = _read_cuts(np.unique(chunk), texts, comparison)
        found[start : start + step] = [comparison.compare(cuts[a], cuts[b]) for a, b in chunk.tolist()]
    return found


def _read_cuts(docs: Hashes, texts: Sequence[str], comparison: Comparison) -> dict[int, tuple[Hashes, ...]]:
    """Return the cuts of documents, which are ascending."""
    units = ordinals(docs)
    cuts: dict[int, tuple[Hashes, ...]] = {}
    for ordinal in np.unique(units).tolist():
        rows = rows_of(docs[units == ordinal])
        keys = documents(ordinal, rows).tolist()
        cuts.update(zip(keys, _cuts_of_rows(texts[ordinal], rows, comparison), strict=True))
    return cuts


def _cuts_of_rows(path: str, rows: Ints, comparison: Comparison) -> list[tuple[Hashes, ...]]:
    """Return the cuts of rows of a part, which are ascending."""
    tables = row_tables(path, rows, ["text"])
    return [comparison.cut(text) for table in tables for text in table["text"].to_pylist()]
