"""Stage dedup: duplicates are removed, and one document of each cluster stays; the package draws its steps."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import ClassVar, Final

from pipelines.errors import InputError
from pipelines.recipe.recipe import Dedup
from pipelines.stages.dedup import decisions, documents, index, lines, signatures, substrings
from pipelines.stages.dedup.against import OlderRun, check_headers, read_older
from pipelines.stages.dedup.plan import plan_search
from pipelines.stages.dedup.search import FOLDER, SIZES, Search, Sizes, table_path
from pipelines.store.folders import EDITS
from pipelines.store.manifest import Manifest, Sidecar, UnitFile, UnitResult, write_manifest
from pipelines.store.stage_key import StageKey, stage_key
from pipelines.store.storage import Storage, sha256_of
from pipelines.terminal import counted
from pipelines.work.loop import run_units, sweep_units
from pipelines.work.stage import Run, Stage
from pipelines.work.task import Task, UnitWork

NAME: Final = "dedup"
HOME: Final = "documents"
LIBRARIES: Final = ("numpy", "spacy", "xxhash")


def key(run: Run, upstream: StageKey) -> StageKey:
    """Return the stage key: the recipe's section."""
    older = [{"name": one.name, "documents": one.sha256} for one in _older(run)]
    settings = {**asdict(_section(run)), "against": older, "unicode": unicodedata.unidata_version}
    return stage_key(NAME, settings, [upstream.sha256], LIBRARIES)


def run_stage(run: Run, filtered: Manifest, own_key: StageKey, sizes: Sizes = SIZES) -> Manifest:
    """Run the stage; return its manifest.

    Args:
        run: the run.
        filtered: manifest of the filter stage.
        own_key: see `key`.
        sizes: how much the search holds in memory at a time.

    Raises:
        CorpusmillError: a unit did not finish, or a pipeline failed.
    """
    parts, older = filtered.folder("filtered"), _older(run)
    check_headers(older, signatures.Settings.of(_section(run)).header)
    run.storage.remove_files(FOLDER)
    signed = _sign(run, filtered)
    search = _search(run, parts, older, sizes)
    written = _write(run, parts, own_key, older)
    keys = index.gather_keys(search)
    run.storage.remove_files(FOLDER)
    results = [*signed.values(), *written.values(), keys]
    return write_manifest(run.storage, HOME, own_key, [filtered], results)


def _older(run: Run) -> list[OlderRun]:
    return read_older(_section(run).against, run.recipe.name)


def _sign(run: Run, filtered: Manifest) -> dict[str, Sidecar]:
    """Sign the documents; return the sidecars. Signatures depend only on their input and on this key."""
    settings = signatures.Settings.of(_section(run))
    own_key = stage_key(signatures.NAME, {**asdict(settings), "header": settings.header}, (), LIBRARIES)
    ledgers = filtered.by_unit("ledger") if settings.best else {}
    tasks = [_sign_task(run.storage, part, ledgers.get(part.unit)) for part in filtered.folder("filtered")]
    folders, process = (settings.folder,), signatures.process_unit
    root, payload = str(run.storage.root), signatures.Payload
    work = UnitWork(signatures.NAME, own_key.sha256, root, folders, process, settings, payload)
    sidecars = run_units(run, work, tasks)
    sweep_units(run.storage, work.stage, folders, set(sidecars))
    return sidecars


def _sign_task(storage: Storage, part: UnitFile, ledger: UnitFile | None) -> Task[signatures.Payload]:
    """Return the task of a unit; its ledger matters only if the keep policy goes by a measure."""
    payload = signatures.Payload(
        text=str(storage.path(part.path)),
        ledger=str(storage.path(ledger.path)) if ledger else None,
    )
    fingerprint = f"{part.sha256} {ledger.sha256}" if ledger else part.sha256
    return Task(part.unit, fingerprint, part.bytes, payload)


def _search(run: Run, parts: Sequence[UnitFile], older: Sequence[OlderRun], sizes: Sizes) -> Search:
    """Find all duplicates; leave the tables that the documents are written from, and the keys of the index."""
    from pipelines.stages.dedup import graph  # reads Beam, which a resumed run does not need

    section = _section(run)
    kept = counted(sum(one.documents for one in older), "document")
    against = f" with {kept} of {counted(len(older), 'older run')}" if older else ""
    run.progress.say(
        f"{NAME}: comparing {counted(sum(part.rows or 0 for part in parts), 'document')}{against}"
    )
    search = plan_search(run, section, parts, older, sizes)
    graph.find_candidates(run, search)
    if not search.is_joined:
        _decide(run, search)
    if section.lines is not None:
        graph.count_lines(run, search)
    if section.substrings is not None:
        graph.find_substrings(run, search)
    return search


