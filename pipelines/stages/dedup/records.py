"""Records that travel in a search for duplicates: arrays of fixed-size records, as bytes or by reference.

A document is a uint64 here: the ordinal of its unit in the high half, its row in the low half. `scatter` and `gather`
are the two ends of a shuffle. The local runner keeps what it shuffles in memory, at five times its size, so on one
machine the bulk of the records travels by reference: each sender writes its records to one file, sorted by receiver,
and sends each receiver the place of its slice.

Between two pipelines, records lie in tables: files of the same records, named by their content and their owner.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from filters.hashing import Hashes
from pipelines.stages.dedup.search import Search, table_path
from pipelines.store.storage import Storage

Keyed = tuple[int, bytes]
"""The number of a receiver (a partition, a work group, or the ordinal of a unit), and a batch of records for it."""
Received = tuple[int, Iterable[bytes]]
"""A receiver, and all batches for it."""
Array = npt.NDArray[Any]

_ROW_BITS: Final = np.uint64(32)
_INLINE: Final = b"\0"
_SLICE: Final = b"\1"


def write_records(storage: Storage, table: str, owner: object, records: Array) -> None:
    """Write a table: the records as they are in memory."""
    storage.write_bytes(table_path(table, owner), records.tobytes())


def read_records(storage: Storage, table: str, owners: Iterable[object], dtype: np.dtype[Any]) -> Array:
    """Return the records of several owners; an owner without records writes no table."""
    paths = [table_path(table, owner) for owner in owners]
    return join((storage.path(path).read_bytes() for path in paths if storage.exists(path)), dtype)


def documents(ordinal: int, rows: npt.NDArray[np.integer[Any]]) -> Hashes:
    """Return rows of a unit as documents."""
    return (np.uint64(ordinal) << _ROW_BITS) | rows.astype(np.uint64)


def ordinals(docs: Hashes) -> npt.NDArray[np.int64]:
    """Return the ordinals of the units of documents."""
    return (docs >> _ROW_BITS).astype(np.int64)


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


def grouped(keys: npt.NDArray[np.int64], records: Array) -> Iterator[tuple[int, Array]]:
    """Yield each key with its records, keys ascending.

    >>> [(key, part.tolist()) for key, part in grouped(np.array([7, 3, 7]), np.array([1, 2, 3]))]
    [(3, [2]), (7, [1, 3])]
    """
    order = np.argsort(keys, kind="stable")
    names, starts = np.unique(keys[order], return_index=True)
    for name, part in zip(names.tolist(), np.split(order, starts[1:]), strict=len(names) > 0):
        yield name, records[part]


def scatter(
    table: str, owner: object, receivers: npt.NDArray[np.int64], records: Array, search: Search, tag: int = 0
) -> Iterator[Keyed]:
    """Yield a batch for each receiver: its records, or where they are; `gather` is the other end.

    Args:
        table: content of the records, for the name of the file.
        owner: the sender, for the same.
        receivers: int64 [n].
        records: [n].
        search: the search.
        tag: tells apart several kinds of records for the same receivers.
    """
    parts, offset, mark = list(grouped(receivers, records)), 0, bytes((tag,))
    if not search.by_file:
        yield from ((receiver, mark + _INLINE + part.tobytes()) for receiver, part in parts)
    elif parts:
        write_records(search.storage, table, owner, np.concatenate([part for _, part in parts]))
        path = str(search.storage.path(table_path(table, owner)))
        for receiver, part in parts:
            place = {"path": path, "offset": offset, "length": part.nbytes}
            offset += part.nbytes
            yield receiver, mark + _SLICE + json.dumps(place).encode()


def gather(batches: Iterable[bytes], *dtypes: np.dtype[Any]) -> list[Array]:
    """Return the records for one receiver by tag, those of a tag in no particular order.

    Args:
        batches: all that `scatter` yields for the receiver.
        dtypes: of the records of tag 0, 1, ...
    """
    parts: list[list[bytes]] = [[] for _ in dtypes]
    for batch in batches:
        parts[batch[0]].append(_content(batch[1:]))
    return [join(part, dtype) for part, dtype in zip(parts, dtypes, strict=True)]


def _content(batch: bytes) -> bytes:
    if batch[:1] == _INLINE:
        return batch[1:]
    place = json.loads(batch[1:])
    with Path(place["path"]).open("rb") as file:
        file.seek(place["offset"])
        return file.read(place["length"])
