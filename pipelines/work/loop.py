"""What every stage gets, and the loop that all stages made of independent units share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipelines.beam.flags import is_local
from pipelines.beam.worker_server import worker_server
from pipelines.errors import CorpusmillError, InputError, OutputError
from pipelines.faults import fail_point
from pipelines.store.folders import RUN_MANIFEST, Folder
from pipelines.store.manifest import Manifest, Sidecar, manifest_path, sidecar_path, write_manifest
from pipelines.store.stage_key import StageKey
from pipelines.store.storage import Storage
from pipelines.work.marks import SUFFIXES as MARKS
from pipelines.work.task import Run, Task, UnitWork, failure_path, pending, sidecar_of


def run_units(run: Run, work: UnitWork, tasks: Sequence[Task]) -> dict[str, Sidecar]:
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
    sidecars = {task.unit: sidecar_of(run.storage, work, task) for task in tasks}
    missing = [unit for unit, sidecar in sidecars.items() if sidecar is None]
    if missing:
        raise CorpusmillError(
            f"stage {work.stage}: units {', '.join(missing[:5])} did not finish; run it again"
        )
    return {unit: sidecar for unit, sidecar in sidecars.items() if sidecar is not None}


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
    upstream: Sequence[Manifest],
    sidecars: Mapping[str, Sidecar],
    home: str,
) -> Manifest:
    """Remove what belongs to units that are no more, then write the stage's manifest and return it."""
    sweep_units(run.storage, str(key.parts["stage"]), folders, set(sidecars))
    return write_manifest(run.storage, home, key, upstream, sidecars.values())


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
