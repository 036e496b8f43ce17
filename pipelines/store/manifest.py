"""Sidecars and manifests: which files were written from which inputs, and whether they are still valid.

A unit's sidecar ``work/<stage>/<unit>.json`` is written after its files; the stage's ``manifest.json``, the sum
of the sidecars, after the last of them; the run's ``manifest.json`` at the end. All are sealed, see `sealed`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from pipelines.errors import VerificationError
from pipelines.faults import fail_point
from pipelines.store.folders import RUN_MANIFEST
from pipelines.store.sealed import (
    SCHEMA_VERSION,
    Json,
    JsonObject,
    entries_of,
    fields_of,
    is_sealed,
    items_of,
    read_sealed,
    write_sealed,
)
from pipelines.store.stage_key import StageKey
from pipelines.store.storage import FileFact, Storage

T = TypeVar("T")

Totals = Mapping[str, "int | float | str | Mapping[str, int] | None"]
"""What is in the files of a unit: numbers, or sections of numbers such as ``records`` and ``bytes``."""


@dataclass(frozen=True, slots=True)
class UnitCounts:
    """What is in the files of a unit.

    Attributes:
        unit: its name.
        counts: numbers, and sections of numbers, for the balance.
    """

    unit: str
    counts: Totals

    def section(self, name: str) -> Mapping[str, int]:
        """Return one section of the counts; empty where there is none."""
        found = self.counts.get(name)
        return found if isinstance(found, Mapping) else {}

    def number(self, name: str) -> int:
        """Return one plain number of the counts; 0 where there is none."""
        found = self.counts.get(name)
        return found if isinstance(found, int) else 0


@dataclass(frozen=True, slots=True)
class UnitResult(UnitCounts):
    """What a unit of a stage wrote.

    Attributes:
        files: the files written.
    """

    files: tuple[FileFact, ...]


@dataclass(frozen=True, slots=True)
class Sidecar(UnitResult):
    """The mark of a finished unit.

    Attributes:
        stage: name of the stage.
        key: the stage key's sha256.
        fingerprint: of the unit's input data; the unit is redone when it changes.
    """

    stage: str
    key: str
    fingerprint: str

    def as_json(self) -> JsonObject:
        """Return the sidecar as it stands on disk, not yet sealed."""
        return {**asdict(self), "files": [fact.as_dict() for fact in self.files]}

    @classmethod
    def from_json(cls, found: JsonObject) -> Sidecar:
        """Return the sidecar of a sealed object."""
        files = tuple(FileFact(**fields_of(FileFact, fact)) for fact in items_of(found["files"]))
        return cls(**{**fields_of(cls, found), "files": files})


@dataclass(frozen=True, slots=True)
class UnitFile(FileFact):
    """A file that a manifest names.

    Attributes:
        unit: name of the unit that wrote it.
    """

    unit: str


@dataclass(frozen=True)
class Manifest:
    """The manifest of a finished stage.

    Attributes:
        stage: name of the stage.
        home: folder that holds the manifest.
        key: sha256 of the stage key.
        key_parts: what the key is made of, see `StageKey`.
        upstream: sha256 of the manifests it was made from, by their home folder.
        files: all files of the stage, by path.
        units: counts of all units, by name.
        sha256: of the manifest.
        schema_version: of the tables and JSON files.
    """

    stage: str
    home: str
    key: str
    key_parts: Mapping[str, Any]
    upstream: Mapping[str, str]
    files: tuple[UnitFile, ...]
    units: tuple[UnitCounts, ...]
    sha256: str
    schema_version: int = SCHEMA_VERSION

    @property
    def settings(self) -> Mapping[str, Any]:
        """The settings in the stage key, as the stage wrote them; only the stage's own readers know their shape."""
        found: Mapping[str, Any] = self.key_parts["settings"]
        return found

    def folder(self, name: str) -> list[UnitFile]:
        """Return the files of one folder, by path."""
        return [file for file in self.files if file.path.startswith(f"{name}/")]

    def by_unit(self, folder: str) -> dict[str, UnitFile]:
        """Return the files of a folder with one file per unit, by unit."""
        return {file.unit: file for file in self.folder(folder)}

    def documents(self) -> list[UnitFile]:
        """Return the files with the finished text; without dedup the manifest points at ``filtered/``."""
        return self.folder("documents") or self.folder("filtered")

    def total(self, name: str | None = None) -> dict[str, int]:
        """Return the counts of all units added up: those of a section, or, without a name, the plain numbers."""
        total: Counter[str] = Counter()
        for unit in self.units:
            counts = unit.counts if name is None else unit.section(name)
            total.update({key: value for key, value in counts.items() if isinstance(value, int)})
        return dict(sorted(total.items()))

    @classmethod
    def from_json(cls, found: JsonObject) -> Manifest:
        """Return the manifest of a sealed object."""
        files = tuple(UnitFile(**fields_of(UnitFile, file)) for file in items_of(found["files"]))
        units = tuple(UnitCounts(**fields_of(UnitCounts, unit)) for unit in items_of(found["units"]))
        return cls(**{**fields_of(cls, found), "files": files, "units": units})


