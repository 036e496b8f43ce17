"""A recipe as others may see it: without folders of this machine and without keys that an address may carry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from pipelines.store.sealed import JsonObject


def public_recipe(recipe: Mapping[str, Any]) -> JsonObject:
    """Return a recipe for publication.

    Of files chosen from a crawl only the names stay; the list's sha256 and the seed identify them.
    """
    inputs = [_public_input(entry) for entry in recipe["inputs"]]
    return {name: _public(value) for name, value in {**recipe, "inputs": inputs}.items()}


def _public_input(entry: JsonObject) -> JsonObject:
    shown = {key: value for key, value in entry.items() if key != "found"}
    if isinstance(files := entry.get("files"), list):
        shown["files"] = [file["name"] for file in files]
    return shown


def _public(value: Any) -> Any:
    """Return a value in which a path from the root or home is a name, and an address has no user and no query."""
    if isinstance(value, Mapping):
        return {name: _public(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_public(item) for item in value]
    if not isinstance(value, str):
        return value
    if "://" in value:
        split = urlsplit(value)
        return urlunsplit((split.scheme, split.netloc.rpartition("@")[2], split.path, "", ""))
    return value.rpartition("/")[2] if value.startswith(("/", "~", "..")) else value
