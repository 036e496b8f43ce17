"""Workers die; what is finished stays, what can be blamed is an error, and nothing else changes."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.beam.worker_server import WorkerProcess, WorkerServer, worker_server
from pipelines.errors import CorpusmillError
from pipelines.recipe.recipe import Recipe
from pipelines.store.folders import Folder
from pipelines.store.stage_key import stage_key
from pipelines.store.storage import Storage
from pipelines.work.loop import run_units
from pipelines.work.marks import Watch, attempts, mark_started
from pipelines.work.progress import Progress
from pipelines.work.stage import Run
from pipelines.work.task import Batch, Counts, Task, UnitWork

ROWS = 5
FOLDER = Folder("rows", pa.schema([("n", pa.int64()), ("quarantined", pa.bool_())]))
KEY = stage_key("rows", {})


@dataclass(frozen=True)
class Name:
    unit: str


@dataclass(frozen=True)
class Traps:
    """What kills a worker.

    Attributes:
        poison: (unit, record): at each attempt.
        fragile: number of first attempts at a unit that die.
        tally: folder in which attempts are counted.
    """

    poison: Sequence[tuple[str, int]]
    fragile: Mapping[str, int]
    tally: Path


def count(name: Name, traps: Traps, watch: Watch) -> Iterator[Batch | Counts]:
    """Toy stage of five records a unit; some records, or the first attempts at a unit, kill the process."""
    started = traps.tally / name.unit
    started.write_text(started.read_text() + "." if started.exists() else ".")
    if len(started.read_text()) <= traps.fragile.get(name.unit, 0):
        signal.raise_signal(signal.SIGKILL)
    rows = []
    for number in range(ROWS):
        quarantined = number in watch.quarantined
        if not quarantined:
            watch.at(number)
            if (name.unit, number) in traps.poison:
                signal.raise_signal(signal.SIGSEGV)
        rows.append({"n": number, "quarantined": quarantined})
    yield Batch("rows", pa.Table.from_pylist(rows, schema=FOLDER.schema))
    yield Counts({"seen": ROWS})


@pytest.fixture
def run(tmp_path: Path) -> Run:
    storage = Storage(tmp_path / "run")
    return Run(Recipe("toy", ()), storage, 2, (), Progress(storage, quiet=True))


def work(run: Run, poison: Sequence[tuple[str, int]], fragile: Mapping[str, int]) -> UnitWork[Name, Traps]:
    tally = run.storage.root.parent / "tally"
    tally.mkdir(exist_ok=True)
    traps = Traps(poison, fragile, tally)
    return UnitWork("rows", KEY.sha256, str(run.storage.root), (FOLDER,), count, traps, Name)


def tasks(*names: str) -> list[Task[Name]]:
    return [Task(name, "", 1, Name(name)) for name in names]


def quarantined(run: Run, unit: str) -> list[int]:
    table = pq.read_table(run.storage.path(FOLDER.part(unit)))
    return [row["n"] for row in table.to_pylist() if row["quarantined"]]


@pytest.mark.integration
def test_a_worker_that_dies_once_costs_a_restart(run: Run) -> None:
    sidecars = run_units(run, work(run, [], {"a": 1}), tasks("a", "b", "c"))
    assert sorted(sidecars) == ["a", "b", "c"]
    assert all(quarantined(run, unit) == [] for unit in sidecars)
    assert run.storage.list_files("work/rows") == [f"work/rows/{unit}.json" for unit in "abc"]


@pytest.mark.integration
def test_the_records_that_kill_are_quarantined_and_no_other(run: Run) -> None:
    sidecars = run_units(run, work(run, [("b", 1), ("b", 4)], {}), tasks("a", "b", "c"))
    assert sorted(sidecars) == ["a", "b", "c"]
    assert [quarantined(run, unit) for unit in "abc"] == [[], [1, 4], []]


@pytest.mark.integration
def test_a_server_that_dies_before_a_request_costs_a_restart(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    fork, killed = WorkerServer.fork, []

    def kill_first(server: WorkerServer, environment: Mapping[str, str]) -> WorkerProcess:
        if not killed:
            os.kill(server.pid, signal.SIGKILL)
            killed.append(server)
        return fork(server, environment)

    monkeypatch.setattr(WorkerServer, "fork", kill_first)
    assert sorted(run_units(run, work(run, [], {}), tasks("a", "b"))) == ["a", "b"]
    assert len(killed) == 1
    assert worker_server() is not killed[0]


@pytest.mark.integration
def test_deaths_that_no_record_explains_end_the_stage(run: Run) -> None:
    with pytest.raises(CorpusmillError, match="unit a: its worker keeps crashing"):
        run_units(run, work(run, [], {"a": 99}), tasks("a"))


@pytest.mark.integration
def test_two_killed_runs_quarantine_nothing(run: Run) -> None:
    """Whoever ends a run twice at the same record must not make it an error."""
    toy, (task,) = work(run, [], {}), tasks("a")
    for _ in range(2):
        mark_started(run.storage, "rows", "a", toy.version(task))
    assert attempts(run.storage, "rows", "a", toy.version(task)) == 2
    run_units(run, toy, [task])
    assert quarantined(run, "a") == []


def test_attempts_at_another_version_do_not_count(run: Run) -> None:
    mark_started(run.storage, "rows", "a", "old key")
    assert attempts(run.storage, "rows", "a", "new key") == 0
