"""Pages of Markdown whose code runs: their commands, and a checkout to run them in as a newcomer would type them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("configs", "tests", "filters", "pipelines", "tokenizer_training")
FILES = ("pyproject.toml", "constraints.txt")


def blocks(page: Path, kind: str) -> list[str]:
    """The fenced code of one kind, ``sh`` or ``python``, in order."""
    return re.findall(rf"^```{kind}\n(.*?)^```", page.read_text(), flags=re.MULTILINE | re.DOTALL)


def commands(page: Path) -> list[str]:
    """The shell commands of a page, comments removed."""
    lines = [
        re.split(r" {3,}#", line)[0].strip() for block in blocks(page, "sh") for line in block.splitlines()
    ]
    return [line for line in lines if line and not line.startswith("#")]


def checkout(where: Path, demo: Path) -> Path:
    """A checkout as pages see it: our folders, this environment as .venv, a crawl, the finished demo."""
    for name in (*FOLDERS, *FILES):
        (where / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "examples", where / "examples")  # commands go there and back
    shutil.copy(ROOT / "Makefile", where)
    (where / ".venv").symlink_to(sys.prefix)
    (where / "crawl").mkdir()
    shutil.copy(ROOT / "tests" / "sample" / "web.warc.gz", where / "crawl" / "sample.warc.gz")
    shutil.copytree(demo, where / "runs" / "demo")  # `make demo` itself is tested by .ci/run
    return where


def run(command: str, where: Path) -> None:
    """Run a command in a checkout with this environment on the path; `make` finds it installed."""
    installed = where / "installed"
    installed.touch()
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "MAKEFLAGS": f"PIPELINE={installed}",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        command, shell=True, cwd=where, env=environment, capture_output=True, text=True, timeout=500
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
