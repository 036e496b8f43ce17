"""Stage keys: everything a stage's output depends on apart from its input data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import TypeGuard

from pipelines.store.sealed import SCHEMA_VERSION, Json, JsonObject, canonical_json


@dataclass(frozen=True)
class StageKey:
    """What a stage's output depends on apart from its input data.

    Attributes:
        parts: settings, upstream keys, hashes of files, versions; JSON-able.
    """

    parts: JsonObject

    @property
    def sha256(self) -> str:
        """Return the key: sha256 of the canonical JSON of its parts."""
        return hashlib.sha256(canonical_json(self.parts)).hexdigest()


def stage_key(
    stage: str, settings: JsonObject, upstream: Sequence[str] = (), libraries: Sequence[str] = ()
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


def explain_change(old: JsonObject, new: JsonObject, prefix: str = "") -> list[str]:
    """Return one line for each difference between the parts of two keys: ``settings.engine: a -> b``.

    A changed key of an earlier stage is said in words: the sha256 tells nobody anything.
    """
    lines = []
    for name in sorted({*old, *new}):
        before, after = old.get(name), new.get(name)
        if before == after:
            continue
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            lines += explain_change(before, after, f"{prefix}{name}.")
        elif _are_named(before) and _are_named(after):
            lines += explain_change(_by_name(before), _by_name(after), f"{prefix}{name}.")
        elif f"{prefix}{name}" == "upstream":
            lines.append("an earlier stage changed")
        else:
            lines.append(f"{prefix}{name}: {json.dumps(before)} -> {json.dumps(after)}")
    return lines


def _are_named(value: object) -> TypeGuard[Sequence[JsonObject]]:
    """Return True for a list of steps: mappings with a name each."""
    return isinstance(value, list | tuple) and all(
        isinstance(item, Mapping) and "name" in item for item in value
    )


def _by_name(items: Iterable[JsonObject]) -> dict[str, Json]:
    return {str(item["name"]): {**item, "place": place} for place, item in enumerate(items)}
