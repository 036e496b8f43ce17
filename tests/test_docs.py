"""The documentation: its commands and its code run, and the files, names and targets that it names exist."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import yaml

from tests.pages import ROOT, blocks, checkout, commands, run

DOCS = sorted((ROOT / "docs").glob("*.md"))
TOP = [ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md")]
PAGES = [*DOCS, *TOP, ROOT / "examples" / "README.md"]
RUN = [page for page in PAGES if page.name != "README.md" or page.parent.name == "examples"]
NEW = re.compile(r"my_(step|reader|stage)")
"""What a reader of CONTRIBUTING.md is about to write."""


def named_paths(page: Path) -> list[str]:
    """The paths of the checkout that a page names."""
    tops = "filters|pipelines|tokenizer_training|tests|docs|examples|configs|notebooks"
    files = re.findall(rf"`((?:{tops})/[\w./-]*)`", page.read_text())
    return [name for name in files if not NEW.search(name)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_a_page_names_exist(page: Path) -> None:
    assert [name for name in named_paths(page) if not (ROOT / name).exists()] == []


def test_the_check_of_names_sees_some() -> None:
    assert len(named_paths(ROOT / "ARCHITECTURE.md")) > 50
    assert len(named_paths(ROOT / "CONTRIBUTING.md")) > 10


def test_where_to_look_is_where_it_is() -> None:
    rows = re.findall(
        r"^\| where [^|]+ \| `([^`]+)` \| `(\w+)` \|$", (ROOT / "ARCHITECTURE.md").read_text(), re.M
    )
    assert len(rows) > 15
    assert [
        (path, name) for path, name in rows if not re.search(rf"\b{name}\b", (ROOT / path).read_text())
    ] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_targets_that_a_page_names_are_in_the_makefile(page: Path) -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.M))
    named = re.findall(r"(?:^|`)make ([a-z0-9-]+)", page.read_text(), re.M)
    assert [name for name in named if name not in targets] == []


def test_every_page_is_in_the_menu() -> None:
    text = (ROOT / "mkdocs.yml").read_text()
    assert [page.name for page in DOCS if page.name not in text] == []
    assert isinstance(yaml.safe_load(text)["nav"], list)


@pytest.mark.integration
@pytest.mark.parametrize("page", RUN, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_and_code_run(page: Path, demo: Path, tmp_path: Path) -> None:
    where = checkout(tmp_path, demo)
    for command in commands(page):
        run(command, where)
    for number, code in enumerate(blocks(page, "python")):
        (where / f"code{number}.py").write_text(code)
        run(f"{sys.executable} code{number}.py", where)
