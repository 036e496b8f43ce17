"""Sealed JSON: an object that carries the sha256 of its own canonical form without that field."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any, Final

from pipelines.errors import VerificationError
from pipelines.store.storage import Storage

SCHEMA_VERSION: Final = 1
"""Version of the tables and JSON files of a run; part of every stage key."""

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]
"""A value that JSON can hold."""
JsonObject = Mapping[str, Json]
"""A JSON object whose shape only its reader knows: settings of a stage, a resolved recipe."""


def canonical_json(value: object) -> bytes:
    """Return the one JSON text of a value: sorted keys, no spaces, ASCII, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def seal(value: JsonObject) -> dict[str, Json]:
    """Return the object with the sha256 of its canonical JSON."""
    body = {name: item for name, item in value.items() if name != "sha256"}
    return {**body, "sha256": hashlib.sha256(canonical_json(body)).hexdigest()}


def is_sealed(value: JsonObject) -> bool:
    """Return True if an object's sha256 is that of its content."""
    return bool(seal(value)["sha256"] == value.get("sha256"))


def write_sealed(storage: Storage, relative: str, value: JsonObject) -> dict[str, Json]:
    """Seal an object and write it, indented for people; return it with its sha256."""
    sealed = seal(value)
    storage.write_bytes(relative, _rendered(sealed))
    return sealed


def read_sealed(storage: Storage, relative: str) -> dict[str, Json]:
    """Read a sealed object.

    Raises:
        VerificationError: it is missing, is not JSON, was changed, or is of another schema version.
    """
    path = storage.path(relative)
    found = storage.read_json(relative)
    if found is None:
        raise VerificationError(f"{path}: missing or not JSON; finish the run first")
    # To the byte: the e of 1e-05 and of \u00e9 may become an E without another value.
    if path.read_bytes() != _rendered(seal(found)):
        raise VerificationError(f"{path}: was changed after it was written (sha256 differs)")
    version = found.get("schema_version", SCHEMA_VERSION)
    if version != SCHEMA_VERSION:
        raise VerificationError(
            f"{path}: schema_version is {version!r}, this version reads {SCHEMA_VERSION}; "
            "run the recipe again, or read it with the version that wrote it"
        )
    return found


def _rendered(sealed: JsonObject) -> bytes:
    return json.dumps(sealed, indent=1, sort_keys=True).encode() + b"\n"


def fields_of(cls: type, found: Json) -> dict[str, Any]:
    """Return the fields that a dataclass has; a later version may write more.

    Raises:
        TypeError: it is not an object.
    """
    entries = dict(entries_of(found))
    return {field.name: entries[field.name] for field in fields(cls) if field.name in entries}


def entries_of(found: Json) -> Iterable[tuple[str, Json]]:
    """Return the names and values of an object; raise a TypeError if it is another value."""
    if not isinstance(found, Mapping):
        raise TypeError(f"expected an object, found {type(found).__name__}")
    return found.items()


def items_of(found: Json) -> Sequence[Json]:
    """Return the items of a list; raise a TypeError if it is another value."""
    if not isinstance(found, list):
        raise TypeError(f"expected a list, found {type(found).__name__}")
    return found