def _decide(run: Run, search: Search) -> None:
    """Connect what several partitions found, and decide; each of the two takes a pipeline or more of its own."""
    from pipelines.stages.dedup import graph

    groups = decisions.count_groups(search)
    if groups:
        roots, rounds = graph.join_components(run, search)
        run.progress.say(f"{NAME}: components converged within {rounds} rounds")
        graph.decide_groups(run, replace(search, groups=groups), roots)


def _write(
    run: Run, parts: Sequence[UnitFile], own_key: StageKey, older: Sequence[OlderRun]
) -> dict[str, Sidecar]:
    """Write duplicates and documents; return the sidecars."""
    section = _section(run)
    tasks = [_write_task(run.storage, ordinal, part) for ordinal, part in enumerate(parts)]
    names = tuple(one.name for one in older)
    settings = documents.Settings(names, section.lines, section.substrings is not None, section.scope)
    folders, process = settings.folders, documents.process_unit
    root, payload = str(run.storage.root), documents.Payload
    work = UnitWork(NAME, own_key.sha256, root, folders, process, settings, payload)
    sidecars = run_units(run, work, tasks)
    sweep_units(run.storage, work.stage, folders, set(sidecars))
    for folder in EDITS:
        if folder not in folders:  # an earlier recipe may have had it
            run.storage.remove_files(folder.name)
    return sidecars


def _write_task(storage: Storage, ordinal: int, part: UnitFile) -> Task[documents.Payload]:
    """Return the task of a unit; it is redone when its documents or the decisions about them change."""

    def table(name: str, owner: object) -> str | None:
        path = storage.path(table_path(name, owner))
        return str(path) if path.exists() else None

    payload = documents.Payload(
        text=str(storage.path(part.path)),
        decisions=table("decisions", part.unit),
        lines=table(lines.TABLE, ordinal),
        substrings=table(substrings.TABLE, ordinal),
    )
    tables = (payload.decisions, payload.lines, payload.substrings)
    depends = [part.sha256, *(sha256_of(Path(path)) if path else "" for path in tables)]
    fingerprint = hashlib.sha256(" ".join(depends).encode()).hexdigest()
    return Task(part.unit, fingerprint, part.bytes, payload)


def _section(run: Run) -> Dedup:
    """Return the recipe's section; the stage runs only if there is one."""
    if run.recipe.dedup is None:
        raise InputError("the recipe says `dedup: none`")
    return run.recipe.dedup


@dataclass(frozen=True)
class DedupStage(Stage):
    """The dedup stage of a run.

    Attributes:
        run: the run.
    """

    run: Run
    name: ClassVar[str] = NAME
    home: ClassVar[str] = HOME
    reads: ClassVar[tuple[str, ...]] = ("filter",)
    scratch: ClassVar[tuple[str, ...]] = (FOLDER,)

    def key(self, upstream: Sequence[StageKey]) -> StageKey:
        """Return the stage key; see `key`."""
        return key(self.run, upstream[0])

    def make(self, upstream: Sequence[Manifest], key: StageKey) -> Manifest:
        """Remove the duplicates; return the manifest; see `run_stage`."""
        return run_stage(self.run, upstream[0], key)


@dataclass(frozen=True)
class NoDedupStage(Stage):
    """The dedup stage of a run whose recipe wants none: its manifest lists the files of ``filtered/``.

    Attributes:
        run: the run.
    """

    run: Run
    name: ClassVar[str] = NAME
    home: ClassVar[str] = HOME
    reads: ClassVar[tuple[str, ...]] = ("filter",)

    def key(self, upstream: Sequence[StageKey]) -> StageKey:
        """Return the stage key."""
        return stage_key(NAME, {}, [key.sha256 for key in upstream])

    def make(self, upstream: Sequence[Manifest], key: StageKey) -> Manifest:
        """Write the manifest, and return it."""
        (filtered,) = upstream
        units = [UnitResult(file.unit, {}, (file,)) for file in filtered.folder("filtered")]
        return write_manifest(self.run.storage, HOME, key, upstream, units)
