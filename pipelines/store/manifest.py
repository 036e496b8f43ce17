"""Sidecars, stage keys and manifests: what was written, from what, and whether it is still valid.

A unit's sidecar ``work/<stage>/<unit>.json`` is written after its files; the stage's ``manifest.json``, the sum
of the sidecars, last. A sealed JSON object carries the sha256 of its own canonical form without that field.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any, TypeGuard

from pipelines.errors import VerificationError
from pipelines.faults import fail_point
from pipelines.store.storage import FileFact, Storage

SCHEMA_VERSION = 1
"""Version of the tables and JSON files of a run; part of every stage key."""


@dataclass(frozen=True)
class StageKey:
    """What a stage's output depends on apart from its input data.

    Attributes:
        parts: settings, upstream keys, hashes of files, versions; JSON-able.
    """

    parts: Mapping[str, Any]

    @property
    def sha256(self) -> str:
        """Return the key: sha256 of the canonical JSON of its parts."""
        return hashlib.sha256(canonical_json(self.parts)).hexdigest()


def stage_key(
    stage: str, settings: Mapping[str, Any], upstream: Sequence[str] = (), libraries: Sequence[str] = ()
) -> StageKey:
    """Build a stage key.

    Args:
        stage: name of the stage.
        settings: the recipe keys and file hashes that shape its output.
        upstream: keys of the stages whose output it reads.
        libraries: distributions whose version shapes its bytes; pyarrow always does.
    """
    versions = {name: metadata.version(name) for name in sorted({"pyarrow", *libraries})}
    return StageKey(
        {
            "stage": stage,
            "schema_version": SCHEMA_VERSION,
            "settings": dict(settings),
            "upstream": list(upstream),
            "libraries": versions,
        }
    )


def explain_change(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Return one line for each difference between the parts of two keys: ``settings.engine: a -> b``."""
    lines = []
    for name in sorted({*old, *new}):
        before, after = old.get(name), new.get(name)
        if before == after:
            continue
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            lines += explain_change(before, after, f"{prefix}{name}.")
        elif _are_named(before) and _are_named(after):
            lines += explain_change(_by_name(before), _by_name(after), f"{prefix}{name}.")
        else:
            lines.append(f"{prefix}{name}: {json.dumps(before)} -> {json.dumps(after)}")
    return lines


def _are_named(value: object) -> TypeGuard[Sequence[Mapping[str, Any]]]:
    """Say whether this is a list of steps: mappings with a name each."""
    return isinstance(value, list | tuple) and all(
        isinstance(item, Mapping) and "name" in item for item in value
    )


