"""What the tests of recipes share: a reader, a step, and short ways to load a recipe or to list its faults."""

from __future__ import annotations

import sys
import types
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import pytest

from filters.step import Check, FieldFault, Measured
from filters.text import TextView
from pipelines.errors import RecipeError
from pipelines.recipe import inputs as input_entries
from pipelines.recipe.load import load
from pipelines.recipe.recipe import Recipe

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Pages:
    """A reader with an option of each kind."""

    statuses: tuple[int, ...] = (200,)
    mime: Literal["html", "any"] = "html"
    SOURCE: ClassVar[str] = "web"


@dataclass(frozen=True)
class Rule:
    """A step with a field of each kind."""

    words: tuple[str, ...] = ()
    min_words: int | None = 50
    max_words: int | None = 100
    max_ratio: float = 0.1
    strict: bool = False
    profile: Literal["datatrove", "dclm"] = "datatrove"
    model: str | None = None
    MEASURES: ClassVar[dict[str, type]] = {}
    CHECKS: ClassVar[tuple[Check, ...]] = ()
    FILES: ClassVar[tuple[str, ...]] = ("model",)

    def apply(self, view: TextView) -> tuple[TextView, Measured]:
        """Measure nothing."""
        return view, {}

    def __post_init__(self) -> None:
        for name in ("min_words", "max_words"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise FieldFault(f"{name} must be 0 or more; found {value}", name)
        if self.min_words is not None and self.max_words is not None and self.min_words > self.max_words:
            what = f"min_words must not be above max_words; found {self.min_words} and {self.max_words}"
            raise FieldFault(what, "min_words", "max_words")


@dataclass(frozen=True)
class Simple:
    """A step of somebody who knows no `FieldFault`."""

    limit: int = 1
    other: int = 1
    MEASURES: ClassVar[dict[str, type]] = {}
    CHECKS: ClassVar[tuple[Check, ...]] = ()
    FILES: ClassVar[tuple[str, ...]] = ()

    def apply(self, view: TextView) -> tuple[TextView, Measured]:
        """Measure nothing."""
        return view, {}

    def __post_init__(self) -> None:
        if self.limit < 1 or self.other < 1:
            raise ValueError(f"limit is {self.limit}; it must be at least 1, like other")


def _find_reader(name: str) -> type[Pages]:
    if name != "pages":
        raise LookupError(f"there is no reader {name!r}")
    return Pages


def make_home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a few inputs, a reader `pages` and a step `rules:Rule`, so that messages do not depend on others."""
    module = types.ModuleType("rules")
    module.Rule = Rule  # type: ignore[attr-defined]
    module.Simple = Simple  # type: ignore[attr-defined]
    module.NotAStep = Pages  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "rules", module)
    monkeypatch.setattr(input_entries, "reader_names", lambda: ["pages"])
    monkeypatch.setattr(input_entries, "find_reader", _find_reader)
    for name in ("crawl/2024/b.gz", "crawl/2024/a.gz", "crawl/2025/a.gz", "dumps/w.bz2", "dumps/notes.txt"):
        path = folder / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    (folder / "other").mkdir()
    monkeypatch.chdir(folder / "other")
    return folder / "data"


def write(home: Path, text: str) -> Path:
    path = home / "r.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def recipe(home: Path, text: str = "", *overrides: str) -> Recipe:
    return load(
        write(home, f"name: x\ninputs:\n  - {{reader: pages, paths: [dumps/w.bz2]}}\n{text}"), overrides
    )


def faults(home: Path, text: str, *overrides: str) -> list[str]:
    """The lines of the error, with the recipe's path cut to its name."""
    path = write(home, text)
    with pytest.raises(RecipeError) as caught:
        load(path, overrides)
    return str(caught.value).replace(str(home), ".").splitlines()


def faults_below(home: Path, text: str, *overrides: str) -> list[str]:
    """The faults of a recipe whose first two lines, name and inputs, are right."""
    return faults(home, f"name: x\ninputs: [{{reader: pages, paths: [dumps/w.bz2]}}]\n{text}", *overrides)
