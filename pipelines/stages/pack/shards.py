"""Second step of stage pack: shard s of S takes the s-th of S equal intervals of row keys from every rows file.

So each shard is a sample of the whole corpus and all shards together are a global shuffle, though no worker
holds more than one shard. Memory: one shard of int32 tokens, ``pack.shard_mb``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from pipelines.stages.pack.rows import ROWS
from pipelines.store.folders import Folder
from pipelines.store.manifest import Sidecar
from pipelines.store.storage import FileFact, Storage
from pipelines.store.tables import open_part
from pipelines.work.marks import UNWATCHED, Watch
from pipelines.work.task import Batch, Counts, Task
from tokenizer_training.shards.rows import Rows, gather
from tokenizer_training.shards.schema import (
    Header,
    row_fields,
    rows_to_table,
    shard_schema,
    table_to_rows,
    writer_options,
)

NAME: Final = "pack/shards"
HOME: Final = "shards"
LISTING: Final = "work/pack/rows.json"
KEYS: Final = 1 << 64
"""Number of row keys: they are uint64."""
Interval = tuple[int, int]


@dataclass(frozen=True)
class Shard:
    """Which rows become one shard.

    Attributes:
        listing: path of the list of rows files by group.
        group: the group that the shard belongs to.
        first: smallest row key.
        last: first row key beyond.
    """

    listing: str
    group: str
    first: int
    last: int


@dataclass(frozen=True)
class Slice:
    """The rows of one rows file whose keys lie in an interval; they are neighbours, for the file is sorted.

    Attributes:
        path: the file.
        groups: row groups that hold them.
        skip: rows at the start of those row groups that come before the interval.
        keys: uint64 [rows], ascending.
    """

    path: str
    groups: list[int]
    skip: int
    keys: npt.NDArray[np.uint64]


def folder(header: Header) -> Folder:
    """Return the folder that the step writes."""
    return Folder(HOME, shard_schema(header), prefix="", options=writer_options())


def tasks(
    storage: Storage, rows: Sequence[Sidecar], row_len: int, shard_mb: int, end: int = KEYS
) -> list[Task[Shard]]:
    """Return one task for each shard; a group without rows has none.

    The number of shards follows from the number of rows, so that a shard holds about `shard_mb` MiB of int32.

    Args:
        storage: the run; a list of the rows files, which all tasks share, is written there.
        rows: sidecars of the first step.
        row_len: tokens of one row.
        shard_mb: target size of a shard.
        end: rows of the training split with this key or a larger one are left out.
    """
    files = rows_files(rows)
    paths = {group: [str(storage.path(file.path)) for file in members] for group, members in files.items()}
    storage.write_bytes(LISTING, json.dumps(paths).encode())
    found = []
    for group, members in files.items():
        last = end if is_train(group) else KEYS
        size = sum(file.rows or 0 for file in members) * row_len * 4 * last // KEYS
        shards = max(-(-size // (shard_mb << 20)), 1)
        fingerprint = hashlib.sha256("".join(file.sha256 for file in members).encode()).hexdigest()
        for shard in range(shards):
            first, beyond = shard * last // shards, (shard + 1) * last // shards
            payload = Shard(str(storage.path(LISTING)), group, first, beyond)
            name = f"{group}-{shard:05d}-of-{shards:05d}"
            found.append(Task(name, f"{fingerprint} {last}", size // shards, payload))
    return found


def rows_files(rows: Sequence[Sidecar]) -> dict[str, list[FileFact]]:
    """Return the rows files of each group, sorted by path, from the sidecars of the first step."""
    files = [file for sidecar in rows for file in sidecar.files if file.path.startswith(f"{ROWS}/")]
    groups: dict[str, list[FileFact]] = {}
    for file in sorted(files, key=lambda file: file.path):
        group = file.path.removeprefix(f"{ROWS}/").rpartition("/")[0]
        groups.setdefault(group, []).append(file)
    return groups


def is_train(group: str) -> bool:
    """Return True if a group is the training split, or a language's part of it."""
    return group.rpartition("/")[2] == "train"


def process_shard(shard: Shard, header: Header, _: Watch = UNWATCHED) -> Iterator[Batch | Counts]:
    """Gather the rows of one shard and yield them in the order of their keys, a row group at a time."""
    paths = json.loads(Path(shard.listing).read_bytes())[shard.group]
    slices = [found for path in paths if (found := find_slice(path, (shard.first, shard.last))) is not None]
    total = sum(len(found.keys) for found in slices)
    if slices:
        rows, schema = merge(slices, header.row_len), shard_schema(header)
        for begin in range(0, total, header.row_group_rows):
            chosen = np.arange(begin, min(begin + header.row_group_rows, total))
            yield Batch(HOME, rows_to_table(rows.take(chosen), schema))
    yield Counts({"rows": total})


def find_slice(path: str, interval: Interval) -> Slice | None:
    """Find the rows of a rows file whose keys lie in ``[first, last)``; None if there is no such row."""
    first, last = interval
    with open_part(path) as file:
        statistics = [file.metadata.row_group(n).column(0).statistics for n in range(file.num_row_groups)]
        groups = [n for n, keys in enumerate(statistics) if keys.max >= first and keys.min < last]
        if not groups:
            return None
        keys = file.read_row_groups(groups, columns=["row_key"], use_threads=False)["row_key"].to_numpy()
    begin = int(np.searchsorted(keys, np.uint64(first)))
    # The end of the last interval is 2**64, too large for a uint64; no key is beyond it.
    end = int(np.searchsorted(keys, np.uint64(last))) if last < KEYS else len(keys)
    return Slice(path, groups, begin, keys[begin:end]) if begin < end else None


def merge(slices: Sequence[Slice], row_len: int) -> Rows:
    """Return the rows of at least one slice in the order of their keys; ties in the order of the files."""
    order = np.argsort(np.concatenate([found.keys for found in slices]), kind="stable")
    return gather((read_slice(found, row_len) for found in slices), order, row_len)


def read_slice(found: Slice, row_len: int) -> Rows:
    """Read the rows of a slice."""
    columns = [field.name for field in row_fields(row_len)]
    with open_part(found.path) as file:
        table = file.read_row_groups(found.groups, columns=columns, use_threads=False)
    return table_to_rows(table.slice(found.skip, len(found.keys)))
