"""Stage dedup: exact copies and near-duplicates go, one document of each cluster stays.

1. `signatures`: one row of hashes per document, kept for the next run.
2. `candidates`: documents that share a band, and exact copies, meet in partitions.
3. `components`: connected components of candidates become work groups.
4. `decisions`: each group is decided by the rule of `filters.dedup.clusters`.
5. `lines`: lines that too many of the documents left have are found.
6. `substrings`: passages that one of the documents left has before are found.
7. `documents`: each unit writes its finished text, its list of duplicates, and what it removed from texts.

Texts stay in files: what is shuffled is hashes, signatures and decisions. What older runs kept takes part with its
signatures (`against`), as far as their index (`index`) says that it shares something with this run.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import ClassVar, Final

from pipelines.errors import InputError
from pipelines.recipe.recipe import Dedup
from pipelines.stages.dedup import decisions as dedup_decisions
from pipelines.stages.dedup import documents as dedup_documents
from pipelines.stages.dedup import index as dedup_index
from pipelines.stages.dedup import lines as dedup_lines
from pipelines.stages.dedup import signatures as dedup_signatures
from pipelines.stages.dedup import substrings as dedup_substrings
from pipelines.stages.dedup.against import OlderRun, check_headers, read_older, search_units
from pipelines.stages.dedup.search import FOLDER, Search, Unit, part_path
from pipelines.store.folders import EDITS
from pipelines.store.manifest import Manifest, Sidecar, UnitFile, UnitResult, write_manifest
from pipelines.store.stage_key import StageKey, stage_key
from pipelines.store.storage import Storage, sha256_of
from pipelines.store.tables import text_bytes
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


def run_stage(run: Run, filtered: Manifest, own_key: StageKey) -> Manifest:
    """Do the stage; return its manifest.

    Args:
        run: the run.
        filtered: manifest of the filter stage.
        own_key: see `key`.

    Raises:
        CorpusmillError: a unit did not finish, or a pipeline failed.
    """
    parts, older = filtered.folder("filtered"), _older(run)
    check_headers(older, dedup_signatures.Settings.of(_section(run)).header)
    _clear(run.storage)
    signed = _sign(run, filtered)
    search = _search(run, parts, older)
    written = _write(run, parts, own_key, older)
    index = dedup_index.gather_keys(search)
    _clear(run.storage)
    return write_manifest(
        run.storage, HOME, own_key, [filtered], [*signed.values(), *written.values(), index]
    )


def _older(run: Run) -> list[OlderRun]:
    return read_older(_section(run).against, run.recipe.name)


def _sign(run: Run, filtered: Manifest) -> dict[str, Sidecar]:
    """Sign the documents; return the sidecars. Signatures depend on nothing but their input and this key."""
    settings = dedup_signatures.Settings.of(_section(run))
    own_key = stage_key(dedup_signatures.NAME, {**asdict(settings), "header": settings.header}, (), LIBRARIES)
    ledgers = filtered.by_unit("ledger") if settings.best else {}
    tasks = [_sign_task(run.storage, part, ledgers.get(part.unit)) for part in filtered.folder("filtered")]
    folders, process = (settings.folder,), dedup_signatures.process_unit
    root, payload = str(run.storage.root), dedup_signatures.Payload
    work = UnitWork(dedup_signatures.NAME, own_key.sha256, root, folders, process, settings, payload)
    sidecars = run_units(run, work, tasks)
    sweep_units(run.storage, work.stage, folders, set(sidecars))
    return sidecars


def _sign_task(storage: Storage, part: UnitFile, ledger: UnitFile | None) -> Task[dedup_signatures.Payload]:
    """Return the task of a unit; its ledger matters where the keep policy goes by a measure."""
    payload = dedup_signatures.Payload(
        str(storage.path(part.path)), str(storage.path(ledger.path)) if ledger else None
    )
    fingerprint = f"{part.sha256} {ledger.sha256}" if ledger else part.sha256
    return Task(part.unit, fingerprint, part.bytes, payload)


def _search(run: Run, parts: Sequence[UnitFile], older: Sequence[OlderRun] = ()) -> Search:
    """Find all duplicates; leave a table of decisions for each unit that has any, and the keys of the index."""
    from pipelines.stages.dedup import graph as transforms

    signatures = dedup_signatures.Settings.of(_section(run)).folder
    units = [
        Unit(
            ordinal,
            part.unit,
            str(run.storage.path(part.path)),
            str(run.storage.path(signatures.part(part.unit))),
            len(older),
        )
        for ordinal, part in enumerate(parts)
    ]
    section, root = _section(run), str(run.storage.root)
    more, indexes = search_units(older, len(parts), section)
    units += more
    documents, kept = sum(part.rows or 0 for part in parts), sum(one.documents for one in older)
    # Of a run that is looked up in, those take part that share a key: counted as if they were as many as ours.
    read = documents * bool(indexes) + sum(one.documents for one in older if not one.is_probed(section))
    against = f" with {counted(kept, 'document')} of {counted(len(older), 'older run')}" if older else ""
    run.progress.say(f"{NAME}: comparing {counted(documents, 'document')}{against}")
    search = Search.plan(
        root, section, documents + read, run.is_local, len(older), len(parts), tuple(indexes)
    )
    listing = transforms.write_listing(run, units)
    if search.is_joined:
        transforms.find_candidates(run, search, listing, dedup_decisions.groups_for(documents + read))
    else:
        transforms.find_candidates(run, search, listing)
        _decide(run, search, units, listing)
    if section.lines is not None or section.substrings is not None:
        size = sum(text_bytes(run.storage.path(part.path)) for part in parts)
        if section.lines is not None:
            transforms.count_lines(run, search, listing, dedup_lines.partitions_for(size, section.lines))
        if section.substrings is not None:
            transforms.find_substrings(run, search, listing, dedup_substrings.partitions_for(size))
    return search


def _decide(run: Run, search: Search, units: Sequence[Unit], listing: str) -> None:
    """Connect what several partitions found, and decide; each of the two is a pipeline or more of its own."""
    from pipelines.stages.dedup import graph as transforms

    groups = dedup_decisions.count_groups(search, units)
    if groups:
        roots, rounds = transforms.join_components(run, search, units, listing)
        run.progress.say(f"{NAME}: components settled within {rounds} rounds")
        transforms.decide_groups(run, search, listing, groups, roots)


def _write(
    run: Run, parts: Sequence[UnitFile], own_key: StageKey, older: Sequence[OlderRun]
) -> dict[str, Sidecar]:
    """Write duplicates and documents; return the sidecars."""
    section = _section(run)
    tasks = [_write_task(run.storage, ordinal, part) for ordinal, part in enumerate(parts)]
    names = tuple(one.name for one in older)
    settings = dedup_documents.Settings(names, section.lines, section.substrings is not None, section.scope)
    folders, process = settings.folders, dedup_documents.process_unit
    root, payload = str(run.storage.root), dedup_documents.Payload
    work = UnitWork(NAME, own_key.sha256, root, folders, process, settings, payload)
    sidecars = run_units(run, work, tasks)
    sweep_units(run.storage, work.stage, folders, set(sidecars))
    for folder in EDITS:
        if folder not in folders:  # an earlier recipe may have had it
            for relative in run.storage.list_files(folder.name):
                run.storage.remove(relative)
    return sidecars


def _write_task(storage: Storage, ordinal: int, part: UnitFile) -> Task[dedup_documents.Payload]:
    """Return the task of a unit; it is redone when its documents or the decisions about them change."""
    names = (("decisions", part.unit), (dedup_lines.KIND, ordinal), (dedup_substrings.KIND, ordinal))
    tables = [storage.path(part_path(kind, name)) for kind, name in names]
    depends = [part.sha256, *(sha256_of(table) if table.exists() else "" for table in tables)]
    fingerprint = hashlib.sha256(" ".join(depends).encode()).hexdigest()
    decisions, lines, substrings = (str(table) if table.exists() else None for table in tables)
    payload = dedup_documents.Payload(str(storage.path(part.path)), decisions, lines, substrings)
    return Task(part.unit, fingerprint, part.bytes, payload)


def _clear(storage: Storage) -> None:
    """Remove the tables between the steps of a search."""
    for relative in storage.list_files(FOLDER):
        storage.remove(relative)


def _section(run: Run) -> Dedup:
    """Return the recipe's dedup section; the driver does not come here without one."""
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
