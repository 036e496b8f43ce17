"""Older runs that a corpus is deduplicated against: what they kept comes before all of its documents, and stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filters.dedup.scheme import differences
from pipelines.errors import InputError
from pipelines.recipe.recipe import Dedup
from pipelines.stages.dedup.index import FOLDER as INDEX
from pipelines.stages.dedup.index import has_keys
from pipelines.stages.dedup.search import Index, Unit
from pipelines.stages.dedup.signatures import read_header
from pipelines.store.manifest import Totals, read_manifest
from pipelines.store.storage import Storage

NAME_FILE = "work/name.json"


@dataclass(frozen=True)
class OlderRun:
    """One older run.

    Attributes:
        name: its name, which says in ``duplicates/`` where a keeper is.
        sha256: of the manifest of its ``documents/``.
        documents: how many it kept.
        units: name of a unit, and paths of its parts of ``filtered/``, ``signatures/`` and ``documents/``.
        folder: where it is.
        index: what shaped the keys of its ``index/``; None = it has none.
    """

    name: str
    sha256: str
    documents: int
    units: tuple[tuple[str, str, str, str], ...]
    folder: Path
    index: Totals | None

    def is_probed(self, dedup: Dedup) -> bool:
        """Say whether a search can look up in the index what it shares with the run, and need not read it all."""
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


def check_headers(older: Sequence[OlderRun], own: Mapping[str, Any]) -> None:
    """Refuse runs whose signatures cannot be compared with those of this recipe.

    Raises:
        InputError: naming the parameters that differ.
    """
    for run in older:
        for _, _, signatures, _ in run.units[:1]:
            unlike = differences(own, read_header(signatures))
            if unlike:
                what = f"dedup.against: the signatures of run {run.name!r} cannot be compared: {'; '.join(unlike)}"
                raise InputError(f"{what}; use its settings here, or run its dedup stage again with these")


def search_units(older: Sequence[OlderRun], first: int, dedup: Dedup) -> tuple[list[Unit], list[Index]]:
    """Return the units of older runs for the search, numbered from `first`, and the indexes of those that have one."""
    units: list[Unit] = []
    indexes = []
    for age, run in enumerate(older):
        begin, probed = first + len(units), run.is_probed(dedup)
        units += [
            Unit(ordinal, unit, text, signatures, age, kept, probed)
            for ordinal, (unit, text, signatures, kept) in enumerate(run.units, begin)
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
    units = tuple((unit, texts[unit], path, kept[unit]) for unit, path in sorted(signatures.items()))
    rows = sum(file.rows or 0 for file in documents.folder("documents"))
    index = next((unit.counts for unit in documents.units if unit.unit == INDEX), None)
    return OlderRun(name, documents.sha256, rows, units, storage.root, index)
