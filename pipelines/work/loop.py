"""What every stage gets, and the loop that all stages made of independent units share."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import pyarrow as pa

from pipelines.beam.flags import is_local
from pipelines.beam.worker_server import worker_server
from pipelines.errors import CorpusmillError, InputError, OutputError, what_to_mend
from pipelines.faults import fail_point
from pipelines.recipe.recipe import Recipe
from pipelines.store.manifest import (
    RUN_MANIFEST,
    Folder,
    StageKey,
    finished,
    manifest_path,
    sidecar_path,
    write_sealed,
    write_sidecar,
    write_stage_manifest,
)
from pipelines.store.storage import Storage
from pipelines.work.marks import SUFFIXES as MARKS
from pipelines.work.marks import Watch, mark_started, note_record, remove_marks
from pipelines.work.parts import Parts
from pipelines.work.progress import Progress, lost_in, record_progress


@dataclass(frozen=True)
class Run:
    """One call of the command line: the recipe, where it writes, and with what force.

    Attributes:
        recipe: files of its steps resolved to absolute paths.
        file_hashes: sha256 of every model and list file, by ``step.field``.
        storage: the output folder.
        workers: number of worker processes on this machine.
        beam_flags: flags for the Beam runner, as given after ``--``.
        progress: where to report what is going on.
    """

    recipe: Recipe
    file_hashes: Mapping[str, str]
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

    counts: Mapping[str, Any]


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
            mend = OutputError(what_to_mend(error))
            _note(storage, self.stage, task, mend)
            raise mend from error
        except Exception as error:
            _note(storage, self.stage, task, error)
            raise

    def _do(self, storage: Storage, task: Task) -> None:
        counts: Mapping[str, Any] = {}
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
        write_sidecar(storage, self.stage, task.unit, self.key, task.fingerprint, parts.facts, counts)
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


def run_units(run: Run, work: UnitWork, tasks: Sequence[Task]) -> dict[str, dict[str, Any]]:
    """Do the units that have no valid sidecar, in one Beam pipeline; return all sidecars by unit.

    Raises:
        CorpusmillError: a unit did not finish; the message says which and why.
    """
    todo = pending(run.storage, work, tasks)
    run.progress.start(work.stage, todo=todo, total=len(tasks))
    run.storage.remove(failure_path(work.stage))
    try:
        if todo:
            if run.workers > 1 and is_local(run.beam_flags):
                worker_server()  # it imports Beam while this process does
            from pipelines.work.restart import do_units  # reads Beam, a second that a resumed run needs not

            do_units(run, work, todo)
    except CorpusmillError as error:
        raise _failure(run.storage, work.stage) or error from error
    finally:
        run.progress.finish()
    sidecars = {task.unit: _sidecar(run.storage, work, task) for task in tasks}
    missing = [unit for unit, sidecar in sidecars.items() if sidecar is None]
    if missing:
        raise CorpusmillError(
            f"stage {work.stage}: units {', '.join(missing[:5])} did not finish; run it again"
        )
    return {unit: sidecar for unit, sidecar in sidecars.items() if sidecar is not None}


def failure_path(stage: str) -> str:
    """Return where a worker notes why a unit failed."""
    return f"work/{stage}/failure"


def _failure(storage: Storage, stage: str) -> CorpusmillError | None:
    """Return the error that a worker noted, if one did."""
    note = storage.read_json(failure_path(stage))
    if note is None:
        return None
    for kind in (InputError, OutputError):
        if note["kind"] == kind.__name__:
            return kind(note["message"])
    return CorpusmillError(
        f"stage {stage}, unit {note['unit']}: {note['kind']}: {note['message']}; "
        "what was finished is kept; run again with --debug to see where it happened"
    )


def begin_stage(run: Run, home: str) -> None:
    """Take back the manifests that a stage about to be redone would make untrue: its own and the run's."""
    run.storage.withdraw(RUN_MANIFEST)
    run.storage.withdraw(manifest_path(home))
    fail_point(f"{home}.begin")


def finish_stage(
    run: Run,
    key: StageKey,
    folders: Sequence[Folder],
    upstream: Mapping[str, str],
    sidecars: Mapping[str, Mapping[str, Any]],
    home: str,
) -> dict[str, Any]:
    """Remove what belongs to units that are no more, then write the stage's manifest and return it."""
    sweep_units(run.storage, str(key.parts["stage"]), folders, set(sidecars))
    return write_stage_manifest(run.storage, home, key, upstream, sidecars.values())


def sweep_units(storage: Storage, work: str, folders: Sequence[Folder], units: set[str]) -> None:
    """Remove parts in `folders`, and sidecars and marks in ``work/<work>/``, of any but these units."""
    for folder in folders:
        # Where two stages share a folder, the suffix tells whose part it is.
        mine = [f for f in storage.list_files(folder.name) if f.endswith(f"{folder.suffix}.parquet")]
        _remove_all_but(storage, mine, {folder.part(unit) for unit in units})
    mine = [f for f in storage.list_files(f"work/{work}") if f.endswith((".json", *MARKS))]
    _remove_all_but(storage, mine, {sidecar_path(work, unit) for unit in units})


def _remove_all_but(storage: Storage, files: Sequence[str], keep: set[str]) -> None:
    for relative in set(files) - keep:
        storage.remove(relative)


def pending(storage: Storage, work: UnitWork, tasks: Sequence[Task]) -> list[Task]:
    """Return the tasks without a valid sidecar."""
    return [task for task in tasks if _sidecar(storage, work, task) is None]


def _sidecar(storage: Storage, work: UnitWork, task: Task) -> dict[str, Any] | None:
    return finished(storage, work.stage, task.unit, work.key, task.fingerprint)
