"""The notebooks: in step with their scripts, without outputs, and every cell of them runs on the demo."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jupytext
import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = sorted((ROOT / "notebooks").glob("*.py"))


def executed(script: Path, run: Path, monkeypatch: pytest.MonkeyPatch, allow_errors: bool = False) -> Any:
    """Run a notebook on a run; return it with its outputs."""
    monkeypatch.setenv("CORPUSMILL_RUN", str(run))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    notebook = nbformat.read(script.with_suffix(".ipynb"), as_version=4)
    client = NotebookClient(
        notebook, timeout=300, allow_errors=allow_errors, resources={"metadata": {"path": str(script.parent)}}
    )
    return client.execute()


def outputs(notebook: Any) -> str:
    """Everything that the cells of a notebook show as HTML."""
    shown = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    return "\n".join(output["data"].get("text/html", "") for output in shown if "data" in output)


def test_there_are_five() -> None:
    assert [path.stem[:2] for path in SCRIPTS] == ["01", "02", "03", "04", "05"]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_script_and_notebook_are_the_same_and_without_outputs(script: Path) -> None:
    """After a change: `jupytext --sync notebooks/*.py`."""
    notebook = nbformat.read(script.with_suffix(".ipynb"), as_version=4)
    cells = [(cell.cell_type, cell.source) for cell in notebook.cells]
    assert cells == [(cell.cell_type, cell.source) for cell in jupytext.read(script).cells]
    assert not [cell for cell in notebook.cells if cell.get("outputs") or cell.get("execution_count")]


@pytest.mark.integration
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_every_cell_runs(script: Path, demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = executed(script, demo, monkeypatch)
    sections = outputs(notebook)
    assert 'class="corpusmill part"' in sections
    assert "<script" not in sections


@pytest.mark.integration
def test_hostile_documents_are_text_here_too(hostile: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (0, 2):
        # Its recipe has not the steps that the last cell of the first one asks about.
        shown = outputs(executed(SCRIPTS[number], hostile, monkeypatch, allow_errors=True))
        assert not re.search(r"<(script|img|svg onload|h1)", shown)
    assert "&lt;script&gt;" in shown
