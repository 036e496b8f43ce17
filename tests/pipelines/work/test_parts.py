"""The parts of a unit: one open file per folder, all committed or none left open."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.store.folders import Folder
from pipelines.store.storage import Storage
from pipelines.work.parts import PartWriter

SCHEMA = pa.schema([("n", pa.int64())])
OWN, NAMED = Folder("own", SCHEMA), Folder("named", SCHEMA, prefix="", per_unit=False)


def table(*numbers: int) -> pa.Table:
    return pa.table({"n": list(numbers)}, schema=SCHEMA)


def test_batches_go_to_the_part_they_name(tmp_path: Path) -> None:
    with PartWriter(Storage(tmp_path), (OWN, NAMED), "unit") as parts:
        parts.write("named", table(1), "a")
        parts.write("named", table(2, 3), "a")
        parts.write("own", table(4))
        parts.write("named", table(5), "b")
    assert {fact.path: fact.rows for fact in parts.facts} == {
        "named/a.parquet": 3,
        "named/b.parquet": 1,
        "own/part-unit.parquet": 1,
    }
    assert pq.read_table(tmp_path / "named/a.parquet")["n"].to_pylist() == [1, 2, 3]


def test_a_unit_without_rows_has_its_own_part_and_no_named_one(tmp_path: Path) -> None:
    with PartWriter(Storage(tmp_path), (OWN, NAMED), "unit") as parts:
        pass
    assert [(fact.path, fact.rows) for fact in parts.facts] == [("own/part-unit.parquet", 0)]


def test_an_error_leaves_no_open_part(tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    parts = PartWriter(storage, (OWN, NAMED), "unit")
    parts.__enter__()
    parts.write("named", table(1), "a")
    parts.write("named", table(2), "b")
    parts.__exit__(ZeroDivisionError, ZeroDivisionError(), None)
    assert storage.list_files("") == ["named/a.parquet"], "complete, and named by no sidecar"


def test_a_commit_that_fails_abandons_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = Storage(tmp_path)
    rename = Path.rename

    def fail_on_named(path: Path, target: Path) -> Path:
        if target.parent.name == "named":
            raise OSError(28, "No space left on device")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail_on_named)
    with pytest.raises(OSError, match="No space left"), PartWriter(storage, (OWN, NAMED), "unit") as parts:
        parts.write("named", table(1), "a")
    assert storage.list_files("") == []
    assert parts.facts == []