def _by_name(items: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return {str(item["name"]): {**item, "place": place} for place, item in enumerate(items)}


def canonical_json(value: object) -> bytes:
    """Return the one JSON text of a value: sorted keys, no spaces, ASCII, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def seal(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return the object with the sha256 of its canonical JSON."""
    body = {name: item for name, item in value.items() if name != "sha256"}
    return {**body, "sha256": hashlib.sha256(canonical_json(body)).hexdigest()}


def is_sealed(value: Mapping[str, Any]) -> bool:
    """Say whether an object's sha256 is that of its content."""
    return bool(seal(value)["sha256"] == value.get("sha256"))


def write_sealed(storage: Storage, relative: str, value: Mapping[str, Any]) -> dict[str, Any]:
    """Seal an object and write it, indented for people."""
    sealed = seal(value)
    storage.write_bytes(relative, _rendered(sealed))
    return sealed


def _rendered(sealed: Mapping[str, Any]) -> bytes:
    return json.dumps(sealed, indent=1, sort_keys=True).encode() + b"\n"


def read_sealed(storage: Storage, relative: str) -> dict[str, Any]:
    """Read a sealed object.

    Raises:
        VerificationError: it is missing, is not JSON, was changed, or is of another schema version.
    """
    found = storage.read_json(relative)
    if found is None:
        raise VerificationError(f"{storage.path(relative)}: missing or not JSON; finish the run first")
    # To the byte: the e of 1e-05 and of \u00e9 may become an E without another value.
    if storage.path(relative).read_bytes() != _rendered(seal(found)):
        raise VerificationError(
            f"{storage.path(relative)}: was changed after it was written (sha256 differs)"
        )
    version = found.get("schema_version", SCHEMA_VERSION)
    if version != SCHEMA_VERSION:
        raise VerificationError(
            f"{storage.path(relative)}: schema_version is {version!r}, this version reads {SCHEMA_VERSION}; "
            "run the recipe again, or read it with the version that wrote it"
        )
    return found


def read_current(storage: Storage, home: str) -> dict[str, Any]:
    """Read the manifest of a stage that none of the stages before it has left behind.

    Raises:
        VerificationError: as `read_sealed`; or a stage before it was redone since, as by ``filter`` after ``run``.
    """
    manifest = read_sealed(storage, manifest_path(home))
    for name, sha256 in manifest["upstream"].items():
        if storage.exists(manifest_path(name)) and read_current(storage, name)["sha256"] != sha256:
            raise VerificationError(
                f"{storage.path(manifest_path(home))}: was made from another {manifest_path(name)}; "
                "run the recipe again"
            )
    return manifest


def sidecar_path(stage: str, unit: str) -> str:
    """Return where the sidecar of a unit lies."""
    return f"work/{stage}/{unit}.json"


def write_sidecar(
    storage: Storage,
    stage: str,
    unit: str,
    key: str,
    fingerprint: str,
    files: Iterable[FileFact],
    counts: Mapping[str, Any],
) -> None:
    """Mark a unit as finished: call it after all its files were committed.

    Args:
        storage: the run.
        stage: name of the stage.
        unit: name of the unit.
        key: the stage key's sha256.
        fingerprint: of the unit's input data; the unit is redone when it changes.
        files: the files written.
        counts: what is in them, for the balance.
    """
    value = {
        "stage": stage,
        "unit": unit,
        "key": key,
        "fingerprint": fingerprint,
        "files": [fact.as_dict() for fact in files],
        "counts": dict(counts),
    }
    write_sealed(storage, sidecar_path(stage, unit), value)


def finished(storage: Storage, stage: str, unit: str, key: str, fingerprint: str) -> dict[str, Any] | None:
    """Return the valid sidecar of a unit, or None when the unit must be (re)done."""
    found = storage.read_json(sidecar_path(stage, unit))
    if found is None or not is_sealed(found) or found["key"] != key or found["fingerprint"] != fingerprint:
        return None
    return found if _files_stand(storage, found) else None


def write_stage_manifest(
    storage: Storage,
    home: str,
    key: StageKey,
    upstream: Mapping[str, str],
    units: Iterable[Mapping[str, Any]],
) -> dict[str, Any]:
    """Write ``<home>/manifest.json``: the sum of the sidecars of a stage.

    Args:
        storage: the run.
        home: folder that holds the manifest.
        key: the stage key.
        upstream: sha256 of the manifests it was made from, by their home folder.
        units: the sidecars.
    """
    fail_point(f"{home}.manifest")
    ordered = sorted(units, key=lambda unit: str(unit["unit"]))
    files = [{**file, "unit": unit["unit"]} for unit in ordered for file in unit["files"]]
    value = {
        "stage": key.parts["stage"],
        "home": home,
        "schema_version": SCHEMA_VERSION,
        "key": key.sha256,
        "key_parts": dict(key.parts),
        "upstream": dict(upstream),
        "files": sorted(files, key=lambda file: str(file["path"])),
        "units": [{"unit": unit["unit"], "counts": unit["counts"]} for unit in ordered],
    }
    return write_sealed(storage, manifest_path(home), value)


def valid_manifest(
    storage: Storage, home: str, key: StageKey, upstream: Mapping[str, str]
) -> dict[str, Any] | None:
    """Return the manifest of a finished stage, or None when the stage must be (re)done.

    It must be sealed, made under this key from these upstream manifests (sha256 by home folder), and all its
    files must be there with their sizes.
    """
    found = storage.read_json(manifest_path(home))
    if found is None or not is_sealed(found):
        return None
    if found.get("key") != key.sha256 or found.get("upstream") != dict(upstream):
        return None
    if not _files_stand(storage, found):
        return None
    return found


def _files_stand(storage: Storage, sealed: Mapping[str, Any]) -> bool:
    """Say whether all files that a sidecar or manifest names are there with their sizes."""
    paths = [(storage.path(file["path"]), file["bytes"]) for file in sealed["files"]]
    return all(path.is_file() and path.stat().st_size == size for path, size in paths)


def manifest_path(home: str) -> str:
    """Return where the manifest of a stage lies."""
    return f"{home}/manifest.json"


def folder_files(manifest: Mapping[str, Any], folder: str) -> list[dict[str, Any]]:
    """Return the manifest's files of one folder: path, rows, bytes, sha256, unit; sorted by path."""
    return [file for file in manifest["files"] if str(file["path"]).startswith(f"{folder}/")]


def document_files(manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the files with the finished text; without dedup the manifest points at ``filtered/``."""
    return folder_files(manifest, "documents") or folder_files(manifest, "filtered")
