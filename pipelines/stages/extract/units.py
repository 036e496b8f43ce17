"""Cuts inputs into units of work: byte ranges of a size that does not depend on the number of workers.

A unit owns every span (gzip member, bz2 stream, row group, line) that starts in its range. Its name depends on
the source, the file and the start of the range only, so adding an input adds only its units.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import Final

from pipelines.inputs.allowed_hosts import FOLDER, NO_HOSTS, AllowedHosts
from pipelines.inputs.file import InputFile
from pipelines.inputs.streams import open_input, stamp_of
from pipelines.readers.record import Record, Rejected
from pipelines.recipe.recipe import Input, Recipe
from pipelines.recipe.user_code import code_of
from pipelines.store.sealed import is_sealed, write_sealed
from pipelines.store.storage import Storage

PLANNERS: Final = 8
"""Files opened at a time to find out whether they may be split; a remote one takes some round trips."""

MIB: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Unit:
    """One byte range of one input file.

    Attributes:
        name: 16 hex characters.
        input: ordinal of the input in the recipe, to find its reader.
        source: the input's source name.
        file: name of the file in the outputs.
        path: where the file is: a path or an address.
        start: first byte of the range.
        end: first byte after it.
        limit: read at most so many content records, and no byte after them; None = all.
        stamp: size and modification time of the file, or its version; the unit is redone when it changes.
    """

    name: str
    input: int
    source: str
    file: str
    path: str
    start: int
    end: int
    limit: int | None
    stamp: str

    def fingerprint(self, reader: object) -> str:
        """Return a hash of what the unit's output depends on besides the stage key."""
        fields = {k: v for k, v in asdict(self).items() if k not in {"input", "path"}}  # where, not what
        return hashlib.sha256(repr((sorted(fields.items()), reader, *_own(reader))).encode()).hexdigest()


def _own(reader: object) -> tuple[str, ...]:
    """Return the digest of the code of a reader of the user's own."""
    code = code_of(type(reader))
    return (code,) if code else ()


def plan_units(recipe: Recipe, access: AllowedHosts = NO_HOSTS) -> list[Unit]:
    """Return all units of a recipe, by name.

    Args:
        recipe: its inputs resolved (`pipelines.stages.extract.pins`).
        access: which hosts may be contacted.

    Raises:
        InputError: a file cannot be opened.
    """
    planner = _Planner(recipe.unit_mb * MIB, access)
    units = [
        unit
        for ordinal, source in enumerate(recipe.inputs)
        for unit in planner.remembered_units(ordinal, source)
    ]
    return sorted(units, key=lambda unit: unit.name)


def unit_name(source: str, file: str, start: int) -> str:
    """Return the name of the unit that starts at a byte of a file."""
    key = f"{source}\x00{file}\x00{start}".encode("utf-8", "surrogateescape")
    return hashlib.blake2b(key, digest_size=8).hexdigest()


@dataclass(frozen=True)
class _Planner:
    """Cuts files into units of `unit_bytes`."""

    unit_bytes: int
    access: AllowedHosts

    def remembered_units(self, ordinal: int, source: Input) -> list[Unit]:
        """Return the units of one input; if a file is remote, they are planned once and kept."""
        if all(file.pin is None for file in source.files):
            return list(self.input_units(ordinal, source))
        files = [(str(file.path), file.name, *stamp_of(file)) for file in source.files]
        depends = (
            ordinal,
            source.source,
            source.reader,
            source.limit,
            self.unit_bytes,
            files,
            *_own(source.reader),
        )
        name = hashlib.blake2b(repr(depends).encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()
        storage, home = Storage(self.access.root), f"{FOLDER}/{name}.units.json"
        known = storage.read_json(home)
        if known is not None and is_sealed(known):
            return [Unit(**unit) for unit in known["units"]]
        units = list(self.input_units(ordinal, source))
        write_sealed(storage, home, {"units": [asdict(unit) for unit in units]})
        return units

    def input_units(self, ordinal: int, source: Input) -> Iterator[Unit]:
        """Yield the units of one input; those of a limited one end where the limit is reached."""
        if source.limit is None:
            with ThreadPoolExecutor(PLANNERS) as pool:
                for units in pool.map(lambda file: self._file_units(ordinal, source, file), source.files):
                    yield from units
            return
        remaining = source.limit
        for file in source.files:
            for unit in self._file_units(ordinal, source, file):
                size = int(unit.stamp.partition(":")[0])
                content = self._count_content(unit, source, remaining)
                reached = content == remaining
                # The unit that reaches the limit owns the rest of the file, so that every byte has an owner.
                yield replace(unit, limit=remaining, end=size if reached else unit.end)
                remaining -= content
                if reached:
                    return

    def _file_units(self, ordinal: int, source: Input, file: InputFile) -> list[Unit]:
        size, stamp = stamp_of(file)
        path = str(file.path)
        with open_input(path, stamp, self.access, until=0) as stream:
            step = self.unit_bytes if size > self.unit_bytes and source.reader.splits(stream) else size
        return [
            Unit(
                unit_name(source.source, file.name, start),
                ordinal,
                source.source,
                file.name,
                path,
                start,
                min(start + step, size),
                None,
                stamp,
            )
            for start in range(0, max(size, 1), max(step, 1))
        ]

    def _count_content(self, unit: Unit, source: Input, most: int) -> int:
        """Count the content records of a unit, up to `most`."""
        found = 0
        with open_input(unit.path, unit.stamp, self.access, unit.end) as stream:
            for event in source.reader.read(stream, unit.start, unit.end):
                found += isinstance(event, Record | Rejected)
                if found == most:
                    break
        return found
