"""What the next attempt wants to know of one that died: which units it had begun, and which record it was at.

A worker adds a line to ``work/<stage>/<unit>.started`` before it works on a unit and removes the file after
the unit's sidecar. A unit that was begun twice in vain is done under watch: its worker also notes the number of
each record before it works on it, in ``work/<stage>/<unit>.record``. Marks need not outlive the machine, so
they are not flushed to the disk.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pipelines.faults import fail_point
from pipelines.store.storage import Storage

SUFFIXES = (".started", ".record")

CONDEMNED_REASON = "crash"
CONDEMNED_ERROR = "worker_died"
CONDEMNED_MESSAGE = "the worker process died at this record, twice, with nothing else to do"


@dataclass(frozen=True, slots=True)
class Watch:
    """Stands beside the work on one unit; records are numbered from 0 in the order of the unit.

    Attributes:
        stage: name of the stage.
        note: notes the number of a record; None = not under watch.
        condemned: records to pass over, each an error: they killed their worker.
    """

    stage: str = ""
    note: Callable[[int], None] | None = None
    condemned: frozenset[int] = frozenset()

    @property
    def closely(self) -> bool:
        """Say whether records are worked on one by one."""
        return self.note is not None

    def at(self, record: int) -> None:
        """Work on this record begins."""
        if self.note is not None:
            self.note(record)
        fail_point(f"{self.stage}.record.{record}")


UNWATCHED = Watch()


def note_record(storage: Storage, stage: str, unit: str, record: int) -> None:
    """Note that work on a record begins."""
    storage.append_line(record_path(stage, unit), str(record))


def mark_started(storage: Storage, stage: str, unit: str, version: str) -> None:
    """Note that an attempt at a unit begins.

    Args:
        storage: the run.
        stage: name of the stage.
        unit: name of the unit.
        version: of the unit's key and input; attempts at another version do not count.
    """
    storage.append_line(_path(stage, unit, ".started"), version)


def attempts(storage: Storage, stage: str, unit: str, version: str) -> int:
    """Return how often this version of a unit was begun in vain."""
    return storage.read_lines(_path(stage, unit, ".started")).count(version)


def remove_marks(storage: Storage, stage: str, unit: str) -> None:
    """Forget the attempts at a unit."""
    for suffix in SUFFIXES:
        storage.remove(_path(stage, unit, suffix))


def record_path(stage: str, unit: str) -> str:
    """Return where a watched worker notes the records it comes to."""
    return _path(stage, unit, ".record")


def last_record(storage: Storage, stage: str, unit: str) -> int | None:
    """Return the record that the last watched attempt was at; None = none."""
    lines = storage.read_lines(record_path(stage, unit))
    return int(lines[-1]) if lines else None


def _path(stage: str, unit: str, suffix: str) -> str:
    return f"work/{stage}/{unit}{suffix}"
