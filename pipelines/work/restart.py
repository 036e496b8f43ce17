"""Finishes the tasks of a stage even when worker processes die.

When a worker dies the stage is restarted; finished units are skipped. A unit that was started twice without being
finished, in this run or an earlier one, is then done alone in a process of its own that notes each record it comes
to. A record at which that process dies twice is quarantined: it becomes an error and the rest of the unit is done.
So a record is quarantined on evidence, never because a run happened to be killed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Final

from pipelines.beam.worker_server import WorkerDiedError
from pipelines.errors import CorpusmillError
from pipelines.work.graph import submit
from pipelines.work.marks import attempts, last_record, record_path
from pipelines.work.stage import Run
from pipelines.work.task import P, S, Task, UnitWork, pending

MAX_RESTARTS: Final = 3
"""Deaths in a row without a unit finished or a record quarantined; one more ends the run."""
MAX_ATTEMPTS: Final = 2
"""Attempts at a unit before it is done alone."""
MAX_QUARANTINED: Final = 16
"""Quarantined records of one unit; if there are more, the fault lies elsewhere."""


def run_tasks(run: Run, work: UnitWork[P, S], tasks: Sequence[Task[P]]) -> None:
    """Do tasks that have no valid sidecar.

    Raises:
        CorpusmillError: a unit failed, or workers died and no record is to blame.
    """
    deaths, todo = 0, list(tasks)
    while todo:
        repeated = [task for task in todo if _attempts(run, work, task) >= MAX_ATTEMPTS]
        try:
            if repeated:
                _run_alone(run, work, repeated[0])
            else:
                submit(run, work, todo)
        except WorkerDiedError as error:
            run.storage.sweep_temporary()
            left = pending(run.storage, work, todo)
            deaths = deaths + 1 if len(left) == len(todo) else 1
            if deaths > MAX_RESTARTS:
                raise _unexplained(work, left[0]) from error
            run.progress.say(f"{work.stage}: a worker process died; restarting the stage")
        todo = pending(run.storage, work, todo)


def _run_alone(run: Run, work: UnitWork[P, S], task: Task[P]) -> None:
    """Do one unit in a process of its own, passing over the records that kill it.

    Raises:
        CorpusmillError: the process dies, and no single record is to blame.
    """
    run.progress.say(f"{work.stage}: unit {task.unit} failed twice; running it in its own process")
    quarantined: list[int] = []
    deaths, last = 0, None
    while True:
        run.storage.remove(record_path(work.stage, task.unit))
        watched = dataclasses.replace(task, quarantined=tuple(quarantined))
        try:
            submit(run, work, [watched], apart=True)
            return
        except WorkerDiedError as error:
            run.storage.sweep_temporary()
            deaths += 1
            record = last_record(run.storage, work.stage, task.unit)
            if record is not None and record == last:
                run.progress.say(f"{work.stage}: unit {task.unit}: record {record} killed its worker twice")
                quarantined.append(record)
                deaths, last = 0, None
            else:
                last = record
            if deaths > MAX_RESTARTS or len(quarantined) > MAX_QUARANTINED:
                raise _unexplained(work, task) from error


def _attempts(run: Run, work: UnitWork[P, S], task: Task[P]) -> int:
    return attempts(run.storage, work.stage, task.unit, work.version(task))


def _unexplained(work: UnitWork[P, S], task: Task[P]) -> CorpusmillError:
    return CorpusmillError(
        f"stage {work.stage}, unit {task.unit}: its worker keeps crashing and no single record is to blame; it may "
        "have run out of memory (try fewer --workers, or a smaller unit_mb), or a library is broken. "
        "Finished work is kept; the same command continues from there"
    )
