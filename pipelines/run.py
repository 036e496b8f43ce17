"""All stages of a run, one after another; each is skipped when its output is still what it would be."""

from __future__ import annotations

import dataclasses
import os
import platform
import resource
import time
from collections.abc import Callable, Mapping
from typing import Any

from filters.judge import NamedStep
from filters.step import versions_of
from pipelines.beam.worker_server import preload
from pipelines.errors import InputError, RecipeError, VerificationError, mapped
from pipelines.faults import fail_point
from pipelines.recipe.load import resolved
from pipelines.recipe.models import resolve
from pipelines.recipe.recipe import Recipe
from pipelines.stages import filter as filtering
from pipelines.stages.dedup import stage as dedup
from pipelines.stages.extract import stage as extract
from pipelines.stages.extract.pins import pin_inputs
from pipelines.stages.pack import stage as pack
from pipelines.stages.tokenizer import stage as train_tokenizer
from pipelines.store.balance import balance, broken_laws, by_fate, kept
from pipelines.store.folders import NAME_FILE, OWN, STAGES, TIMES
from pipelines.store.manifest import (
    Manifest,
    RunManifest,
    StageEntry,
    UnitResult,
    manifest_path,
    valid_manifest,
    write_manifest,
    write_run_manifest,
)
from pipelines.store.sealed import JsonObject, write_sealed
from pipelines.store.stage_key import StageKey, explain_change, stage_key
from pipelines.store.storage import Storage
from pipelines.views.report.page import write_report
from pipelines.views.run_tables import RunTables
from pipelines.work.loop import begin_stage
from pipelines.work.progress import Progress
from pipelines.work.stage import Run


def run_recipe(
    recipe: Recipe,
    out: str,
    workers: int,
    beam_flags: tuple[str, ...] = (),
    until: str = "pack",
    quiet: bool = False,
) -> RunManifest:
    """Do the stages of a recipe up to and including `until`.

    Returns:
        The manifest of the run, as written to ``manifest.json``.

    Raises:
        RecipeError: the folder holds a run of another name.
        VerificationError: the balance is broken, or there are more errors than ``max_error_share``.
        CorpusmillError: a stage failed; what it finished is kept.
    """
    preload(stage.__name__ for stage in (extract, filtering, dedup, train_tokenizer, pack))
    storage = Storage(out)
    with storage.lock():
        _claim(storage, recipe.name)
        storage.sweep_dead_run()
        steps = _resolve_steps(recipe)
        progress = Progress(storage, quiet)
        recipe = pin_inputs(recipe, storage, progress.say)
        run = Run(dataclasses.replace(recipe, steps=steps), storage, workers, beam_flags, progress)
        began = time.time()
        manifests, seconds = _do_stages(run, until)
        manifest = _finish(storage, recipe, manifests)
        _write_times(storage, began, seconds, workers)
        write_report(storage)
    _judge(storage, recipe, manifest, manifests)
    return manifest


