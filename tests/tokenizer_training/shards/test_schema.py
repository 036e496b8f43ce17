"""The Parquet contract: what is written, and that other programs read the same numbers."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from pathlib import Path

import datasets
import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tokenizer_training.shards.rows import Rows, concatenate
from tokenizer_training.shards.schema import (
    Header,
    ShardError,
    read_header,
    row_fields,
    rows_to_arrays,
    rows_to_table,
    shard_schema,
    table_to_rows,
)

MakeShards = Callable[..., tuple[Path, list[Rows]]]
LENGTHS = [5, 16, 3, 40, 9, 2, 11, 7]
SHARD = "train-00000-of-00001.parquet"

GOLDEN = """input_ids: fixed_size_list<element: int32 not null>[16] not null
  child 0, element: int32 not null
doc_lens: list<element: int32> not null
  child 0, element: int32
doc_flags: list<element: int8> not null
  child 0, element: int8
doc_ids: list<element: fixed_size_binary[16]> not null
  child 0, element: fixed_size_binary[16]
n_pad: int32 not null"""

METADATA = {
    b"seq_len": b"16",
    b"row_len": b"16",
    b"packing": b"best_fit",
    b"window": b"10000",
    b"seed": b"1",
    b"bos_id": b"1",
    b"eos_id": b"2",
    b"pad_id": b"3",
    b"vocab_size": b"1000",
    b"tokenizer_sha256": b"ab" * 32,
    b"stage_key": b"cd" * 32,
    b"schema_version": b"1",
}


def equal(left: Rows, right: Rows) -> bool:
    names = ("input_ids", "entries", "doc_lens", "doc_flags", "doc_ids", "n_pad")
    return all(np.array_equal(getattr(left, name), getattr(right, name)) for name in names)


def test_the_schema_of_a_written_shard_is_the_contract(make_shards: MakeShards) -> None:
    folder, _ = make_shards(LENGTHS)
    schema = pq.read_schema(folder / SHARD)
    assert schema.to_string(show_schema_metadata=False) == GOLDEN
    assert schema.metadata == METADATA


def test_the_physical_layout_of_a_written_shard(make_shards: MakeShards) -> None:
    """Byte-stream-split tokens under zstd, a page index everywhere, no statistics of tokens."""
    folder, _ = make_shards([16] * 3000)
    metadata = pq.read_metadata(folder / SHARD)
    groups = [metadata.row_group(n) for n in range(metadata.num_row_groups)]
    assert [group.num_rows for group in groups] == [1024, 1024, 952]
    columns = [groups[0].column(n) for n in range(groups[0].num_columns)]
    assert {column.compression for column in columns} == {"ZSTD"}
    assert all(column.has_offset_index for column in columns)
    assert not any("DICTIONARY" in encoding for column in columns for encoding in column.encodings)
    assert columns[0].path_in_schema == "input_ids.list.element"
    assert "BYTE_STREAM_SPLIT" in columns[0].encodings
    assert columns[0].statistics is None
    assert columns[-1].statistics is not None


def test_long_rows_come_in_smaller_row_groups(make_header: Callable[..., Header]) -> None:
    assert [make_header(n).row_group_rows for n in (512, 2048, 4096)] == [1024, 1024, 512]


def test_a_flipped_bit_is_an_error(make_shards: MakeShards) -> None:
    """Page checksums are written, so that damage never becomes a wrong token."""
    folder, _ = make_shards(LENGTHS)
    data = bytearray((folder / SHARD).read_bytes())
    data[pq.read_metadata(folder / SHARD).row_group(0).column(0).data_page_offset + 40] ^= 1
    (folder / SHARD).write_bytes(data)
    with pytest.raises(OSError, match="checksum"):
        pq.ParquetFile(folder / SHARD, page_checksum_verification=True).read()


def test_rows_survive_a_round_trip_whole_and_sliced(make_shards: MakeShards) -> None:
    folder, (rows,) = make_shards(LENGTHS)
    table = pq.read_table(folder / SHARD)
    assert equal(table_to_rows(table), rows)
    assert equal(table_to_rows(table.slice(2, 3)), rows.take(np.arange(2, 5)))
    halves = [table_to_rows(table.slice(0, 2)), table_to_rows(table.slice(2))]
    assert equal(concatenate(halves), rows)


def test_duckdb_reads_the_same_numbers(make_shards: MakeShards) -> None:
    folder, (rows,) = make_shards(LENGTHS)
    found = duckdb.sql(f"SELECT input_ids, doc_lens, doc_flags, n_pad FROM '{folder / SHARD}'").fetchall()
    assert [list(row[0]) for row in found] == rows.input_ids.tolist()
    assert list(chain.from_iterable(row[1] for row in found)) == rows.doc_lens.tolist()
    assert list(chain.from_iterable(row[2] for row in found)) == rows.doc_flags.tolist()
    assert [row[3] for row in found] == rows.n_pad.tolist()


def test_datasets_and_torch_read_the_same_numbers(
    make_shards: MakeShards, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_OFFLINE", True)
    folder, (rows,) = make_shards(LENGTHS)
    loaded = datasets.load_dataset(
        "parquet", data_files=str(folder / SHARD), split="train", cache_dir=str(tmp_path / "cache")
    )
    assert loaded["input_ids"][:] == rows.input_ids.tolist()
    assert loaded["n_pad"][:] == rows.n_pad.tolist()
    assert b"".join(chain.from_iterable(loaded["doc_ids"][:])) == rows.doc_ids.tobytes()
    tensor = loaded.with_format("torch", columns=["input_ids"])[:]["input_ids"]
    assert tensor.numpy().tolist() == rows.input_ids.tolist()


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({b"schema_version": b"2"}, "schema_version is 2, this loader reads version 1"),
        ({b"eos_id": b"two"}, "eos_id is missing or malformed"),
        (None, "schema_version is missing"),
    ],
)
def test_another_version_or_broken_metadata_is_refused(
    make_shards: MakeShards, metadata: dict[bytes, bytes] | None, message: str
) -> None:
    folder, _ = make_shards(LENGTHS)
    schema = pq.read_schema(folder / SHARD)
    changed = schema.with_metadata({**schema.metadata, **metadata} if metadata else None)
    with pytest.raises(ShardError, match=message):
        read_header(changed)


def test_other_columns_are_refused(make_header: Callable[..., Header]) -> None:
    schema = shard_schema(make_header(16))
    for changed in (schema.remove(3), shard_schema(make_header(8)).with_metadata(schema.metadata)):
        with pytest.raises(ShardError, match="columns are not those of a token shard"):
            read_header(changed)


def test_lengths_that_do_not_add_up_are_refused(make_rows: Callable[..., Rows]) -> None:
    rows = make_rows(LENGTHS, 16)
    schema = pa.schema(row_fields(16))
    table = pa.Table.from_arrays(rows_to_arrays(rows), schema=schema)
    wrong = table.set_column(4, schema.field("n_pad"), pa.array(rows.n_pad + 1))
    with pytest.raises(ShardError, match=r"row 0: sum\(doc_lens\) \+ n_pad = 17, not 16"):
        table_to_rows(wrong)
    flags = pa.array([[0]] * len(rows), pa.list_(pa.int8()))
    short = table.set_column(2, schema.field("doc_flags"), flags)
    with pytest.raises(ShardError, match="differ in length"):
        table_to_rows(short)


def test_an_empty_table_has_no_rows(
    make_rows: Callable[..., Rows], make_header: Callable[..., Header]
) -> None:
    table = rows_to_table(make_rows(LENGTHS, 16), shard_schema(make_header(16)))
    assert len(table_to_rows(table.slice(0, 0))) == 0
