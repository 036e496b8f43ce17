"""Older runs that a corpus is deduplicated against: what they kept comes before all its documents, and stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filters.dedup.scheme import differences
from pipelines.errors import InputError
from pipelines.recipe.recipe import Dedup
from pipelines.stages.dedup.index import FOLDER as INDEX
from pipelines.stages.dedup.index import has_keys
from pipelines.stages.dedup.search import Index, SearchUnit
from pipelines.stages.dedup.signatures import Header, read_header
from pipelines.store.manifest import Totals, read_manifest
from pipelines.store.storage import Storage

NAME_FILE: Final = "work/name.json"
"""Holds the name of a run; written by `pipelines.run`."""


@dataclass(frozen=True)
class OlderUnit:
    """One unit of an older run: its name, and the paths of its parts.

    Attributes:
        name: its name.
        text: part of ``filtered/``.
        signatures: part of ``signatures/``.
        kept: part of ``documents/``.
    """

    name: str
    text: str
    signatures: str
    kept: str


@dataclass(frozen=True)
class OlderRun:
    """One older run.

    Attributes:
        name: its name, which says in ``duplicates/`` where a keeper is.
        sha256: of the manifest of its ``documents/``.
        documents: number of documents that it kept.
        units: its units, in order of their names.
        folder: the run folder.
        index: settings of its ``index/``; None = it has no index.
    """

    name: str
    sha256: str
    documents: int
    units: tuple[OlderUnit, ...]
    folder: Path
    index: Totals | None

    def is_probed(self, dedup: Dedup) -> bool:
        """Return True if a search looks up in the index what it shares with the run, instead of reading it all."""
        return has_keys(self.index, dedup)


def read_older(paths: Sequence[Path], own_name: str) -> list[OlderRun]:
    """Return the runs at these paths, oldest first, as the recipe gives them.

    Raises:
        InputError: one has no signatures, or two have one name.
        VerificationError: one is not finished or was changed.
    """
    found = [_read(Storage(path)) for path in paths]
    names = [own_name, *(one.name for one in found)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(
            f"dedup.against: more than one run is named {twice[0]!r}; names tell where a keeper is"
        )
    return found


def check_headers(older: Sequence[OlderRun], own: Header) -> None:
    """Refuse runs whose signatures cannot be compared with those of this recipe.

    Raises:
        InputError: naming the parameters that differ.
    """
    for run in older:
        for unit in run.units[:1]:
            unlike = differences(own, read_header(unit.signatures))
            if unlike:
                what = f"dedup.against: the signatures of run {run.name!r} cannot be compared: {'; '.join(unlike)}"
                raise InputError(f"{what}; use its settings here, or run its dedup stage again with these")


def search_units(older: Sequence[OlderRun], first: int, dedup: Dedup) -> tuple[list[SearchUnit], list[Index]]:
    """Return the units of older runs, numbered from `first`, and the indexes of the runs that are probed."""
    units: list[SearchUnit] = []
    indexes = []
    for age, run in enumerate(older):
        begin, probed = first + len(units), run.is_probed(dedup)
        units += [
            SearchUnit(ordinal, unit.name, unit.text, unit.signatures, age, unit.kept, probed)
            for ordinal, unit in enumerate(run.units, begin)
        ]
        if probed:
            indexes.append(Index(str(run.folder / INDEX), begin))
    return units, indexes


def _read(storage: Storage) -> OlderRun:
    documents = read_manifest(storage, "documents")
    filtered = read_manifest(storage, "filtered")
    parts = [
        {unit: str(storage.path(file.path)) for unit, file in manifest.by_unit(folder).items()}
        for manifest, folder in ((filtered, "filtered"), (documents, "signatures"), (documents, "documents"))
    ]
    texts, signatures, kept = parts
    if not signatures or not kept:
        raise InputError(f"dedup.against: {storage.root} was not deduplicated; run its dedup stage first")
    name = (storage.read_json(NAME_FILE) or {}).get("name", storage.root.name)
    units = tuple(OlderUnit(name, texts[name], path, kept[name]) for name, path in sorted(signatures.items()))
    rows = sum(file.rows or 0 for file in documents.folder("documents"))
    index = next((unit.counts for unit in documents.units if unit.unit == INDEX), None)
    return OlderRun(name, documents.sha256, rows, units, storage.root, index)
