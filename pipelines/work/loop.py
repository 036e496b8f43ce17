"""The loop that all stages made of independent units share: do the units that are not finished, sweep the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipelines.beam.worker_server import worker_server
from pipelines.errors import CorpusmillError
from pipelines.faults import fail_point
from pipelines.store.folders import RUN_MANIFEST, Folder
from pipelines.store.manifest import Manifest, Sidecar, manifest_path, sidecar_path, write_manifest
from pipelines.store.stage_key import StageKey
from pipelines.store.storage import Storage
from pipelines.work.failures import forget_failure, read_failure
from pipelines.work.marks import SUFFIXES as MARKS
from pipelines.work.stage import Run
from pipelines.work.task import P, S, Task, UnitWork, pending, sidecar_of


def run_units(run: Run, work: UnitWork[P, S], tasks: Sequence[Task[P]]) -> dict[str, Sidecar]:
    """Do the units that have no valid sidecar, in one Beam pipeline; return all sidecars by unit.

    Raises:
        CorpusmillError: a unit did not finish; the message says which and why.
    """
    todo = pending(run.storage, work, tasks)
    run.progress.start(work.stage, todo=todo, total=len(tasks))
    forget_failure(run.storage, work.stage)
    try:
        if todo:
            if run.workers > 1 and run.is_local:
                worker_server()  # it imports Beam while this process does
            from pipelines.work.restart import (
                run_tasks,  # imports Beam, a second that a finished run need not spend
            )

            run_tasks(run, work, todo)
    except CorpusmillError as error:
        failure = read_failure(run.storage, work.stage)
        if failure is None:
            raise
        raise failure.as_error(work.stage) from error
    finally:
        run.progress.finish()
    sidecars = {task.unit: sidecar_of(run.storage, work, task) for task in tasks}
    missing = [unit for unit, sidecar in sidecars.items() if sidecar is None]
    if missing:
        raise CorpusmillError(
            f"stage {work.stage}: units {', '.join(missing[:5])} did not finish; run the same command again"
        )
    return {unit: sidecar for unit, sidecar in sidecars.items() if sidecar is not None}


def begin_stage(run: Run, home: str) -> None:
    """Delete the manifests that stop being true once a stage is redone: the stage's own and the run's."""
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
    """Remove what units that no longer exist left, then write the stage's manifest and return it."""
    sweep_units(run.storage, str(key.parts["stage"]), folders, set(sidecars))
    return write_manifest(run.storage, home, key, upstream, sidecars.values())


def sweep_units(storage: Storage, work: str, folders: Sequence[Folder], units: set[str]) -> None:
    """Remove parts in `folders`, and sidecars and marks in ``work/<work>/``, of all but these units."""
    for folder in folders:
        # If two stages share a folder, the suffix tells whose part it is.
        storage.remove_files(
            folder.name, keep={folder.part(unit) for unit in units}, suffixes=(f"{folder.suffix}.parquet",)
        )
    sidecars = {sidecar_path(work, unit) for unit in units}
    storage.remove_files(f"work/{work}", keep=sidecars, suffixes=(".json", *MARKS))
