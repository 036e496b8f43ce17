"""Does the stages of a run, one after another; a stage is skipped if its output is current."""

from __future__ import annotations

import dataclasses
import os
import platform
import resource
import time
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata

from filters.judge import NamedStep
from filters.step import versions_of
from pipelines.beam.worker_server import preload
from pipelines.errors import InputError, RecipeError, VerificationError, mapped
from pipelines.faults import fail_point
from pipelines.recipe.load import resolved
from pipelines.recipe.models import resolve
from pipelines.recipe.recipe import Recipe
from pipelines.stages.dedup.stage import DedupStage, NoDedupStage
from pipelines.stages.extract.pins import pin_inputs
from pipelines.stages.extract.stage import ExtractStage
from pipelines.stages.filter import FilterStage
from pipelines.stages.pack.stage import PackStage
from pipelines.stages.tokenizer.stage import TokenizerStage
from pipelines.store.balance import balance, broken_laws, kept
from pipelines.store.fate import ERROR, total
from pipelines.store.folders import NAME_FILE, OWN, TIMES
from pipelines.store.manifest import (
    Manifest,
    RunManifest,
    StageEntry,
    manifest_path,
    valid_manifest,
    write_run_manifest,
)
from pipelines.store.sealed import JsonObject, write_sealed
from pipelines.store.stage_key import StageKey, explain_change
from pipelines.store.storage import Storage
from pipelines.views.report.page import write_report
from pipelines.views.run_tables import RunTables
from pipelines.work.log import logged
from pipelines.work.loop import begin_stage
from pipelines.work.progress import Progress
from pipelines.work.stage import Run, Stage


def run_recipe(
    recipe: Recipe,
    out: str,
    workers: int,
    beam_flags: tuple[str, ...] = (),
    until: str = "pack",
    quiet: bool = False,
) -> RunManifest:
    """Do the stages of a recipe.

    Args:
        recipe: as loaded.
        out: the run folder.
        workers: worker processes on this machine.
        beam_flags: flags for the Beam runner.
        until: name of the last stage to do.
        quiet: show no progress.

    Returns:
        The manifest of the run, as written to ``manifest.json``.

    Raises:
        RecipeError: the folder holds a run of another name.
        VerificationError: the balance is broken, or there are more errors than ``max_error_share``.
        CorpusmillError: a stage failed; finished work is kept.
    """
    storage = Storage(out)
    with storage.lock():
        _claim(storage, recipe.name)
        version = metadata.version("corpusmill")
        with logged(storage, f"corpusmill {version}: {recipe.name} up to {until}, workers: {workers}"):
            return _run_stages(recipe, storage, workers, beam_flags, until, Progress(storage, quiet))


def _run_stages(
    recipe: Recipe,
    storage: Storage,
    workers: int,
    beam_flags: tuple[str, ...],
    until: str,
    progress: Progress,
) -> RunManifest:
    """Do what `run_recipe` says in a folder that this process holds."""
    storage.sweep_dead_run()
    steps = _resolve_steps(recipe)
    recipe = pin_inputs(recipe, storage, progress.say)
    run = Run(dataclasses.replace(recipe, steps=steps), storage, workers, beam_flags, progress)
    started = time.time()
    manifests, seconds = _do_stages(run, until)
    manifest = _finish(storage, recipe, manifests)
    _write_times(storage, started, seconds, workers)
    write_report(storage)
    _judge(storage, recipe, manifest, manifests)
    return manifest


def _claim(storage: Storage, name: str) -> None:
    """Refuse the folder of another run, and one with other files under names that a run replaces."""
    found = storage.read_json(NAME_FILE)
    taken = [name for name in OWN if found is None and storage.path(name).exists()]
    if taken:
        raise RecipeError(
            f"{storage.root} is not a run but has {', '.join(taken)}, which a run would replace; "
            "choose another folder with --out"
        )
    if found is not None and found.get("name") != name:
        raise RecipeError(
            f"{storage.root} holds the run {found.get('name')!r}, the recipe is named {name!r}; "
            "choose another folder with --out"
        )
    write_sealed(storage, NAME_FILE, {"name": name})


def _resolve_steps(recipe: Recipe) -> tuple[NamedStep, ...]:
    """Find and hash the files of all steps.

    Raises:
        InputError: a file does not exist, or a library that a step needs is not installed.
    """
    for entry in recipe.steps:
        with mapped(ValueError, where=f"step {entry.name}"):
            versions_of(entry.step)
    return tuple(resolve(entry, recipe.folder) for entry in recipe.steps)


