"""Every command and every piece of code in the README runs, in order, as a newcomer would type it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.store.manifest import read_run_manifest
from pipelines.store.storage import Storage
from pipelines.views.funnel import funnel_lines

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(sh|python)\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    """The shell commands of all blocks, comments removed."""
    lines = [
        line.partition("   #")[0].partition("    #")[0].strip()
        for kind, block in BLOCKS
        if kind == "sh"
        for line in block.splitlines()
    ]
    return [line for line in lines if line and not line.startswith("#")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, demo: Path) -> Path:
    """A checkout as the README sees it: our folders, this environment as .venv, a crawl, files of the reader."""
    where = tmp_path_factory.mktemp("checkout")
    for name in (
        "configs",
        "tests",
        "filters",
        "pipelines",
        "tokenizer_training",
        "pyproject.toml",
        "constraints.txt",
    ):
        (where / name).symlink_to(ROOT / name)
    shutil.copy(ROOT / "Makefile", where)
    (where / ".venv").symlink_to(sys.prefix)
    (where / "crawl").mkdir()
    shutil.copy(ROOT / "tests" / "sample" / "web.warc.gz", where / "crawl" / "sample.warc.gz")
    shutil.copytree(demo, where / "runs" / "demo")  # what `make demo` would make is tested by .ci/run
    for kind, block in BLOCKS:
        name = re.match(r"# (\w+\.py)\n", block)
        if kind == "python" and name:
            (where / name[1]).write_text(block)
    return where


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


def test_commands_run_in_order(folder: Path) -> None:
    """`make test` is what runs this; `make demo` runs with this environment in place of a new one."""
    installed = folder / "installed"
    installed.touch()
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "MAKEFLAGS": f"PIPELINE={installed}",
        "PYTHONPATH": "",
    }
    ran = []
    for command in commands():
        if command == "make test":
            continue
        done = subprocess.run(
            command, shell=True, cwd=folder, env=environment, capture_output=True, text=True, timeout=500
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        ran.append(command)
    assert len(ran) >= 8


def test_the_trainer_example_runs(folder: Path) -> None:
    code = next(block for kind, block in BLOCKS if kind == "python" and "ShardLoader" in block)
    code = code.replace("runs/mine/shards", "runs/demo/shards")
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


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
