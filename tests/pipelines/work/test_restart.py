"""Workers die; what is finished stays, what can be blamed is an error, and nothing else changes."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.errors import CorpusmillError
from pipelines.recipe.recipe import Recipe
from pipelines.store.folders import Folder
from pipelines.store.stage_key import stage_key
from pipelines.store.storage import Storage
from pipelines.work.loop import run_units
from pipelines.work.marks import Watch, attempts, mark_started
from pipelines.work.progress import Progress
from pipelines.work.task import Batch, Counts, Run, Task, UnitWork

ROWS = 5
FOLDER = Folder("rows", pa.schema([("n", pa.int64()), ("guilty", pa.bool_())]))
KEY = stage_key("rows", {})


def count(payload: Mapping[str, Any], settings: Mapping[str, Any], watch: Watch) -> Iterator[Batch | Counts]:
    """Toy stage of five records a unit; some records, or the first attempts at a unit, kill the process."""
    unit = payload["unit"]
    begun = Path(settings["tally"]) / unit
    begun.write_text(begun.read_text() + "." if begun.exists() else ".")
    if len(begun.read_text()) <= settings["fragile"].get(unit, 0):
        signal.raise_signal(signal.SIGKILL)
    rows = []
    for number in range(ROWS):
        guilty = number in watch.condemned
        if not guilty:
            watch.at(number)
            if [unit, number] in settings["poison"]:
                signal.raise_signal(signal.SIGSEGV)
        rows.append({"n": number, "guilty": guilty})
    yield Batch("rows", pa.Table.from_pylist(rows, schema=FOLDER.schema))
    yield Counts({"seen": ROWS})


@pytest.fixture
def run(tmp_path: Path) -> Run:
    storage = Storage(tmp_path / "run")
    return Run(Recipe("toy", ()), storage, 2, (), Progress(storage, quiet=True))


def work(run: Run, poison: list[list[Any]], fragile: Mapping[str, int], by_record: bool = True) -> UnitWork:
    tally = run.storage.root.parent / "tally"
    tally.mkdir(exist_ok=True)
    settings = {"poison": poison, "fragile": dict(fragile), "tally": str(tally)}
    return UnitWork("rows", KEY.sha256, str(run.storage.root), (FOLDER,), count, settings, by_record)


def tasks(*names: str) -> list[Task]:
    return [Task(name, "", 1, {"unit": name}) for name in names]


def guilty(run: Run, unit: str) -> list[int]:
    table = pq.read_table(run.storage.path(FOLDER.part(unit)))
    return [row["n"] for row in table.to_pylist() if row["guilty"]]


def test_a_worker_that_dies_once_costs_a_restart(run: Run) -> None:
    sidecars = run_units(run, work(run, [], {"a": 1}), tasks("a", "b", "c"))
    assert sorted(sidecars) == ["a", "b", "c"]
    assert all(guilty(run, unit) == [] for unit in sidecars)
    assert run.storage.list_files("work/rows") == [f"work/rows/{unit}.json" for unit in "abc"]


def test_the_records_that_kill_are_condemned_and_no_other(run: Run) -> None:
    sidecars = run_units(run, work(run, [["b", 1], ["b", 4]], {}), tasks("a", "b", "c"))
    assert sorted(sidecars) == ["a", "b", "c"]
    assert [guilty(run, unit) for unit in "abc"] == [[], [1, 4], []]


def test_deaths_that_no_record_explains_end_the_stage(run: Run) -> None:
    with pytest.raises(CorpusmillError, match="unit a: its worker process died again and again"):
        run_units(run, work(run, [], {"a": 99}), tasks("a"))


def test_two_killed_runs_condemn_nothing(run: Run) -> None:
    """Whoever ends a run twice at the same record must not make it an error."""
    toy, (task,) = work(run, [], {}), tasks("a")
    for _ in range(2):
        mark_started(run.storage, "rows", "a", toy.version(task))
    assert attempts(run.storage, "rows", "a", toy.version(task)) == 2
    run_units(run, toy, [task])
    assert guilty(run, "a") == []


def test_attempts_at_another_version_do_not_count(run: Run) -> None:
    mark_started(run.storage, "rows", "a", "old key")
    assert attempts(run.storage, "rows", "a", "new key") == 0
