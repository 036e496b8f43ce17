"""What travels to a worker, and what it does there: one unit of a stage, from its input to its sidecar."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import pyarrow as pa

from pipelines.errors import OutputError, what_to_fix
from pipelines.faults import fail_point
from pipelines.recipe.recipe import Recipe
from pipelines.store.folders import Folder
from pipelines.store.manifest import Sidecar, Totals, read_sidecar, sidecar_path, write_sidecar
from pipelines.store.sealed import write_sealed
from pipelines.store.storage import Storage
from pipelines.work.marks import Watch, mark_started, note_record, remove_marks
from pipelines.work.parts import Parts
from pipelines.work.progress import Progress, lost_in, record_progress


@dataclass(frozen=True)
class Run:
    """One call of the command line: the recipe, where it writes, and with what force.

    Attributes:
        recipe: files of its steps resolved to absolute paths.
        storage: the output folder.
        workers: number of worker processes on this machine.
        beam_flags: flags for the Beam runner, as given after ``--``.
        progress: where to report what is going on.
    """

    recipe: Recipe
    storage: Storage
    workers: int
    beam_flags: tuple[str, ...]
    progress: Progress


@dataclass(frozen=True, slots=True)
class Task:
    """One unit of a stage, as it travels to a worker.

    Attributes:
        unit: its name.
        fingerprint: of its input data.
        cost: bytes to work on, for dealing units to workers.
        payload: what the stage's `process_unit` needs to know about it; JSON-able.
        condemned: records to pass over, because they killed their worker; None = not under watch.
    """

    unit: str
    fingerprint: str
    cost: int
    payload: Mapping[str, Any]
    condemned: tuple[int, ...] | None = None

    def to_json(self) -> str:
        """Return the task as one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> Task:
        """Return the task of a line."""
        return cls(**json.loads(line))


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that a stage yields for one of its folders; each batch is at least one row group.

    Attributes:
        folder: name of the folder.
        table: the rows.
        part: name of the part where it is not the unit's own; batches of one part come together.
    """

    folder: str
    table: pa.Table
    part: str | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """What a unit's rows are, for the balance; yielded once, last."""

    counts: Totals


ProcessUnit = Callable[..., Iterator[Batch | Counts]]
"""Pure work on one unit: (payload, settings) -> batches, then counts. Knows neither Beam nor storage.
A stage whose folders can hold an error row for a record also takes a `Watch`, and tells it each record."""


@dataclass(frozen=True)
class UnitWork:
    """Everything a worker needs to do the units of one stage; pickled into the Beam graph once.

    Attributes:
        stage: name of the stage.
        key: sha256 of the stage key.
        root: the run folder.
        folders: what each unit writes one part into.
        process: the stage's pure function; importable by name.
        settings: its second argument.
        by_record: `process` takes a `Watch`, and passes over condemned records.
    """

    stage: str
    key: str
    root: str
    folders: tuple[Folder, ...]
    process: ProcessUnit
    settings: Any
    by_record: bool = False

    def do(self, task: Task) -> None:
        """Process one unit and commit its parts, then its sidecar. Doing it again gives the same files.

        A failure is noted in a file before it is raised: runners report little of an exception of a worker.

        Raises:
            OutputError: a file cannot be read or written; the message says which, and what to do.
        """
        storage = Storage(self.root)
        try:
            self._do(storage, task)
        except OSError as error:
            mend = OutputError(what_to_fix(error))
            _note(storage, self.stage, task, mend)
            raise mend from error
        except Exception as error:
            _note(storage, self.stage, task, error)
            raise

    def _do(self, storage: Storage, task: Task) -> None:
        counts: Totals = {}
        storage.withdraw(sidecar_path(self.stage, task.unit))
        mark_started(storage, self.stage, task.unit, self.version(task))
        fail_point(f"{self.stage}.start")
        with Parts(storage, self.folders, task.unit) as parts:
            for output in self._process(storage, task):
                if isinstance(output, Counts):
                    counts = output.counts
                    continue
                parts.write(output.folder, output.table, output.part)
                rows, lost = output.table.num_rows, lost_in(output.table)
                record_progress(storage, self.stage, task.unit, output.folder, rows, lost)
                fail_point(f"{self.stage}.batch")
        fail_point(f"{self.stage}.parts")
        files = tuple(parts.facts)
        write_sidecar(storage, Sidecar(task.unit, counts, files, self.stage, self.key, task.fingerprint))
        fail_point(f"{self.stage}.done")
        remove_marks(storage, self.stage, task.unit)
        record_progress(storage, self.stage, task.unit, "done", task.cost)

    def _process(self, storage: Storage, task: Task) -> Iterator[Batch | Counts]:
        if not self.by_record:
            return self.process(task.payload, self.settings)
        watched = task.condemned is not None
        note = partial(note_record, storage, self.stage, task.unit) if watched else None
        watch = Watch(self.stage, note, frozenset(task.condemned or ()))
        return self.process(task.payload, self.settings, watch)

    def version(self, task: Task) -> str:
        """Return what an attempt at a task must share with another to count as the same."""
        return f"{self.key} {task.fingerprint}"


def _note(storage: Storage, stage: str, task: Task, error: Exception) -> None:
    """Note an error in a file, where that can still be written."""
    note = {"unit": task.unit, "kind": type(error).__name__, "message": str(error)}
    with contextlib.suppress(OSError):
        write_sealed(storage, failure_path(stage), note)


def failure_path(stage: str) -> str:
    """Return where a worker notes why a unit failed."""
    return f"work/{stage}/failure"


def pending(storage: Storage, work: UnitWork, tasks: Sequence[Task]) -> list[Task]:
    """Return the tasks without a valid sidecar."""
    return [task for task in tasks if sidecar_of(storage, work, task) is None]


def sidecar_of(storage: Storage, work: UnitWork, task: Task) -> Sidecar | None:
    """Return the valid sidecar of a task, or None where it must be done."""
    return read_sidecar(storage, work.stage, task.unit, work.key, task.fingerprint)
