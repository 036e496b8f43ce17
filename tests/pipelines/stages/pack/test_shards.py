"""Second step of stage pack: intervals of row keys share out the rows, and a shard holds its own in order."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.stages.pack import rows as pack_rows
from pipelines.stages.pack import shards as pack_shards
from pipelines.stages.pack.budget import cut_off
from pipelines.store.storage import Storage
from pipelines.work.task import Batch
from tokenizer_training.shards.rows import Rows
from tokenizer_training.shards.schema import Header, rows_to_arrays, table_to_rows

ROW_LEN = 8
HEADER = Header(ROW_LEN, ROW_LEN, "best_fit", 10_000, 1, 1, 2, 3, 1000, "ab" * 32, "cd" * 32)
KEY = st.one_of(st.integers(0, 5), st.integers(0, 2**64 - 1), st.integers(2**64 - 5, 2**64 - 1))


def make_rows(keys: Sequence[int], first: int) -> Rows:
    """Return one row of one or two documents per key; tokens, ids and padding tell the rows apart."""
    number = np.arange(first, first + len(keys))
    entries = np.concatenate([[0], np.cumsum(1 + number % 2)])
    owner = np.repeat(number, 1 + number % 2)
    lens = np.where(owner % 2 == 1, 3, 7).astype(np.int32)
    ids = np.repeat(owner[:, None], 16, axis=1).astype(np.uint8)
    tokens = np.repeat(number[:, None], ROW_LEN, axis=1).astype(np.int32)
    n_pad = np.where(number % 2 == 1, 2, 1).astype(np.int32)
    return Rows(tokens, entries, lens, np.zeros(len(owner), dtype=np.int8), ids, n_pad)


def write_rows(storage: Storage, name: str, keys: Sequence[int], first: int) -> str:
    """Write a rows file in row groups of three rows; return where it lies."""
    folder = pack_rows.folders(ROW_LEN)[1]
    rows = make_rows(keys, first)
    arrays = [pa.array(np.array(keys, dtype=np.uint64)), *rows_to_arrays(rows)]
    with storage.table_writer(name, folder.schema, folder.options) as writer:
        if keys:  # a bucket without rows of a split writes nothing into its file
            writer.write(pa.Table.from_arrays(arrays, schema=folder.schema), row_group_size=3)
    return str(storage.path(name))


def shard(listing: Path, interval: Sequence[int]) -> list[Rows]:
    """Return the rows of one shard."""
    batches = list(pack_shards.process_shard(pack_shards.Shard(str(listing), "train", *interval), HEADER))
    return [table_to_rows(batch.table) for batch in batches if isinstance(batch, Batch)]


@pytest.mark.slow
@settings(deadline=None)
@given(st.lists(st.lists(KEY, max_size=9), min_size=1, max_size=4), st.integers(1, 7))
def test_shards_one_after_the_other_are_all_rows_in_the_order_of_their_keys(
    tmp_path_factory: pytest.TempPathFactory, files: list[list[int]], shards: int
) -> None:
    """Keys up to 2**64 - 1 and equal keys included; each row keeps its documents and padding."""
    storage = Storage(tmp_path_factory.mktemp("rows"))
    starts = np.concatenate([[0], np.cumsum([len(keys) for keys in files])]).tolist()
    paths = [
        write_rows(storage, f"{n}.parquet", sorted(keys), start)
        for n, (keys, start) in enumerate(zip(files, starts[:-1], strict=True))
    ]
    listing = storage.path("listing.json")
    listing.write_text(json.dumps({"train": paths}))
    bounds = [n * pack_shards.KEYS // shards for n in range(shards + 1)]
    found = [rows for interval in pairwise(bounds) for rows in shard(listing, interval)]
    keyed = [
        (key, start + n)
        for keys, start in zip(files, starts[:-1], strict=True)
        for n, key in enumerate(sorted(keys))
    ]
    expected = [number for _, number in sorted(keyed)]
    assert [n for rows in found for n in rows.input_ids[:, 0].tolist()] == expected
    for rows in found:
        numbers = rows.input_ids[:, 0]
        assert rows.n_pad.tolist() == (1 + numbers % 2).tolist()
        assert rows.doc_ids[:, 0].tolist() == np.repeat(numbers, 1 + numbers % 2).tolist()


def test_a_shard_reads_no_row_group_outside_its_interval(tmp_path: Path) -> None:
    """Otherwise every shard would decode the whole corpus."""
    path = write_rows(Storage(tmp_path), "rows.parquet", range(30), 0)
    found = pack_shards.find_slice(path, (10, 14))
    assert found is not None
    assert (found.groups, found.skip, found.keys.tolist()) == ([3, 4], 1, [10, 11, 12, 13])
    assert pack_shards.find_slice(path, (30, 2**64)) is None


@settings(deadline=None)
@given(st.lists(st.lists(KEY, max_size=9), min_size=1, max_size=4), st.integers(1, 40))
def test_a_budget_takes_the_rows_with_the_smallest_keys(
    tmp_path_factory: pytest.TempPathFactory, files: list[list[int]], wanted: int
) -> None:
    """As many as wanted, or fewer where keys are equal; what is left out is counted."""
    storage = Storage(tmp_path_factory.mktemp("rows"))
    paths = [write_rows(storage, f"{n}.parquet", sorted(keys), 0) for n, keys in enumerate(files)]
    found = cut_off(paths, wanted, ROW_LEN)
    keys = sorted(key for part in files for key in part)
    kept = [key for key in keys if key < found.end]
    assert found.rows == len(keys) - len(kept)
    assert len(kept) <= wanted
    assert len(keys) <= wanted or len(kept) + keys.count(found.end) > wanted
    padding = [2 if n % 2 else 1 for part in files for n, key in enumerate(sorted(part)) if key >= found.end]
    assert found.tokens == found.rows * ROW_LEN - sum(padding)
