"""Every command and every piece of code in the README runs, in order, as a newcomer would type it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.store.manifest import read_run_manifest
from pipelines.store.storage import Storage
from pipelines.views.funnel import funnel_lines
from tests.pages import ROOT, blocks, checkout, commands, run

PAGE = ROOT / "README.md"
README = PAGE.read_text()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, demo: Path) -> Path:
    """A checkout as the README sees it."""
    return checkout(tmp_path_factory.mktemp("checkout"), demo)


@pytest.mark.integration
def test_the_funnel_is_that_of_the_demo(demo: Path) -> None:
    counted = read_run_manifest(Storage(demo)).balance
    shown = re.search(r"^```\n( +count .*?)^```", README, flags=re.MULTILINE | re.DOTALL)
    assert shown
    lines = [re.split(r" {2,}", line.strip())[:2] for line in shown[1].splitlines()[1:]]
    found = [[line.name, f"{line.count:,}"] for line in funnel_lines(counted)]
    assert [line for line in lines if line != ["..."] and line not in found] == []


def test_it_is_short() -> None:
    assert len(README.splitlines()) <= 150


def test_its_pictures_and_files_are_there() -> None:
    named = re.findall(r'src="([^"]+)"', README) + re.findall(
        r"`((?:pipelines|tests|notebooks)/[^` ]+)`", README
    )
    assert "notebooks/report.png" in named
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.integration
def test_commands_run_in_order(folder: Path) -> None:
    """`make test` is what runs this; `make demo` runs with this environment in place of a new one."""
    ran = [command for command in commands(PAGE) if command != "make test"]
    assert len(ran) >= 8
    for command in ran:
        run(command, folder)


@pytest.mark.integration
def test_the_trainer_example_runs(folder: Path) -> None:
    code = next(block for block in blocks(PAGE, "python") if "ShardLoader" in block)
    code = code.replace("runs/mine/shards", "runs/demo/shards")
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.integration
def test_every_command_line_verb_is_in_the_readme_or_explained_by_help() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.cli", "--help"], capture_output=True, text=True, cwd=ROOT
    )
    for name in (
        "run",
        "extract",
        "filter",
        "dedup",
        "train-tokenizer",
        "pack",
        "check",
        "verify",
        "show",
        "trace",
    ):
        assert name in done.stdout
        assert f"`{name}`" in README or f"corpusmill {name}" in README
