"""The plan of a search for duplicates: what takes part in it, and how it is cut into pieces that fit in memory."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from filters.dedup.buckets import MEMBER
from filters.dedup.exact import COPY
from pipelines.recipe.recipe import Dedup
from pipelines.store.storage import Storage

FOLDER: Final = "work/dedup-candidates"
"""Where a search keeps its tables; empty before and after."""


@dataclass(frozen=True, slots=True)
class SearchUnit:
    """One unit that takes part in a search.

    Attributes:
        ordinal: its number among all units; those of this run come first, by name.
        name: its name.
        text: path of its part of ``filtered/``.
        signatures: path of its part of ``signatures/``.
        age: number of its run, the oldest is 0.
        kept: path of its part of ``documents/`` if only the documents in it take part; else None.
        probed: only those of them that share a key with this run take part; see `pipelines.stages.dedup.index`.
    """

    ordinal: int
    name: str
    text: str
    signatures: str
    age: int = 0
    kept: str | None = None
    probed: bool = False


@dataclass(frozen=True, slots=True)
class Index:
    """The index of an older run: its folder, and the ordinal of the run's first unit."""

    folder: str
    first: int


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much a search holds in memory at a time; the result does not depend on it.

    Attributes:
        partition_bytes: records of one partition.
        group_documents: documents of one work group, about: 15 MB of signatures, and enough work for a bundle.
        pairs: pairs that are compared exactly at a time, at about 8 kB of shingles for a page of 1,000 words.
        passages: passages of a unit that are sent at a time, 52 bytes each.
    """

    partition_bytes: int = 64 << 20
    group_documents: int = 1 << 15
    pairs: int = 1 << 14
    passages: int = 1 << 20


SIZES: Final = Sizes()


@dataclass(frozen=True)
class Search:
    """One search for duplicates; small, because it is pickled into the Beam graphs.

    Attributes:
        root: the run folder.
        dedup: the recipe's section.
        unit_list: path of the list of units.
        own_units: number of units of this run; ordinals from there on belong to older runs.
        age: number of this run among the runs that take part: the last.
        by_file: bulk records travel by reference.
        indexes: those of older runs whose units are `SearchUnit.probed`.
        partitions: number of partitions of keys (bands, URLs, contents) and of documents.
        line_partitions, passage_partitions: the same of the hashes of lines and of passages.
        groups: number of work groups in which documents are decided; 0 = not known yet.
        sizes: what the numbers above are planned for.
    """

    root: str
    dedup: Dedup
    unit_list: str
    own_units: int
    age: int = 0
    by_file: bool = True
    indexes: tuple[Index, ...] = ()
    partitions: int = 1
    line_partitions: int = 1
    passage_partitions: int = 1
    groups: int = 0
    sizes: Sizes = SIZES

    @property
    def storage(self) -> Storage:
        """Where tables between the steps of the search are written."""
        return Storage(self.root)

    @property
    def is_joined(self) -> bool:
        """Return True if one partition sees everything, so that the components it finds are whole."""
        return self.partitions == 1

    def units(self) -> Sequence[SearchUnit]:
        """Return all units by ordinal; they are read once per process."""
        return _read_units(self.unit_list)


def key_partitions(dedup: Dedup, documents: int, sizes: Sizes) -> int:
    """Return the number of partitions for the keys of so many documents."""
    bands = dedup.minhash.cut().count if dedup.minhash else 0
    return 1 + documents * ((bands + dedup.url) * MEMBER.itemsize + COPY.itemsize) // sizes.partition_bytes


def write_units(storage: Storage, units: Sequence[SearchUnit]) -> str:
    """Write the list of units; return its path. Its name is a hash of its content, so a process may cache it."""
    lines = "\n".join(json.dumps(asdict(unit)) for unit in units).encode()
    name = f"{FOLDER}/units-{hashlib.sha256(lines).hexdigest()[:16]}.jsonl"
    return str(storage.path(storage.write_bytes(name, lines).path))


def unit_lines(path: str) -> Iterator[str]:
    """Yield the lines of a list of units."""
    yield from Path(path).read_text().splitlines()


def unit_of(line: str) -> SearchUnit:
    """Return the unit of one line of a list."""
    return SearchUnit(**json.loads(line))


@lru_cache(maxsize=2)
def _read_units(path: str) -> tuple[SearchUnit, ...]:
    return tuple(unit_of(line) for line in unit_lines(path))


def table_path(table: str, owner: object) -> str:
    """Return the relative path of a table of one owner: a unit, a partition, or a sender."""
    return f"{FOLDER}/{table}-{owner}"
