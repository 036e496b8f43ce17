"""User-defined steps and readers: they run, faults are named, and changed code is run again."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pipelines.test_cli import ROOT

pytestmark = pytest.mark.integration

READER = """
from dataclasses import dataclass

from filters.document import Place
from pipelines.readers.record import Record, Span


@dataclass(frozen=True)
class Book:
    SOURCE = "books"
    title_lines: int = 0

    def splits(self, stream):
        return False

    def read(self, stream, start, end):
        payload = stream.read()
        yield Record(Place(0, len(payload), 0), payload.split(b"\\n", self.title_lines)[-1], "text")
        yield Span(0, len(payload), "book")


@dataclass(frozen=True)
class Half:
    SOURCE = "half"


class Plain:
    SOURCE = "plain"
"""
STEP = """
from dataclasses import dataclass

from filters.step import Check


@dataclass(frozen=True)
class Long:
    max_characters: int | None = 40
    MEASURES = {"characters": int}
    CHECKS = (Check("too_long", "characters", ">", "max_characters"),)
    FILES = ()

    def apply(self, view):
        return view, {"characters": len(view.text)}
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with two books, a reader, a step, and a recipe that uses both."""
    (tmp_path / "books").mkdir()
    for number, text in enumerate(
        ("Title\nA short book.", "Title\nA book of a good many words, far too long.")
    ):
        (tmp_path / "books" / f"{number}.txt").write_text(text)
    (tmp_path / "my_readers.py").write_text(READER)
    (tmp_path / "my_rules.py").write_text(STEP)
    recipe = {
        "name": "own",
        "inputs": [{"reader": "my_readers:Book", "paths": ["books/*.txt"], "title_lines": 1}],
        "steps": ["my_rules:Long"],
    }
    (tmp_path / "r.yaml").write_text(json.dumps(recipe))
    return tmp_path


def corpusmill(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in the folder, as a user would."""
    command = [sys.executable, "-m", "pipelines.cli", *arguments]
    return subprocess.run(
        command, cwd=home, capture_output=True, text=True, env={"PYTHONPATH": str(ROOT), "HOME": str(home)}
    )


def test_both_run_in_workers_and_changed_code_is_run_again(home: Path) -> None:
    command = ("filter", "r.yaml", "--out", "out", "--workers", "2")
    done = corpusmill(home, *command)
    assert done.returncode == 0, done.stderr
    shown = corpusmill(home, "show", "out", "--json").stdout
    assert [json.loads(line)["text"] for line in shown.splitlines()] == ["A short book."]
    assert "extract: nothing to do\nfilter: nothing to do\n" in corpusmill(home, *command).stderr

    (home / "my_rules.py").write_text(STEP.replace('"too_long"', '"far_too_long"'))
    done = corpusmill(home, *command)
    assert "extract: nothing to do\nfilter: redone because settings.steps.my_rules:Long.code: " in done.stderr
    assert "my_rules:Long.far_too_long" in done.stdout

    (home / "my_readers.py").write_text(READER + "# changed\n")
    assert "extract: 2 of 2 units to do" in corpusmill(home, *command).stderr


@pytest.mark.parametrize(
    ("reader", "said"),
    [
        (
            "my_readers:Bock",
            "there is no reader 'my_readers:Bock' (looked for class Bock with SOURCE in my_readers)",
        ),
        ("my_readers:Half", "'my_readers:Half' has no splits and no read"),
        ("my_readers:Plain", "'my_readers:Plain' is not a dataclass"),
        ("no_such_module:X", "there is no reader 'no_such_module:X'"),
        ("warx", "there is no reader 'warx'; did you mean 'warc'?"),
        ("broken:X", "importing 'broken:X' fails: ZeroDivisionError: division by zero"),
    ],
)
def test_what_is_wrong_with_a_reader_is_named(home: Path, reader: str, said: str) -> None:
    (home / "broken.py").write_text("1 / 0\n")
    recipe = {"name": "own", "inputs": [{"reader": reader, "paths": ["books/*.txt"]}]}
    (home / "r.yaml").write_text(json.dumps(recipe))
    done = corpusmill(home, "check", "r.yaml")
    assert done.returncode == 2
    assert f"inputs[0].reader: {said}" in done.stderr
