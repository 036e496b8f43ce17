"""Why a unit failed: noted in a file by its worker, because runners report little of a worker's exception."""

from __future__ import annotations

import contextlib
from dataclasses import asdict, dataclass

from pipelines.errors import CorpusmillError, InputError, OutputError
from pipelines.store.sealed import write_sealed
from pipelines.store.storage import Storage


@dataclass(frozen=True)
class Failure:
    """The error that ended the work on a unit.

    Attributes:
        unit: name of the unit.
        kind: class of the error.
        message: what it says.
    """

    unit: str
    kind: str
    message: str

    def as_error(self, stage: str) -> CorpusmillError:
        """Return the error that the user is shown."""
        for kind in (InputError, OutputError):
            if self.kind == kind.__name__:
                return kind(self.message)
        return CorpusmillError(
            f"stage {stage}, unit {self.unit}: {self.kind}: {self.message}; "
            "finished work is kept; run again with --debug to see where it happened"
        )


def note_failure(storage: Storage, stage: str, unit: str, error: Exception) -> None:
    """Note why a unit failed, if the file can still be written."""
    failure = Failure(unit, type(error).__name__, str(error))
    with contextlib.suppress(OSError):
        write_sealed(storage, _path(stage), asdict(failure))


def read_failure(storage: Storage, stage: str) -> Failure | None:
    """Return the failure that a worker noted last, if one did."""
    note = storage.read_json(_path(stage))
    return None if note is None else Failure(note["unit"], note["kind"], note["message"])


def forget_failure(storage: Storage, stage: str) -> None:
    """Remove the note of an earlier attempt."""
    storage.remove(_path(stage))


def _path(stage: str) -> str:
    return f"work/{stage}/failure"
