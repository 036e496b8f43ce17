"""Units done in spite of dying workers.

When a worker dies the stage is started again; finished units are skipped. A unit that was begun twice in vain,
in this run or an earlier one, is then done alone in a process of its own that notes each record it comes to. A
record at which that process dies twice is guilty: it becomes an error and the rest of the unit is done. So a
record is condemned on evidence, never because a run happened to be killed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from pipelines.beam.worker_server import WorkerDiedError
from pipelines.errors import CorpusmillError
from pipelines.work.graph import process_units
from pipelines.work.marks import attempts, last_record, record_path
from pipelines.work.task import Run, Task, UnitWork, pending

MAX_RESTARTS = 3
"""Deaths in a row without a unit finished or a record found guilty; one more ends the run."""
MAX_ATTEMPTS = 2
"""Attempts at a unit before it is done alone."""
MAX_CONDEMNED = 16
"""Records of one unit that may be guilty; beyond that the fault lies elsewhere."""


def do_units(run: Run, work: UnitWork, tasks: Sequence[Task]) -> None:
    """Do tasks that have no valid sidecar.

    Raises:
        CorpusmillError: a unit failed, or workers died and no record explains it.
    """
    deaths, todo = 0, list(tasks)
    while todo:
        suspects = [task for task in todo if _begun(run, work, task) >= MAX_ATTEMPTS]
        try:
            if suspects:
                _do_alone(run, work, suspects[0])
            else:
                process_units(run, work, todo)
        except WorkerDiedError as error:
            run.storage.sweep_temporary()
            left = pending(run.storage, work, todo)
            deaths = deaths + 1 if len(left) == len(todo) else 1
            if deaths > MAX_RESTARTS:
                raise _unexplained(work, left[0]) from error
            run.progress.say(f"{work.stage}: a worker process died; starting the stage again")
        todo = pending(run.storage, work, todo)


def _do_alone(run: Run, work: UnitWork, task: Task) -> None:
    """Do one unit in a process of its own, passing over the records that kill it.

    Raises:
        CorpusmillError: the process dies, and not for any one record.
    """
    run.progress.say(f"{work.stage}: unit {task.unit} was begun twice in vain; doing it alone")
    condemned: list[int] = []
    deaths, suspect = 0, None
    while True:
        run.storage.remove(record_path(work.stage, task.unit))
        watched = dataclasses.replace(task, condemned=tuple(condemned))
        try:
            process_units(run, work, [watched], apart=True)
            return
        except WorkerDiedError as error:
            run.storage.sweep_temporary()
            deaths += 1
            record = last_record(run.storage, work.stage, task.unit)
            if record is not None and record == suspect:
                run.progress.say(f"{work.stage}: unit {task.unit}: record {record} killed its worker twice")
                condemned.append(record)
                deaths, suspect = 0, None
            else:
                suspect = record
            if deaths > MAX_RESTARTS or len(condemned) > MAX_CONDEMNED:
                raise _unexplained(work, task) from error


def _begun(run: Run, work: UnitWork, task: Task) -> int:
    return attempts(run.storage, work.stage, task.unit, work.version(task))


def _unexplained(work: UnitWork, task: Task) -> CorpusmillError:
    return CorpusmillError(
        f"stage {work.stage}, unit {task.unit}: its worker process died again and again, and no single record "
        "explains it; it may have been out of memory (try fewer --workers, or a smaller unit_mb), or a library "
        "is broken. What is finished is kept; the same command goes on from there"
    )
