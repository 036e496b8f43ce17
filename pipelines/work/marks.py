"""What the next attempt needs to know of one that died: which units it started, and which record it was at.

A worker adds a line to ``work/<stage>/<unit>.started`` before it works on a unit and removes the file after it wrote
the unit's sidecar. A unit that was started twice without a sidecar is watched: its worker also notes the number of
each record before it works on it, in ``work/<stage>/<unit>.record``. Marks need not outlive the machine, so
they are not flushed to the disk.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pipelines.faults import fail_point
from pipelines.store.storage import Storage

SUFFIXES: Final = (".started", ".record")

QUARANTINE_REASON: Final = "crash"
QUARANTINE_ERROR: Final = "worker_died"
QUARANTINE_MESSAGE: Final = "the worker process died at this record, twice, with nothing else to do"
"""The row in ``errors/`` of a quarantined record."""


@dataclass(frozen=True, slots=True)
class Watch:
    """Follows the work on one unit; records are numbered from 0 in the order of the unit.

    Attributes:
        stage: name of the stage.
        note: notes the number of a record; None = the unit is not watched.
        quarantined: records to pass over, each as an error: they killed their worker.
    """

    stage: str = ""
    note: Callable[[int], None] | None = None
    quarantined: frozenset[int] = frozenset()

    @property
    def one_by_one(self) -> bool:
        """True if records must be worked on one by one, so that a death names its record."""
        return self.note is not None

    def at(self, record: int) -> None:
        """Work on this record begins."""
        if self.note is not None:
            self.note(record)
        fail_point(f"{self.stage}.record.{record}")


UNWATCHED: Final = Watch()


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
    """Return how many attempts at this version of a unit did not finish it."""
    return storage.read_lines(_path(stage, unit, ".started")).count(version)


def remove_marks(storage: Storage, stage: str, unit: str) -> None:
    """Forget the attempts at a unit."""
    for suffix in SUFFIXES:
        storage.remove(_path(stage, unit, suffix))


def record_path(stage: str, unit: str) -> str:
    """Return where a watched worker notes the records that it comes to."""
    return _path(stage, unit, ".record")


def last_record(storage: Storage, stage: str, unit: str) -> int | None:
    """Return the record that the last watched attempt was at; None if it came to no record."""
    lines = storage.read_lines(record_path(stage, unit))
    return int(lines[-1]) if lines else None


def _path(stage: str, unit: str, suffix: str) -> str:
    return f"work/{stage}/{unit}{suffix}"
