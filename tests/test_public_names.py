"""The names that `filters` and `tokenizer_training` offer: all there, known to type checkers, and imported late."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("filters", "tokenizer_training")
NEEDS_TORCH = {"Collator", "TokenDataset", "document_mask"}


def imported_for_types(package: str) -> dict[str, str]:
    """The names that a package imports for type checkers, with their modules."""
    tree = ast.parse((ROOT / package / "__init__.py").read_text())
    blocks = [node for node in tree.body if isinstance(node, ast.If) and isinstance(node.test, ast.Name)]
    imports = [node for block in blocks for node in block.body if isinstance(node, ast.ImportFrom)]
    return {alias.name: str(node.module) for node in imports for alias in node.names}


@pytest.mark.parametrize("package", PACKAGES)
def test_all_lists_name_the_same(package: str) -> None:
    module = importlib.import_module(package)
    assert module.__all__ == sorted(module._HOMES)
    assert imported_for_types(package) == module._HOMES


@pytest.mark.parametrize("package", PACKAGES)
def test_every_name_is_what_its_file_defines(package: str) -> None:
    module = importlib.import_module(package)
    for name, home in module._HOMES.items():
        if name in NEEDS_TORCH:
            pytest.importorskip("torch")
        assert getattr(module, name) is getattr(importlib.import_module(home), name)


@pytest.mark.parametrize("package", PACKAGES)
def test_another_name_is_an_error_as_usual(package: str) -> None:
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'Chekc'"):
        importlib.import_module(package).Chekc  # noqa: B018 - asking is the test
    with pytest.raises(ImportError, match="cannot import name 'Chekc'"):
        exec(f"from {package} import Chekc")


@pytest.mark.integration
@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import filters", {"numpy", "numba", "spacy", "filters.step", "filters.text"}),
        ("from filters import Document", {"numpy", "numba", "spacy", "filters.step"}),
        ("from filters import Check, FieldFault, Measured", {"numpy", "numba", "spacy", "filters.text"}),
        ("import tokenizer_training", {"numpy", "pyarrow", "torch", "sentencepiece"}),
        ("from tokenizer_training import ShardLoader, ShardError", {"torch", "sentencepiece", "apache_beam"}),
    ],
)
def test_nothing_is_imported_before_it_is_used(code: str, absent: set[str]) -> None:
    check = f"import sys; {code}; print(*sorted({absent!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == ""
