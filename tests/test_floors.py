"""The house: which folder may import which, and what stays out of light imports."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FLOORS = {"filters": 0, "tokenizer_training": 1, "pipelines": 2}


def imports(path: Path) -> set[str]:
    """Every module name that a file imports, at any depth."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def modules() -> list[Path]:
    return sorted(path for package in FLOORS for path in (ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_floor_imports_only_floors_below(path: Path) -> None:
    own = FLOORS[path.relative_to(ROOT).parts[0]]
    for name in imports(path):
        assert FLOORS.get(name.split(".")[0], own) <= own, f"{path} imports {name}"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_beam_is_imported_by_the_engine_and_by_graphs_only(path: Path) -> None:
    if path.is_relative_to(ROOT / "pipelines" / "beam") or path.name == "graph.py":
        return
    assert not [name for name in imports(path) if name.split(".")[0] == "apache_beam"]


@pytest.mark.parametrize("module", ["filters.judge", "filters.gopher_quality", "tokenizer_training.loader"])
def test_light_modules_load_no_heavy_library(module: str) -> None:
    heavy = ["apache_beam", "torch", "huggingface_hub", "pipelines"]
    code = f"import sys, {module}; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_sizes_and_docstrings() -> None:
    """Files stay below 400 lines, functions below 60, and everything public says what it is."""
    faults = []
    for path in modules():
        tree = ast.parse(path.read_text())
        if len(path.read_text().splitlines()) > 400:
            faults.append(f"{path}: more than 400 lines")
        if ast.get_docstring(tree) is None:
            faults.append(f"{path}: no docstring")
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                if length > 60:
                    faults.append(f"{path}:{node.lineno}: {node.name} has {length} lines")
    assert not faults, "\n".join(faults)
