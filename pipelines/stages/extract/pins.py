"""Resolves the inputs once: expands listings and pins each remote file to its current version.

The first run in a folder writes what it found to ``work/remote/``, a sealed JSON file per listing and per literal
address. Later runs in that folder read it from there: they continue with the same objects, even if the bucket has
changed. Units of remote files are kept there too (`pipelines.stages.extract.units`), so that a run needs no network
for finished work.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Final

from pipelines.errors import InputError
from pipelines.inputs.address import Pin, parse_address
from pipelines.inputs.allowed_hosts import FOLDER, AllowedHosts, merge_hosts
from pipelines.inputs.file import InputFile, Listed, Listing
from pipelines.inputs.streams import client_of
from pipelines.recipe.paths import clashes
from pipelines.recipe.recipe import Input, Recipe
from pipelines.store.sealed import JsonObject, is_sealed, write_sealed
from pipelines.store.storage import Storage

MAX_REQUESTS: Final = 8
"""Requests at a time while files are pinned."""


def pin_inputs(recipe: Recipe, storage: Storage, say: Callable[[str], None]) -> Recipe:
    """Return the recipe with all its files known, and remote files pinned.

    Args:
        recipe: as loaded.
        storage: the run, under its lock.
        say: shows a line to the user.

    Raises:
        InputError: a listing or a file cannot be reached, or two files would share a name.
    """
    resolver = _Resolver(storage, access_of(storage.root, recipe.inputs), say)
    inputs = tuple(resolver.resolve(entry) for entry in recipe.inputs)
    for n, message in clashes(inputs):
        raise InputError(f"inputs[{n}]: {message}")
    return replace(recipe, inputs=inputs)


class _Resolver:
    """Lists and pins, or reads what an earlier run in this folder found."""

    def __init__(self, storage: Storage, access: AllowedHosts, say: Callable[[str], None]) -> None:
        self._storage = storage
        self._access = access
        self._say = say

    def resolve(self, entry: Input) -> Input:
        """Return an input with all its files, pinned."""
        listed = [self._list(listing) for listing in entry.listings]
        found = [*entry.files, *(file for one in listed for file in one.files)]
        files = tuple(sorted(self._map(self._pin, found), key=lambda file: file.name))
        return replace(entry, files=files, listed=tuple(one.facts for one in listed))

    def _list(self, listing: Listing) -> Listed:
        known = self._recall(repr(listing))
        if known is not None:
            return known
        found = listing.expand(client_of(self._access))
        self._say(f"listed {len(found.files)} files")
        listed = replace(found, files=tuple(self._map(self._ask, found.files)))
        self._keep(repr(listing), listed)
        return listed

    def _map(self, do: Callable[[InputFile], InputFile], files: Iterable[InputFile]) -> Iterator[InputFile]:
        with ThreadPoolExecutor(MAX_REQUESTS) as pool:
            yield from pool.map(do, files)

    def _pin(self, file: InputFile) -> InputFile:
        """Return a file of a literal path with its pin, an earlier one if there is one."""
        if file.pin is not None or not isinstance(file.path, str):
            return file
        known = self._recall(file.path)
        if known is not None:
            return replace(file, pin=known.files[0].pin)
        pinned = self._ask(file)
        self._keep(file.path, Listed((pinned,), {}))
        return pinned

    def _ask(self, file: InputFile) -> InputFile:
        """Return a file pinned to its current version."""
        if file.pin is not None or not isinstance(file.path, str):
            return file
        return replace(file, pin=client_of(self._access).pin(parse_address(file.path)))

    def _recall(self, key: str) -> Listed | None:
        """Return what an earlier run listed under a key; None if none did."""
        found = self._storage.read_json(_home(key))
        if found is None or not is_sealed(found):
            return None
        files = tuple(
            InputFile(entry["path"], entry["name"], Pin(*entry["pin"]) if entry["pin"] else None)
            for entry in found["files"]
        )
        return Listed(files, found["facts"])

    def _keep(self, key: str, listed: Listed) -> None:
        files: list[JsonObject] = [
            {
                "path": str(file.path),
                "name": file.name,
                "pin": [file.pin.size, file.pin.version] if file.pin else None,
            }
            for file in listed.files
        ]
        write_sealed(self._storage, _home(key), {"of": key, "files": files, "facts": dict(listed.facts)})


def _home(key: str) -> str:
    return f"{FOLDER}/{hashlib.blake2b(key.encode(), digest_size=8).hexdigest()}.json"


def access_of(root: Path, inputs: tuple[Input, ...]) -> AllowedHosts:
    """Return what a run may contact: every host that its inputs name."""
    addresses = [file.path for entry in inputs for file in entry.files if isinstance(file.path, str)]
    return AllowedHosts(
        str(root.absolute()),
        merge_hosts(
            (host for text in addresses for host in parse_address(text).hosts()),
            (host for entry in inputs for listing in entry.listings for host in listing.hosts()),
            (host for entry in inputs for host in entry.hosts),
        ),
    )
