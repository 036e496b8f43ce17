"""Inputs become units: every byte owned once, names stable, limits honoured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, ClassVar

import pytest

from filters.document import Place
from pipelines.errors import InputError
from pipelines.inputs.file import InputFile
from pipelines.readers.record import Event, Record, Span
from pipelines.recipe.recipe import Input, Recipe
from pipelines.stages.extract.units import MIB, plan_units


@dataclass(frozen=True)
class Bytes:
    """A reader for which each byte is a record."""

    SOURCE: ClassVar[str] = "toy"
    split: bool = True

    def splits(self, stream: BinaryIO) -> bool:
        return self.split

    def read(self, stream: BinaryIO, start: int, end: int) -> Iterator[Event]:
        for offset in range(start, end):
            yield Record(Place(offset, 1, 0), b"x", "text")
            yield Span(offset, 1, "record")


def recipe(
    *files: Path, limit: int | None = None, reader: Bytes | None = None, source: str = "toy"
) -> Recipe:
    entries = tuple(InputFile(path, path.name) for path in files)
    return Recipe("toy", (Input("toy", reader or Bytes(), (), source, limit, entries),), unit_mb=1)


def write(path: Path, size: int) -> Path:
    path.write_bytes(b"x" * size)
    return path


def test_units_tile_each_file(tmp_path: Path) -> None:
    units = plan_units(recipe(write(tmp_path / "a", 5 * MIB // 2), write(tmp_path / "b", 10)))
    ranges = sorted((unit.file, unit.start, unit.end) for unit in units)
    assert ranges == [("a", 0, MIB), ("a", MIB, 2 * MIB), ("a", 2 * MIB, 5 * MIB // 2), ("b", 0, 10)]


def test_a_file_that_does_not_split_is_one_unit(tmp_path: Path) -> None:
    units = plan_units(recipe(write(tmp_path / "a", 3 * MIB), reader=Bytes(split=False)))
    assert [(unit.start, unit.end) for unit in units] == [(0, 3 * MIB)]


def test_an_empty_file_is_a_unit_too(tmp_path: Path) -> None:
    assert [(unit.start, unit.end) for unit in plan_units(recipe(write(tmp_path / "a", 0)))] == [(0, 0)]


def test_another_file_changes_no_name(tmp_path: Path) -> None:
    a, b = write(tmp_path / "a", 10), write(tmp_path / "b", 10)
    alone, both = plan_units(recipe(b)), plan_units(recipe(a, b))
    assert alone[0] in both


def test_names_depend_on_source_file_and_start_only(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    here, there = write(tmp_path / "a", 10), write(tmp_path / "other" / "a", 20)
    assert plan_units(recipe(here))[0].name == plan_units(recipe(there))[0].name
    assert plan_units(recipe(here))[0].name != plan_units(recipe(here, source="web"))[0].name


def test_a_changed_file_changes_the_fingerprint(tmp_path: Path) -> None:
    path = write(tmp_path / "a", 10)
    before = plan_units(recipe(path))[0].fingerprint(Bytes())
    assert before == plan_units(recipe(path))[0].fingerprint(Bytes())
    assert before != plan_units(recipe(path))[0].fingerprint(Bytes(split=False))
    write(path, 11)
    assert before != plan_units(recipe(path))[0].fingerprint(Bytes())


def test_a_limit_ends_inside_a_unit_and_owns_the_rest_of_the_file(tmp_path: Path) -> None:
    files = [write(tmp_path / name, 10) for name in ("a", "b", "c")]
    units = sorted(plan_units(recipe(*files, limit=15)), key=lambda unit: unit.file)
    assert [(unit.file, unit.limit, unit.end) for unit in units] == [("a", 15, 10), ("b", 5, 10)]


def test_a_vanished_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="gone: cannot be read"):
        plan_units(recipe(tmp_path / "gone"))
