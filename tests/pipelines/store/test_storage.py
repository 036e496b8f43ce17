"""A file appears whole or not at all, and what it is, is known."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.errors import OutputError
from pipelines.store.storage import Storage, sha256_of

SCHEMA = pa.schema([("n", pa.int64())])


def table(*values: int) -> pa.Table:
    return pa.table({"n": list(values)}, schema=SCHEMA)


def test_a_committed_table_is_described_by_its_fact(tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    with storage.table_writer("folder/part-a.parquet", SCHEMA) as writer:
        writer.write(table(1, 2))
        writer.write(table(3))
    fact = writer.fact
    assert fact is not None
    path = storage.path(fact.path)
    assert (fact.rows, fact.bytes, fact.sha256) == (3, path.stat().st_size, sha256_of(path))
    assert pq.read_table(path)["n"].to_pylist() == [1, 2, 3]


def test_an_exception_leaves_neither_file_nor_temporary(tmp_path: Path) -> None:
    storage = Storage(tmp_path)

    def fail_midway() -> None:
        with storage.table_writer("folder/part-a.parquet", SCHEMA) as writer:
            writer.write(table(1))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_midway()
    assert storage.list_files("folder") == []


@pytest.mark.parametrize("call", ["fsync", "rename"])
def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    storage = Storage(tmp_path)
    storage.write_bytes("a.txt", b"old")

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os if call == "fsync" else Path, call, fail)
    with pytest.raises(OSError, match="No space"):
        storage.write_bytes("a.txt", b"new")
    monkeypatch.undo()
    assert storage.path("a.txt").read_bytes() == b"old"
    assert storage.list_files(".") == ["a.txt"]


def test_two_attempts_at_one_file_do_not_meet(tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    with (
        storage.table_writer("part.parquet", SCHEMA) as first,
        storage.table_writer("part.parquet", SCHEMA) as second,
    ):
        first.write(table(1))
        second.write(table(1))
    assert first.fact == second.fact


def test_a_flipped_bit_in_a_page_is_an_error_not_a_value(tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    with storage.table_writer("part.parquet", SCHEMA) as writer:
        writer.write(table(*range(1000)))
    path = storage.path("part.parquet")
    data = bytearray(path.read_bytes())
    data[200] ^= 1
    path.write_bytes(data)
    with pytest.raises(OSError, match="CRC"):
        pq.read_table(path, page_checksum_verification=True)


def test_a_second_holder_is_refused_by_pid(tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    with (
        storage.lock(),
        pytest.raises(OutputError, match=f"process {os.getpid()} on"),
        Storage(tmp_path).lock(),
    ):
        pass
    with storage.lock():  # free again
        pass


def test_sweep_removes_what_dead_attempts_left(tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    storage.write_bytes("a/kept.txt", b"1")
    storage.path("a/.part-x.parquet.host.1.2.tmp").write_bytes(b"half")
    storage.write_bytes("work/extract/todo.tsv", b"")
    storage.write_bytes("work/extract/u.started", b"")
    storage.sweep_dead_run()
    assert storage.list_files(".") == ["a/kept.txt", "work/extract/u.started"]


def test_a_scratch_folder_is_empty_before_and_after_even_if_a_run_died_in_it(tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    left = tmp_path / "work" / "training" / "of-a-dead-run" / "words.tsv"
    left.parent.mkdir(parents=True)
    left.write_text("left")
    with storage.scratch("work/training") as scratch:
        assert list(scratch.iterdir()) == []
        (scratch / "words.tsv").write_text("mine")
    assert storage.list_files("work") == []


def test_an_object_store_is_refused_clearly() -> None:
    with pytest.raises(OutputError, match="gs://bucket/run: object stores are not supported yet"):
        Storage("gs://bucket/run")


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff"])
def test_a_broken_json_file_counts_as_missing(tmp_path: Path, content: bytes) -> None:
    storage = Storage(tmp_path)
    storage.write_bytes("a.json", content)
    assert storage.read_json("a.json") is None
