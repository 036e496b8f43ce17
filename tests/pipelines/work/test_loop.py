"""The loop of independent units: done once, redone when something changed, swept when gone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.errors import CorpusmillError
from pipelines.recipe.recipe import Recipe
from pipelines.store.folders import Folder
from pipelines.store.stage_key import stage_key
from pipelines.store.storage import Storage
from pipelines.work.graph import assign_lanes
from pipelines.work.loop import finish_stage, run_units
from pipelines.work.marks import Watch
from pipelines.work.progress import Progress
from pipelines.work.stage import Run
from pipelines.work.task import Batch, Counts, Task, UnitWork

FOLDER = Folder("squares", pa.schema([("n", pa.int64())]))
KEY = stage_key("squares", {})
CALLS: list[int] = []


@dataclass(frozen=True)
class Number:
    n: int


def square(number: Number, power: int, _: Watch) -> Iterator[Batch | Counts]:
    """Toy stage: one row per unit."""
    CALLS.append(number.n)
    if number.n == 13:
        raise ValueError("thirteen is not squared")
    yield Batch("squares", pa.table({"n": [number.n**power]}, schema=FOLDER.schema))
    yield Counts({"rows": 1})


@pytest.fixture
def run(tmp_path: Path) -> Run:
    CALLS.clear()
    storage = Storage(tmp_path)
    return Run(Recipe("toy", ()), storage, 1, (), Progress(storage, quiet=True))


def work(run: Run) -> UnitWork[Number, int]:
    return UnitWork("squares", KEY.sha256, str(run.storage.root), (FOLDER,), square, 2, Number)


def tasks(*numbers: int) -> list[Task[Number]]:
    return [Task(f"u{n}", f"print{n}", n, Number(n)) for n in numbers]


@pytest.mark.integration
def test_each_unit_is_done_once(run: Run) -> None:
    sidecars = run_units(run, work(run), tasks(1, 2, 3))
    assert sorted(CALLS) == [1, 2, 3]
    assert sorted(sidecars) == ["u1", "u2", "u3"]
    assert all(sidecar.counts == {"rows": 1} for sidecar in sidecars.values())
    run_units(run, work(run), tasks(1, 2, 3))
    assert len(CALLS) == 3


@pytest.mark.integration
def test_a_new_unit_is_all_that_is_done(run: Run) -> None:
    run_units(run, work(run), tasks(1, 2))
    run_units(run, work(run), tasks(1, 2, 3))
    assert CALLS[2:] == [3]


@pytest.mark.integration
def test_a_failing_unit_ends_the_stage_and_keeps_the_others(run: Run) -> None:
    with pytest.raises(
        CorpusmillError, match="unit u13: ValueError: thirteen is not squared; finished work is kept"
    ):
        run_units(run, work(run), tasks(13, 100))
    assert run.storage.exists("work/squares/u100.json")
    assert not run.storage.exists("work/squares/u13.json")
    assert [name for name in run.storage.list_files("squares") if "u13" in name] == []


@pytest.mark.integration
def test_parts_of_units_that_are_no_more_are_removed(run: Run) -> None:
    sidecars = run_units(run, work(run), tasks(1, 2))
    finish_stage(run, KEY, (FOLDER,), {}, sidecars, "squares")
    sidecars = run_units(run, work(run), tasks(2))
    manifest = finish_stage(run, KEY, (FOLDER,), {}, sidecars, "squares")
    assert [file.unit for file in manifest.files] == ["u2"]
    assert run.storage.list_files("squares") == ["squares/manifest.json", "squares/part-u2.parquet"]
    assert run.storage.list_files("work/squares") == ["work/squares/u2.json"]


def test_work_is_dealt_evenly_whatever_the_order() -> None:
    dealt = assign_lanes(tasks(1, 9, 2, 8, 3, 7), 2)
    assert dealt == assign_lanes(tasks(7, 3, 8, 2, 9, 1), 2)
    load = [sum(task.cost for lane, task in dealt if lane == number) for number in (0, 1)]
    assert load == [15, 15]


def test_tasks_are_dealt_to_workers_here_and_one_by_one_elsewhere(run: Run) -> None:
    here = replace(run, workers=3)
    assert here.is_local
    assert here.lanes(100) == 3
    elsewhere = replace(here, beam_flags=("--runner=DataflowRunner",))
    assert not elsewhere.is_local
    assert elsewhere.lanes(100) == 100


def test_a_task_survives_its_journey() -> None:
    for task in (*tasks(3), Task("u", "print", 1, Number(1), quarantined=(4, 2)), *tasks(0)):
        assert Task.from_json(task.to_json(), Number) == task
