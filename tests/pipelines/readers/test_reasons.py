"""Every reason that the code gives is in the list, and every one in the list is given somewhere."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from pipelines.readers.reasons import REASONS, ExtractReason, ReadReason

PIPELINES = Path(__file__).resolve().parents[3] / "pipelines"
GIVEN_IN = ("readers", "extraction", "stages/extract", "work")
NAMES = {"read": set(get_args(ReadReason)), "extract": set(get_args(ExtractReason))}


def files() -> list[Path]:
    """Return the files whose code gives reasons."""
    found = [path for folder in GIVEN_IN for path in sorted((PIPELINES / folder).rglob("*.py"))]
    return [path for path in found if path.name != "reasons.py"]


def words(tree: ast.AST) -> Iterator[str]:
    """Yield the string constants of code."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def places(tree: ast.AST) -> dict[str, int]:
    """Return the position of the argument `reason` of each function and class that takes one."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            names = [argument.arg for argument in node.args.args if argument.arg != "self"]
        elif isinstance(node, ast.ClassDef):
            init = next((item for item in node.body if getattr(item, "name", "") == "__init__"), None)
            fields = [item.target for item in node.body if isinstance(item, ast.AnnAssign)]
            names = [field.id for field in fields if isinstance(field, ast.Name)]
            if isinstance(init, ast.FunctionDef):
                names = [argument.arg for argument in init.args.args[1:]]
        else:
            continue
        if "reason" in names:
            found[node.name] = names.index("reason")
    return found


def given(source: str, known: dict[str, int]) -> Iterator[str]:
    """Yield the words that calls have in the place of a reason.

    Args:
        source: code of a file.
        known: what `places` found in the other files; the file's own functions come first.
    """
    tree = ast.parse(source)
    known = known | places(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in known:
                yield from (word for item in node.args[known[name] :][:1] for word in words(item))
                yield from (word for item in node.keywords if item.arg == "reason" for word in words(item))


@pytest.fixture(scope="module")
def known() -> dict[str, int]:
    """Return the functions and classes that take a reason."""
    return {name: at for path in files() for name, at in places(ast.parse(path.read_text())).items()}


def test_the_list_has_the_words_of_the_types() -> None:
    for step, names in NAMES.items():
        assert {reason.name for reason in REASONS if reason.step == step} == names
    keys = [(reason.step, reason.name, reason.outcome) for reason in REASONS]
    assert len(set(keys)) == len(keys)


def test_meanings_are_one_line_of_prose() -> None:
    for reason in REASONS:
        assert re.fullmatch(r"[^.\s][^\n]{8,90}[^.\s]", reason.meaning), reason


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(PIPELINES)))
def test_a_reason_that_is_given_is_listed(path: Path, known: dict[str, int]) -> None:
    assert set(given(path.read_text(), known)) - NAMES["read"] - NAMES["extract"] == set()


def test_a_reason_that_is_listed_is_given() -> None:
    found = {word for path in files() for word in words(ast.parse(path.read_text()))}
    assert (NAMES["read"] | NAMES["extract"]) - found == set()


def test_a_misspelt_reason_is_found(known: dict[str, int]) -> None:
    assert {"Rejected", "Damaged", "Answer", "Extracted", "CapError", "PayloadError"} <= known.keys()
    assert list(given('Damaged(0, 1, "corupt", "what was seen")', known)) == ["corupt"]
    assert list(given('Rejected(place, reason="no_txt")', known)) == ["no_txt"]
