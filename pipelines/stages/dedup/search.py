"""What the parts of a search for duplicates share: its plan, its units, and its tables of records.

A document is a uint64 here: the ordinal of its unit in the high half, its row in the low. What travels between the
steps is arrays of fixed-size records as bytes, and what lies between the pipelines is files of the same. On this
machine, whose runner keeps what is shuffled in memory at five times its size, the bulk of it travels by reference:
each unit writes its records to one file, sorted by partition, and sends each partition the place of its slice.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from filters.dedup.buckets import MEMBER
from filters.dedup.exact import COPY
from filters.hashing import Hashes
from pipelines.recipe.recipe import Dedup
from pipelines.store.storage import Storage

FOLDER: Final = "work/dedup-candidates"
ROW_BITS: Final = np.uint64(32)
PARTITION_BYTES: Final = 64 << 20
_INLINE, _SLICE = b"\0", b"\1"

Keyed = tuple[int, bytes]
Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit of the search.

    Attributes:
        ordinal: its place among all units, those of this run by name first.
        unit: its name.
        text: path of its part of ``filtered/``.
        signatures: path of its part of ``signatures/``.
        age: place of its run, oldest first.
        kept: path of its part of ``documents/`` where only documents that stand there take part; else None.
        probed: of these only what shares a key with this run takes part; see `index`.
    """

    ordinal: int
    unit: str
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


@dataclass(frozen=True)
class Search:
    """One search for duplicates; pickled into the Beam graphs.

    Attributes:
        root: the run folder.
        dedup: the recipe's section.
        partitions: number of partitions of band and content hashes, and of documents.
        by_file: bulk records travel by reference.
        age: place of this run among the runs that take part, the last.
        own_units: units of this run; ordinals from there on belong to older runs.
        indexes: those of older runs whose units are `Unit.probed`.
    """

    root: str
    dedup: Dedup
    partitions: int
    by_file: bool
    age: int
    own_units: int
    indexes: tuple[Index, ...] = ()

    @classmethod
    def plan(
        cls,
        root: str,
        dedup: Dedup,
        documents: int,
        by_file: bool,
        age: int,
        own_units: int,
        indexes: tuple[Index, ...] = (),
    ) -> Search:
        """Plan a search of so many documents in which no partition takes more than about 64 MiB of records."""
        bands = dedup.minhash.cut().count if dedup.minhash else 0
        total = documents * ((bands + dedup.url) * MEMBER.itemsize + COPY.itemsize)
        return cls(root, dedup, 1 + total // PARTITION_BYTES, by_file, age, own_units, indexes)

    @property
    def storage(self) -> Storage:
        """Where tables between the steps of the search are written."""
        return Storage(self.root)

    @property
    def is_joined(self) -> bool:
        """Whether one partition sees everything, so that its components are the whole ones."""
        return self.partitions == 1


def part_path(kind: str, name: object) -> str:
    """Return the relative path of a table between two steps of the search."""
    return f"{FOLDER}/{kind}-{name}"


def write_records(storage: Storage, kind: str, name: object, records: Array) -> None:
    """Write records as they are in memory."""
    storage.write_bytes(part_path(kind, name), records.tobytes())


def read_records(storage: Storage, kind: str, names: Iterable[object], dtype: np.dtype[Any]) -> Array:
    """Return the records of those tables that exist; who has nothing to say writes none."""
    paths = [part_path(kind, name) for name in names]
    return join((storage.path(path).read_bytes() for path in paths if storage.exists(path)), dtype)


def documents(ordinal: int, rows: npt.NDArray[np.integer[Any]]) -> Hashes:
    """Return rows of a unit as documents."""
    return (np.uint64(ordinal) << ROW_BITS) | rows.astype(np.uint64)


def ordinals(docs: Hashes) -> npt.NDArray[np.int64]:
    """Return the ordinals of the units of documents."""
    return (docs >> ROW_BITS).astype(np.int64)


def rows_of(docs: Hashes) -> npt.NDArray[np.int64]:
    """Return the rows of documents in their units."""
    return (docs & np.uint64(0xFFFFFFFF)).astype(np.int64)


def partitions_of(docs: Hashes, search: Search) -> npt.NDArray[np.int64]:
    """Return the partition of each document: by a hash, because units differ in size."""
    mixed = (docs ^ (docs >> np.uint64(32))) * np.uint64(0xBF58476D1CE4E5B9)
    return ((mixed >> np.uint64(33)) % np.uint64(search.partitions)).astype(np.int64)


def join(batches: Iterable[bytes], dtype: np.dtype[Any]) -> Array:
    """Return the records of several batches as one array, in no particular order."""
    return np.frombuffer(b"".join(batches), dtype=dtype)


def deal(keys: npt.NDArray[np.int64], records: Array) -> Iterator[tuple[int, Array]]:
    """Yield (key, its records), the keys ascending."""
    order = np.argsort(keys, kind="stable")
    names, starts = np.unique(keys[order], return_index=True)
    for name, part in zip(names.tolist(), np.split(order, starts[1:]), strict=len(names) > 0):
        yield name, records[part]


def send(
    kind: str, name: object, keys: npt.NDArray[np.int64], records: Array, search: Search, tag: int = 0
) -> Iterator[Keyed]:
    """Yield (key, its records or where they are); `receive` undoes it.

    Args:
        kind: what is sent, for the name of the file.
        name: who sends it.
        keys: int64 [n]: to whom each record goes.
        records: [n].
        search: the search.
        tag: tells several kinds of records to the same receiver apart.
    """
    parts, offset, mark = list(deal(keys, records)), 0, bytes((tag,))
    if not search.by_file:
        yield from ((key, mark + _INLINE + part.tobytes()) for key, part in parts)
    elif parts:
        write_records(search.storage, kind, name, np.concatenate([part for _, part in parts]))
        path = str(search.storage.path(part_path(kind, name)))
        for key, part in parts:
            place = {"path": path, "offset": offset, "length": part.nbytes}
            offset += part.nbytes
            yield key, mark + _SLICE + json.dumps(place).encode()


def receive(batches: Iterable[bytes], *dtypes: np.dtype[Any]) -> list[Array]:
    """Return the records that were sent to one receiver by their tags, each tag's in no particular order."""
    parts: list[list[bytes]] = [[] for _ in dtypes]
    for batch in batches:
        parts[batch[0]].append(_received(batch[1:]))
    return [join(part, dtype) for part, dtype in zip(parts, dtypes, strict=True)]


def _received(batch: bytes) -> bytes:
    if batch[:1] == _INLINE:
        return batch[1:]
    place = json.loads(batch[1:])
    with Path(place["path"]).open("rb") as file:
        file.seek(place["offset"])
        return file.read(place["length"])


def unit_of(entry: Mapping[str, Any]) -> Unit:
    """Return the unit of a line of the list of units."""
    return Unit(**entry)
