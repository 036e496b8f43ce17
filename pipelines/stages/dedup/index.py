"""The index of a run: the keys of its documents, in which a later run looks up what the two share.

A key is the hash of a band or a URL (`bands`), or half the hash of a text (`contents`). ``index/NAME.keys`` holds, 8
bytes each, all keys ascending, then the document of each: 240 bytes per document with 14 bands. A run that is
deduplicated against this one maps the file into memory and finds its own keys by bisection. So it reads a few pages
per key of its own, however large the index; only the older documents that share a key take part, and only their
signatures are read.

The index does not say whether a document was kept: keys are sorted where they meet, before that is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from filters.hashing import Hashes
from pipelines.recipe.recipe import Dedup
from pipelines.stages.dedup.records import (
    Array,
    Keyed,
    Received,
    gather,
    ordinals,
    read_records,
    rows_of,
    scatter,
    write_records,
)
from pipelines.stages.dedup.search import Search, SearchUnit, table_path
from pipelines.store.manifest import Totals, UnitResult

FOLDER: Final = "index"
KEY_FILES: Final = ("bands", "contents")
ROWS: Final = "rows"
"""Table of the rows of an older unit that take part."""
_KEY: Final = np.dtype("<u8")


def settings(dedup: Dedup) -> Totals:
    """Return what shapes the keys of a run, besides its signatures; written into its manifest."""
    cut = dedup.minhash.cut() if dedup.minhash else None
    return {"bands": f"{cut.count}x{cut.rows}" if cut else None, "url": dedup.url, "exact": dedup.exact}


def has_keys(index: Totals | None, dedup: Dedup) -> bool:
    """Return True if an index of these settings has all keys that a search looks up; None = there is no index."""
    return index is not None and all(
        index[name] == wanted for name, wanted in settings(dedup).items() if wanted
    )


def write_keys(name: str, partition: int, keys: Hashes, docs: Hashes, search: Search) -> None:
    """Write the keys of this run's documents in one partition; keys of higher partitions are all larger."""
    own = ordinals(docs) < search.own_units
    keys, docs = keys[own], docs[own]
    order = np.argsort(keys)  # three times as fast as by key and document; few share a key
    keys, docs = keys[order], docs[order]
    shared = np.zeros(len(keys), dtype=np.bool_)
    shared[1:] = keys[1:] == keys[:-1]
    shared[:-1] |= shared[1:]
    docs[shared] = docs[shared][np.lexsort((docs[shared], keys[shared]))]
    write_records(search.storage, f"keys-{name}", partition, np.stack((keys, docs)))


def gather_keys(search: Search) -> UnitResult:
    """Join the keys of all partitions; return what the manifest says about the index, in the form of a unit's."""
    facts = []
    for name in KEY_FILES:
        path = f"{FOLDER}/{name}.keys"
        search.storage.remove(path)
        parts = [
            search.storage.path(table_path(f"keys-{name}", number)) for number in range(search.partitions)
        ]
        parts = [part for part in parts if part.exists()]
        if parts:
            facts.append(search.storage.write_chunks(path, _halves(parts)))
    return UnitResult(FOLDER, settings(search.dedup), tuple(facts))


def look_up(path: Path, keys: Hashes) -> Hashes:
    """Return the documents that have one of these keys, ascending.

    Args:
        path: an index file.
        keys: uint64 [n], in any order.
    """
    if not path.exists() or not path.stat().st_size:
        return np.empty(0, dtype=_KEY)
    known, docs = np.memmap(path, dtype=_KEY, mode="r").reshape(2, -1)
    keys = np.unique(keys)
    starts = np.searchsorted(known, keys)
    hits = np.flatnonzero(known[np.minimum(starts, len(known) - 1)] == keys)
    starts, ends = starts[hits], np.searchsorted(known, keys[hits], side="right")
    # All places from each start to before its end, one range after another.
    sizes = ends - starts
    places = np.repeat(starts - np.cumsum(sizes) + sizes, sizes) + np.arange(sizes.sum())
    return np.unique(docs[places])


def rows_to_units(ordinal: int, keys: Sequence[Hashes], search: Search) -> Iterator[Keyed]:
    """Yield (ordinal of an older unit, its documents that share a key) for the keys of one unit of this run.

    Args:
        ordinal: of the unit.
        keys: of its documents, for each of `KEY_FILES`.
        search: the search.
    """
    for index in search.indexes:
        found = [
            look_up(Path(index.folder) / f"{name}.keys", one)
            for name, one in zip(KEY_FILES, keys, strict=True)
        ]
        docs = np.unique(np.concatenate(found)) + (np.uint64(index.first) << np.uint64(32))
        yield from scatter(f"shared-{index.first}-to-units", ordinal, ordinals(docs), docs, search)


def write_rows(received: Received, search: Search) -> SearchUnit:
    """Write the rows of one older unit that take part; return the unit."""
    ordinal, batches = received
    (docs,) = gather(batches, _KEY)
    write_records(search.storage, ROWS, ordinal, np.unique(rows_of(docs)))
    return search.units()[ordinal]


def probed_rows(unit: SearchUnit, search: Search) -> Array:
    """Return the rows of an older unit that take part, int64, ascending."""
    return read_records(search.storage, ROWS, [unit.ordinal], np.dtype(np.int64))


def _halves(parts: Sequence[Path]) -> Iterator[bytes]:
    """Yield the first halves of some files, then the second."""
    for half in range(2):
        for part in parts:
            length = part.stat().st_size // 2
            with part.open("rb") as file:
                file.seek(half * length)
                yield file.read(length)
