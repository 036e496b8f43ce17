"""Exact comparison of pairs that estimates do not settle: texts are read again, by reference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from filters.dedup.scheme import Scheme
from filters.dedup.shingles import Shingling, as_set, jaccard, shared_count, windows
from filters.dedup.walk import Floats, Ints
from filters.hashing import Hashes
from pipelines.stages.dedup.search import documents, ordinals, rows_of
from pipelines.store.tables import row_tables

# Pairs settled at a time: bounds the shingle sets in memory, about 8 kB each for a page of 1,000 words.
CHUNK: Final = 1 << 14

# "Nothing is lost": the three words in a row that marin's verification asks for.
CONTAINED: Final = Shingling("word", 3)


@dataclass(frozen=True, slots=True)
class Comparison:
    """How two texts are compared.

    Attributes:
        scheme: whose shingles they are cut into.
        containment: the later one must also be contained in the earlier: none of its 3-grams of words missing.
    """

    scheme: Scheme
    containment: bool

    def cut(self, text: str) -> tuple[Hashes, ...]:
        """Return what `compare` needs to know about a text."""
        shingles = self.scheme.shingles(text)
        return (shingles, as_set(windows(text, CONTAINED))) if self.containment else (shingles,)

    def compare(self, earlier: tuple[Hashes, ...], later: tuple[Hashes, ...]) -> float:
        """Return the exact Jaccard similarity; 0 where something of the later text would be lost."""
        if self.containment and shared_count(earlier[1], later[1]) < len(later[1]):
            return 0.0
        return jaccard(earlier[0], later[0])


def settle(pairs: Hashes, texts: Sequence[str], comparison: Comparison) -> Floats:
    """Return the exact similarities [n] of pairs of documents.

    Args:
        pairs: uint64 [n, 2], the earlier one in keep order first.
        texts: paths of the parts of ``filtered/``, by ordinal.
        comparison: how they are compared.
    """
    found = np.empty(len(pairs))
    for start in range(0, len(pairs), CHUNK):
        chunk = pairs[start : start + CHUNK]
        cuts = read_cuts(np.unique(chunk), texts, comparison.cut)
        found[start : start + CHUNK] = [comparison.compare(cuts[a], cuts[b]) for a, b in chunk.tolist()]
    return found


def read_cuts(docs: Hashes, texts: Sequence[str], cut: Callable[[str], Any]) -> dict[int, Any]:
    """Return what `cut` makes of the texts of documents; `docs` ascending."""
    units = ordinals(docs)
    cuts: dict[int, Any] = {}
    for ordinal in np.unique(units).tolist():
        rows = rows_of(docs[units == ordinal])
        keys = documents(ordinal, rows).tolist()
        cuts.update(zip(keys, _read_cuts(texts[ordinal], rows, cut), strict=True))
    return cuts


def _read_cuts(path: str, rows: Ints, cut: Callable[[str], Any]) -> list[Any]:
    """Return the cuts of rows of a part, ascending."""
    return [cut(text) for table in row_tables(path, rows, ["text"]) for text in table["text"].to_pylist()]
