"""Second step of stage pack: shard s of S takes the s-th of S equal intervals of row keys from every rows file.

So each shard is a sample of the whole corpus and all shards together are a global shuffle, though no worker
sees more than one shard. Memory: one shard of int32 tokens, ``pack.shard_mb``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from pipelines.manifest import Folder
from pipelines.stages.pack_rows import SPLITS, Split, rows_folder
from pipelines.stages.run import Batch, Counts, Task
from pipelines.storage import Storage
from tokenizer_training.rows import Rows, gather
from tokenizer_training.shards import (
    Header,
    row_fields,
    rows_to_table,
    shard_schema,
    table_to_rows,
    writer_options,
)

NAME = "pack/shards"
HOME = "shards"
LISTING = "work/pack/rows.json"
KEYS = 1 << 64
Interval = tuple[int, int]


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
    """Return what the step writes."""
    return Folder(HOME, shard_schema(header), prefix="", options=writer_options())


def tasks(storage: Storage, rows: Sequence[Mapping[str, Any]], row_len: int, shard_mb: int) -> list[Task]:
    """Return one task for each shard; a split without rows has none.

    The number of shards follows from the number of rows, so that a shard holds about `shard_mb` MiB of int32.

    Args:
        storage: the run; gets a listing of the rows files, which all tasks share.
        rows: sidecars of the first step.
        row_len: tokens of one row.
        shard_mb: aim of the size of a shard.
    """
    files = {split: _rows_files(rows, split) for split in SPLITS}
    paths = {split: [str(storage.path(file["path"])) for file in files[split]] for split in SPLITS}
    storage.write_bytes(LISTING, json.dumps(paths).encode())
    found = []
    for split in SPLITS:
        count = sum(int(file["rows"]) for file in files[split])
        shards = -(-count * row_len * 4 // (shard_mb << 20))
        fingerprint = hashlib.sha256("".join(file["sha256"] for file in files[split]).encode()).hexdigest()
        for shard in range(shards):
            interval = [shard * KEYS // shards, (shard + 1) * KEYS // shards]
            payload = {"listing": str(storage.path(LISTING)), "split": split, "interval": interval}
            name = f"{split}-{shard:05d}-of-{shards:05d}"
            found.append(Task(name, fingerprint, count * row_len * 4 // shards, payload))
    return found


def _rows_files(rows: Sequence[Mapping[str, Any]], split: Split) -> list[dict[str, Any]]:
    files = (file for sidecar in rows for file in sidecar["files"])
    mine = [file for file in files if file["path"].startswith(f"{rows_folder(split)}/")]
    return sorted(mine, key=lambda file: str(file["path"]))


def process_shard(payload: Mapping[str, Any], header: Header) -> Iterator[Batch | Counts]:
    """Gather the rows of one shard and yield them in the order of their keys, a row group at a time."""
    first, last = payload["interval"]
    paths = json.loads(Path(payload["listing"]).read_bytes())[payload["split"]]
    slices = [found for path in paths if (found := find_slice(path, (first, last))) is not None]
    total = sum(len(found.keys) for found in slices)
    if slices:
        rows, schema = merge(slices, header.row_len), shard_schema(header)
        for begin in range(0, total, header.row_group_rows):
            chosen = np.arange(begin, min(begin + header.row_group_rows, total))
            yield Batch(HOME, rows_to_table(rows.take(chosen), schema))
    yield Counts({"rows": total})


def find_slice(path: str, interval: Interval) -> Slice | None:
    """Find the rows of a rows file whose keys lie in ``[first, last)``; None where there are none."""
    first, last = interval
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        statistics = [file.metadata.row_group(n).column(0).statistics for n in range(file.num_row_groups)]
        groups = [n for n, keys in enumerate(statistics) if keys.max >= first and keys.min < last]
        if not groups:
            return None
        keys = file.read_row_groups(groups, columns=["row_key"], use_threads=False)["row_key"].to_numpy()
    begin = int(np.searchsorted(keys, np.uint64(first)))
    # The end of the last interval is 2**64, which is no uint64; no key is beyond it.
    end = int(np.searchsorted(keys, np.uint64(last))) if last < KEYS else len(keys)
    return Slice(path, groups, begin, keys[begin:end]) if begin < end else None


def merge(slices: Sequence[Slice], row_len: int) -> Rows:
    """Return the rows of at least one slice in the order of their keys; ties in the order of the files."""
    order = np.argsort(np.concatenate([found.keys for found in slices]), kind="stable")
    return gather((read_slice(found, row_len) for found in slices), order, row_len)


def read_slice(found: Slice, row_len: int) -> Rows:
    """Read the rows of a slice."""
    columns = [field.name for field in row_fields(row_len)]
    with pq.ParquetFile(found.path, page_checksum_verification=True) as file:
        table = file.read_row_groups(found.groups, columns=columns, use_threads=False)
    return table_to_rows(table.slice(found.skip, len(found.keys)))
