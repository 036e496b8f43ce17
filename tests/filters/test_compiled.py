"""Compiled code on disk is used again, and never when a source that went into it has changed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
CALLER = """
from filters.compiled import compiled
from callee import inner

@compiled
def outer(x):
    return inner(x)
"""
CALLEE = """
from filters.compiled import compiled

@compiled
def inner(x):
    return x + {step}
"""
RUN = """
import sys
from pathlib import Path
import filters.compiled
filters.compiled.HOME = Path(sys.argv[1])
from caller import outer
print(outer(1), sum(outer.stats.cache_hits.values()))
"""


def run(folder: Path) -> str:
    """Call the function in a fresh process; return its result and how often compiled code was found."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(folder / "cache")],
        env={"PYTHONPATH": f"{ROOT}:{folder}", "PATH": "", "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_a_change_in_another_file_counts(tmp_path: Path) -> None:
    (tmp_path / "caller.py").write_text(CALLER)
    (tmp_path / "callee.py").write_text(CALLEE.format(step=1))
    assert run(tmp_path) == "2 0"
    assert run(tmp_path) == "2 1"
    (tmp_path / "callee.py").write_text(CALLEE.format(step=2))
    assert run(tmp_path) == "3 0"
