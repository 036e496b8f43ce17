"""What travels to a worker, and what it does there: one unit of a stage, from its input to its sidecar."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Generic, TypeVar

import pyarrow as pa

from pipelines.errors import OutputError, what_to_fix
from pipelines.faults import fail_point
from pipelines.store.folders import Folder
from pipelines.store.manifest import Sidecar, Totals, read_sidecar, sidecar_path, write_sidecar
from pipelines.store.storage import Storage
from pipelines.work.failures import note_failure
from pipelines.work.marks import Watch, mark_started, note_record, remove_marks
from pipelines.work.parts import PartWriter
from pipelines.work.progress import lost_in, record_done, record_rows

P = TypeVar("P")
"""What a stage needs to know about one unit: a dataclass of what JSON can hold."""
S = TypeVar("S")
"""What a stage needs to know about all units: a dataclass that can be pickled."""


@dataclass(frozen=True, slots=True)
class Task(Generic[P]):
    """One unit of a stage, as it travels to a worker.

    Attributes:
        unit: its name.
        fingerprint: of its input data.
        cost: bytes to work on, for dealing units to workers.
        payload: what the stage needs to know about it.
        quarantined: records to pass over, because they killed their worker; None = the unit is not watched.
    """

    unit: str
    fingerprint: str
    cost: int
    payload: P
    quarantined: tuple[int, ...] | None = None

    def to_json(self) -> str:
        """Return the task as one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str, payload: Callable[..., P]) -> Task[P]:
        """Return the task of a line, its payload of a type."""
        fields = json.loads(line)
        records = fields["quarantined"]
        return cls(
            fields["unit"],
            fields["fingerprint"],
            fields["cost"],
            payload(**fields["payload"]),
            None if records is None else tuple(records),
        )


@dataclass(frozen=True, slots=True)
class Part:
    """Payload of a unit that reads one part of a folder.

    Attributes:
        path: of the part, for a worker.
    """

    path: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that a stage yields for one of its folders; each batch is at least one row group.

    Attributes:
        folder: name of the folder.
        table: the rows.
        part: name of the part if it is not the unit's own; batches of one part come together.
    """

    folder: str
    table: pa.Table
    part: str | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """What a unit's rows are, for the balance; yielded once, last."""

    counts: Totals


@dataclass(frozen=True)
class UnitWork(Generic[P, S]):
    """Everything a worker needs to do the units of one stage; pickled into the Beam graph once.

    Attributes:
        stage: name of the stage.
        key: sha256 of the stage key.
        root: the run folder.
        folders: what each unit writes one part into.
        function: the stage's pure function; importable by name; knows neither Beam nor storage. It yields batches,
            then counts. If an error row can stand for a record, it reports each record to the `Watch` and passes
            over those in quarantine; else it ignores the watch.
        settings: its second argument.
        payload: type of its first argument.
    """

    stage: str
    key: str
    root: str
    folders: tuple[Folder, ...]
    function: Callable[[P, S, Watch], Iterator[Batch | Counts]]
    settings: S
    payload: type[P]

    def process(self, task: Task[P]) -> None:
        """Process one unit and commit its parts, then its sidecar. Doing it again gives the same files.

        A failure is noted in a file before it is raised.

        Raises:
            OutputError: a file cannot be read or written; the message says which, and what to do.
        """
        storage = Storage(self.root)
        try:
            self._process(storage, task)
        except OSError as error:
            for_user = OutputError(what_to_fix(error))
            note_failure(storage, self.stage, task.unit, for_user)
            raise for_user from error
        except Exception as error:
            note_failure(storage, self.stage, task.unit, error)
            raise

    def _process(self, storage: Storage, task: Task[P]) -> None:
        counts: Totals = {}
        storage.withdraw(sidecar_path(self.stage, task.unit))
        mark_started(storage, self.stage, task.unit, self.version(task))
        fail_point(f"{self.stage}.start")
        with PartWriter(storage, self.folders, task.unit) as parts:
            for output in self.function(task.payload, self.settings, self._watch(storage, task)):
                if isinstance(output, Counts):
                    counts = output.counts
                    continue
                parts.write(output.folder, output.table, output.part)
                rows, lost = output.table.num_rows, lost_in(output.table)
                record_rows(storage, self.stage, task.unit, output.folder, rows, lost)
                fail_point(f"{self.stage}.batch")
        fail_point(f"{self.stage}.parts")
        files = tuple(parts.facts)
        write_sidecar(storage, Sidecar(task.unit, counts, files, self.stage, self.key, task.fingerprint))
        fail_point(f"{self.stage}.done")
        remove_marks(storage, self.stage, task.unit)
        record_done(storage, self.stage, task.unit, task.cost)

    def _watch(self, storage: Storage, task: Task[P]) -> Watch:
        if task.quarantined is None:
            return Watch(self.stage)
        note = partial(note_record, storage, self.stage, task.unit)
        return Watch(self.stage, note, frozenset(task.quarantined))

    def version(self, task: Task[P]) -> str:
        """Return what an attempt at a task must share with another to count as the same."""
        return f"{self.key} {task.fingerprint}"


def pending(storage: Storage, work: UnitWork[P, S], tasks: Sequence[Task[P]]) -> list[Task[P]]:
    """Return the tasks without a valid sidecar."""
    return [task for task in tasks if sidecar_of(storage, work, task) is None]


def sidecar_of(storage: Storage, work: UnitWork[P, S], task: Task[P]) -> Sidecar | None:
    """Return the valid sidecar of a task, or None if it must be done."""
    return read_sidecar(storage, work.stage, task.unit, work.key, task.fingerprint)