@dataclass(frozen=True, slots=True)
class StageEntry:
    """What the manifest of a run says of a stage: where its manifest lies, its key, the sha256 of the manifest."""

    home: str
    key: str
    manifest_sha256: str


@dataclass(frozen=True)
class Balance:
    """All counts of a run, summed over its units; None = the stage was not run.

    Attributes:
        bytes: of the input, by kind of span.
        spans: of the input, by kind.
        damaged_spans: number of spans that could not be read.
        extract, filter, dedup: records by fate, and all that were ``seen``.
        removed_lines, removed_substrings: what dedup removed inside documents.
        tokenizer: what it was trained on.
        tokens: what was packed.
    """

    bytes: Mapping[str, int] | None = None
    spans: Mapping[str, int] | None = None
    damaged_spans: int | None = None
    extract: Mapping[str, int] | None = None
    filter: Mapping[str, int] | None = None
    dedup: Mapping[str, int] | None = None
    removed_lines: Mapping[str, int] | None = None
    removed_substrings: Mapping[str, int] | None = None
    tokenizer: Mapping[str, int] | None = None
    tokens: Mapping[str, int] | None = None

    @property
    def decisions(self) -> Mapping[str, int]:
        """The fate of every record: by the ledger, which holds the decisions of extract too, or else by extract."""
        return self.filter or self.extract or {}

    def as_json(self) -> JsonObject:
        """Return the counts as they stand in the run's manifest: those of stages that were run."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class RunManifest:
    """The manifest of a run.

    Attributes:
        recipe: with every default filled in; only the recipe's readers know its shape.
        stages: those that were run, by name.
        balance: all counts.
        sha256: of the manifest.
        schema_version: of the tables and JSON files.
        producer: always ``corpusmill``.
    """

    recipe: Mapping[str, Any]
    stages: Mapping[str, StageEntry]
    balance: Balance
    sha256: str = ""
    schema_version: int = SCHEMA_VERSION
    producer: str = "corpusmill"

    def as_json(self) -> dict[str, Json]:
        """Return the manifest as it stands on disk."""
        return {**asdict(self), "balance": self.balance.as_json()}

    @classmethod
    def from_json(cls, found: JsonObject) -> RunManifest:
        """Return the manifest of a sealed object."""
        stages = {
            name: StageEntry(**fields_of(StageEntry, entry)) for name, entry in entries_of(found["stages"])
        }
        counts = Balance(**fields_of(Balance, found["balance"]))
        return cls(**{**fields_of(cls, found), "stages": stages, "balance": counts})


def manifest_path(home: str) -> str:
    """Return where the manifest of a stage lies."""
    return f"{home}/manifest.json"


def sidecar_path(stage: str, unit: str) -> str:
    """Return where the sidecar of a unit lies."""
    return f"work/{stage}/{unit}.json"


def write_sidecar(storage: Storage, sidecar: Sidecar) -> None:
    """Mark a unit as finished: call it after all its files were committed."""
    write_sealed(storage, sidecar_path(sidecar.stage, sidecar.unit), sidecar.as_json())


def read_sidecar(storage: Storage, stage: str, unit: str, key: str, fingerprint: str) -> Sidecar | None:
    """Return the valid sidecar of a unit, or None when the unit must be done (again).

    Args:
        storage: the run.
        stage: name of the stage.
        unit: name of the unit.
        key: the stage key's sha256.
        fingerprint: of the unit's input data.
    """
    found = storage.read_json(sidecar_path(stage, unit))
    if found is None or not is_sealed(found):
        return None
    sidecar = _parsed(found, Sidecar.from_json)
    if sidecar is None or (sidecar.key, sidecar.fingerprint) != (key, fingerprint):
        return None
    return sidecar if _files_stand(storage, sidecar.files) else None


def write_manifest(
    storage: Storage,
    home: str,
    key: StageKey,
    upstream: Iterable[Manifest],
    units: Iterable[UnitResult],
) -> Manifest:
    """Write ``<home>/manifest.json``, the sum of the sidecars of a stage, and return it.

    Args:
        storage: the run.
        home: folder that holds the manifest.
        key: the stage key.
        upstream: the manifests it was made from.
        units: the sidecars, and what the stage wrote beside them.
    """
    fail_point(f"{home}.manifest")
    ordered = sorted(units, key=lambda unit: unit.unit)
    files = [
        UnitFile(fact.path, fact.rows, fact.bytes, fact.sha256, unit.unit)
        for unit in ordered
        for fact in unit.files
    ]
    value: JsonObject = {
        "stage": key.parts["stage"],
        "home": home,
        "schema_version": SCHEMA_VERSION,
        "key": key.sha256,
        "key_parts": dict(key.parts),
        "upstream": {manifest.home: manifest.sha256 for manifest in upstream},
        "files": [file.as_dict() for file in sorted(files, key=lambda file: file.path)],
        "units": [{"unit": unit.unit, "counts": dict(unit.counts)} for unit in ordered],
    }
    return Manifest.from_json(write_sealed(storage, manifest_path(home), value))


def valid_manifest(
    storage: Storage, home: str, key: StageKey, upstream: Iterable[Manifest]
) -> Manifest | None:
    """Return the manifest of a finished stage, or None when the stage must be done (again).

    It must be sealed, made under this key from these manifests, and all its files must be there with their sizes.
    """
    found = storage.read_json(manifest_path(home))
    if found is None or not is_sealed(found):
        return None
    hashes = {manifest.home: manifest.sha256 for manifest in upstream}
    if found.get("key") != key.sha256 or found.get("upstream") != hashes:
        return None
    manifest = _parsed(found, Manifest.from_json)
    return manifest if manifest is not None and _files_stand(storage, manifest.files) else None


def read_manifest(storage: Storage, home: str) -> Manifest:
    """Read the manifest of a stage.

    Raises:
        VerificationError: it is missing, was changed, or is of another schema version.
    """
    return _read(storage, manifest_path(home), Manifest.from_json)


def write_run_manifest(storage: Storage, manifest: RunManifest) -> RunManifest:
    """Write the manifest of a run, and return it with its sha256."""
    return RunManifest.from_json(write_sealed(storage, RUN_MANIFEST, manifest.as_json()))


def read_run_manifest(storage: Storage) -> RunManifest:
    """Read the manifest of a run.

    Raises:
        VerificationError: as `read_manifest`.
    """
    return _read(storage, RUN_MANIFEST, RunManifest.from_json)


def read_current(storage: Storage, home: str) -> Manifest:
    """Read the manifest of a stage and check that it is up to date with the stages before it.

    Raises:
        VerificationError: as `read_manifest`; or a stage before it was redone since, as by ``filter`` after ``run``.
    """
    manifest = read_manifest(storage, home)
    for name, sha256 in manifest.upstream.items():
        if storage.exists(manifest_path(name)) and read_current(storage, name).sha256 != sha256:
            raise VerificationError(
                f"{storage.path(manifest_path(home))}: was made from another {manifest_path(name)}; "
                "run the recipe again"
            )
    return manifest


def _read(storage: Storage, relative: str, parse: Callable[[JsonObject], T]) -> T:
    parsed = _parsed(read_sealed(storage, relative), parse)
    if parsed is None:
        raise VerificationError(
            f"{storage.path(relative)}: does not have the fields of a manifest; run the recipe again"
        )
    return parsed


def _parsed(found: JsonObject, parse: Callable[[JsonObject], T]) -> T | None:
    """Return what a JSON object says; None if it lacks a field, or has a value of another type."""
    try:
        return parse(found)
    except (AttributeError, KeyError, TypeError):
        return None


def _files_stand(storage: Storage, files: Iterable[FileFact]) -> bool:
    """Return True if all these files are there with their sizes."""
    paths = [(storage.path(fact.path), fact.bytes) for fact in files]
    return all(path.is_file() and path.stat().st_size == size for path, size in paths)