def _claim(storage: Storage, name: str) -> None:
    """Refuse a folder that another run calls its own, or that has files of somebody else where a run has its own."""
    found = storage.read_json(NAME_FILE)
    taken = [name for name in OWN if found is None and storage.path(name).exists()]
    if taken:
        raise RecipeError(
            f"{storage.root} is no run but has {', '.join(taken)}, which a run would replace; "
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


def _do_stages(run: Run, until: str) -> tuple[dict[str, Manifest], dict[str, float]]:
    """Do the stages in order; return their manifests and seconds by stage name."""
    recipe, wanted = run.recipe, STAGES[: STAGES.index(until) + 1]
    manifests: dict[str, Manifest] = {}
    seconds: dict[str, float] = {}
    clock = _Clock(seconds)

    extract_key = extract.key(run)
    _explain(run, extract.HOME, extract_key)
    manifests["extract"] = clock.time("extract", extract.run_stage, run, extract_key)
    if "filter" not in wanted:
        return manifests, seconds

    filter_key = filtering.key(run, extract_key)
    manifests["filter"] = clock.time("filter", _stage, run, filtering, filter_key, manifests["extract"])
    if "dedup" not in wanted or not kept(balance(manifests).decisions):
        return manifests, seconds  # with nothing to go on with, the funnel of these two says why

    documents_key = (
        dedup.key(run, filter_key) if recipe.dedup else stage_key("dedup", {}, [filter_key.sha256])
    )
    do = _stage if recipe.dedup else _point_at_filtered
    manifests["dedup"] = clock.time("dedup", do, run, dedup, documents_key, manifests["filter"])
    if "train-tokenizer" not in wanted or recipe.tokenizer is None:
        return manifests, seconds

    tokenizer_key = train_tokenizer.key(run, documents_key)
    manifests["train-tokenizer"] = clock.time(
        "train-tokenizer", _stage, run, train_tokenizer, tokenizer_key, manifests["dedup"]
    )
    if "pack" not in wanted or recipe.pack is None:
        return manifests, seconds

    pack_key = pack.key(run, documents_key, tokenizer_key)
    upstream = (manifests["dedup"], manifests["train-tokenizer"])
    manifests["pack"] = clock.time("pack", _stage, run, pack, pack_key, *upstream)
    return manifests, seconds


class _Clock:
    """Notes how long each stage took."""

    def __init__(self, seconds: dict[str, float]) -> None:
        self._seconds = seconds

    def time(self, stage: str, do: Callable[..., Manifest], *arguments: Any) -> Manifest:
        began = time.monotonic()
        manifest = do(*arguments)
        self._seconds[stage] = round(time.monotonic() - began, 3)
        return manifest


def _stage(run: Run, stage: Any, key: StageKey, *upstream: Manifest) -> Manifest:
    """Do one stage unless its manifest is still valid."""
    known = valid_manifest(run.storage, stage.HOME, key, upstream)
    if known is not None:
        run.progress.say(f"{stage.NAME}: nothing to do")
        for folder in stage.SCRATCH:  # it may have died between its manifest and its tidying up
            run.storage.remove_files(folder)
        return known
    _explain(run, stage.HOME, key)
    begin_stage(run, stage.HOME)
    manifest: Manifest = stage.run_stage(run, *upstream, key)
    return manifest


def _point_at_filtered(run: Run, stage: Any, key: StageKey, filtered: Manifest) -> Manifest:
    """Without dedup, the manifest of ``documents/`` lists the files of ``filtered/``."""
    known = valid_manifest(run.storage, stage.HOME, key, [filtered])
    if known is not None:
        return known
    begin_stage(run, stage.HOME)
    units = [UnitResult(file.unit, {}, (file,)) for file in filtered.folder("filtered")]
    return write_manifest(run.storage, stage.HOME, key, [filtered], units)


def _explain(run: Run, home: str, key: StageKey) -> None:
    """Say why a stage that was done before is done again."""
    known = run.storage.read_json(manifest_path(home))
    if known is not None and known.get("key") != key.sha256:
        for line in explain_change(known.get("key_parts", {}), key.parts):
            run.progress.say(f"{key.parts['stage']}: redone because {line}")


def _finish(storage: Storage, recipe: Recipe, manifests: Mapping[str, Manifest]) -> RunManifest:
    """Write the manifest of the run."""
    fail_point("run.manifest")
    stages = {
        name: StageEntry(manifest.home, manifest.key, manifest.sha256) for name, manifest in manifests.items()
    }
    return write_run_manifest(storage, RunManifest(resolved(recipe), stages, balance(manifests)))


def _write_times(storage: Storage, began: float, seconds: Mapping[str, float], workers: int) -> None:
    """Write ``run.json``: what differs between two runs with equal output."""
    peaks = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    value: JsonObject = {
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(began)),
        "seconds": round(time.time() - began, 3),
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
    """Turn a broken balance, too many errors, or an empty result into the error it is."""
    faults = broken_laws(manifests)
    if faults:
        raise VerificationError("the balance is broken:\n" + "\n".join(faults))
    decisions, damaged = manifest.balance.decisions, manifest.balance.damaged_spans
    seen, errors = decisions.get("seen", 0), sum(by_fate(decisions, "error").values())
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
    """Return what a person should know where inputs hold no record at all, most often for a wrong reader."""
    first = RunTables(storage).query("SELECT source, file, reason, message FROM errors LIMIT 1")[0]
    return (
        f"no record was found; damaged spans, listed in errors/: {spans}; the first is {first['reason']} in "
        f"{first['source']}:{first['file']}: {first['message']}; has every input the right `reader`?"
    )