def stages_of(run: Run) -> Iterator[Stage]:
    """Yield the stages of a run that its recipe wants, in order."""
    recipe = run.recipe
    yield ExtractStage(run)
    yield FilterStage(run)
    yield DedupStage(run) if recipe.dedup is not None else NoDedupStage(run)
    if recipe.tokenizer is not None:
        yield TokenizerStage(run, recipe.tokenizer)
        if recipe.pack is not None:
            yield PackStage(run, recipe.pack)


def _do_stages(run: Run, until: str) -> tuple[dict[str, Manifest], dict[str, float]]:
    """Do the stages in order; return their manifests and seconds by stage name."""
    preload(type(stage).__module__ for stage in stages_of(run))
    keys: dict[str, StageKey] = {}
    manifests: dict[str, Manifest] = {}
    seconds: dict[str, float] = {}
    for stage in stages_of(run):
        key = keys[stage.name] = stage.key([keys[name] for name in stage.reads])
        started = time.monotonic()
        manifests[stage.name] = _do_stage(stage, [manifests[name] for name in stage.reads], key)
        seconds[stage.name] = round(time.monotonic() - started, 3)
        is_empty = stage.name == "filter" and not kept(balance(manifests).decisions)
        if stage.name == until or is_empty:  # the funnel of the stages so far says why nothing is left
            break
    return manifests, seconds


def _do_stage(stage: Stage, upstream: Sequence[Manifest], key: StageKey) -> Manifest:
    """Do one stage unless its manifest is still valid."""
    run = stage.run
    known = valid_manifest(run.storage, stage.home, key, upstream)
    is_current = stage.is_current(known, key)
    if known is not None and is_current:
        run.progress.say(f"{stage.name}: nothing to do")
        for folder in stage.scratch:  # an earlier run may have died between its manifest and this
            run.storage.remove_files(folder)
        return known
    _explain(run, stage.home, key)
    begin_stage(run, stage.home)
    return stage.make(upstream, key)


def _explain(run: Run, home: str, key: StageKey) -> None:
    """Say why a stage is redone."""
    known = run.storage.read_json(manifest_path(home))
    if known is None or known.get("key") == key.sha256:
        return
    before = known.get("key_parts", {})
    if bool(before.get("settings")) == bool(key.parts["settings"]):
        lines = explain_change(before, key.parts)
    else:  # without a section in the recipe a stage has no settings
        lines = [f"the recipe now has {'a' if key.parts['settings'] else 'no'} section for it"]
    for line in lines:
        run.progress.say(f"{key.parts['stage']}: redone because {line}")


def _finish(storage: Storage, recipe: Recipe, manifests: Mapping[str, Manifest]) -> RunManifest:
    """Write the manifest of the run."""
    fail_point("run.manifest")
    stages = {
        name: StageEntry(manifest.home, manifest.key, manifest.sha256) for name, manifest in manifests.items()
    }
    return write_run_manifest(storage, RunManifest(resolved(recipe), stages, balance(manifests)))


def _write_times(storage: Storage, started: float, seconds: Mapping[str, float], workers: int) -> None:
    """Write ``run.json``: what differs between two runs with equal output."""
    peaks = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    value: JsonObject = {
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started)),
        "seconds": round(time.time() - started, 3),
        "stage_seconds": dict(seconds),
        "workers": workers,
        "cpus": os.cpu_count(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "peak_rss_mb": {"driver": peaks[0] // 1024, "largest_child": peaks[1] // 1024},
    }
    write_sealed(storage, TIMES, value)


def _judge(
    storage: Storage,
    recipe: Recipe,
    manifest: RunManifest,
    manifests: Mapping[str, Manifest],
) -> None:
    """Raise an error for a broken balance, too many errors, or an empty result."""
    faults = broken_laws(manifests)
    if faults:
        raise VerificationError("the balance is broken:\n" + "\n".join(faults))
    decisions, damaged = manifest.balance.decisions, manifest.balance.damaged_spans
    seen, errors = decisions.get("seen", 0), total(decisions, ERROR)
    limit = recipe.max_error_share
    if limit is not None and errors > limit * seen:
        raise VerificationError(f"{errors} of {seen} records are errors, more than max_error_share {limit}")
    if not seen and damaged:
        raise InputError(_first_damage(storage, damaged))
    if not kept(decisions):
        raise InputError(
            "nothing was kept; the funnel shows where the records went, "
            "`corpusmill show OUT --errors` and `--dropped STEP` show which they were"
        )


def _first_damage(storage: Storage, spans: int) -> str:
    """Return the message for a run whose inputs hold no record; most often the reader is wrong."""
    first = RunTables(storage).query("SELECT source, file, reason, message FROM errors LIMIT 1")[0]
    return (
        f"no record was found; damaged spans, listed in errors/: {spans}; the first is {first['reason']} in "
        f"{first['source']}:{first['file']}: {first['message']}; does every input have the right `reader`?"
    )
