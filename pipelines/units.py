"""Inputs become units of work: byte ranges of a size that does not depend on the number of workers.

A unit owns every span (gzip member, bz2 stream, row group, line) that starts in its range. Its name depends on
nothing but the source, the file and where the range starts, so adding an input adds only its units.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from pipelines.config import Input, InputFile, Recipe
from pipelines.errors import InputError
from pipelines.readers.record import Record, Rejected

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Unit:
    """One byte range of one input file.

    Attributes:
        name: 16 hex characters.
        input: ordinal of the input in the recipe, to find its reader.
        source: the input's source name.
        file: name of the file in the outputs.
        path: where the file is.
        start: first byte of the range.
        end: first byte after it.
        limit: read at most so many content records; None = all. The file is not read after them.
        stamp: size and modification time of the file; the unit is redone when it changes.
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
        """Return what the unit's output depends on besides the stage key."""
        fields = {k: v for k, v in asdict(self).items() if k not in {"input", "path"}}  # where, not what
        return hashlib.sha256(repr((sorted(fields.items()), reader)).encode()).hexdigest()


def plan_units(recipe: Recipe) -> list[Unit]:
    """Return all units of a recipe, by name.

    Raises:
        InputError: a file cannot be opened.
    """
    units = [
        unit
        for ordinal, source in enumerate(recipe.inputs)
        for unit in _input_units(ordinal, source, recipe.unit_mb * MIB)
    ]
    return sorted(units, key=lambda unit: unit.name)


def unit_name(source: str, file: str, start: int) -> str:
    """Return the name of the unit that starts at a byte of a file."""
    key = f"{source}\x00{file}\x00{start}".encode("utf-8", "surrogateescape")
    return hashlib.blake2b(key, digest_size=8).hexdigest()


def _input_units(ordinal: int, source: Input, unit_bytes: int) -> Iterator[Unit]:
    """Yield the units of one input; those of a limited one end where the limit is reached."""
    remaining = source.limit
    for file in source.files:
        for unit in _file_units(ordinal, source, file, unit_bytes):
            if remaining is None:
                yield unit
                continue
            size = int(unit.stamp.partition(":")[0])
            content = _count_content(unit, source, remaining)
            reached = content == remaining
            # The unit that reaches the limit owns the rest of the file, so that no byte is without an owner.
            yield _with(unit, limit=remaining, end=size if reached else unit.end)
            remaining -= content
            if reached:
                return


def _file_units(ordinal: int, source: Input, file: InputFile, unit_bytes: int) -> Iterator[Unit]:
    try:
        stat = file.path.stat()
        with file.path.open("rb") as stream:
            step = unit_bytes if stat.st_size > unit_bytes and source.reader.splits(stream) else stat.st_size
    except OSError as error:
        raise InputError(
            f"{file.path}: cannot be read ({error.strerror}); restore it or take it out of inputs"
        ) from error
    stamp = f"{stat.st_size}:{stat.st_mtime_ns}"
    for start in range(0, max(stat.st_size, 1), max(step, 1)):
        name = unit_name(source.source, file.name, start)
        end = min(start + step, stat.st_size)
        yield Unit(name, ordinal, source.source, file.name, str(file.path), start, end, None, stamp)


def _count_content(unit: Unit, source: Input, most: int) -> int:
    """Count the content records of a unit, up to `most`."""
    found = 0
    with open(unit.path, "rb") as stream:  # noqa: PTH123 - a reader takes a plain binary stream
        for event in source.reader.read(stream, unit.start, unit.end):
            found += isinstance(event, Record | Rejected)
            if found == most:
                break
    return found


def _with(unit: Unit, limit: int, end: int) -> Unit:
    fields = {**asdict(unit), "limit": limit, "end": end}
    return Unit(**fields)
