"""The page of errors: nothing is missing from its tree, and foreign errors arrive in words for the user."""

from __future__ import annotations

import ast
import builtins
import re
import subprocess
import sys
import zlib
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
import yaml

import pipelines.errors
from pipelines.errors import CorpusmillError, InputError, OutputError, RecipeError, mapped
from tokenizer_training.model.sentencepiece_model import TokenizerError
from tokenizer_training.shards.schema import NoRowsError, ShardError

ROOT = Path(__file__).resolve().parents[2]

Tree = dict[str, str | None]


def drawn() -> tuple[Tree, dict[str, int]]:
    """The tree of the docstring: the parent of each class, and the exit codes beside them."""
    parents: Tree = {}
    codes: dict[str, int] = {}
    above: dict[int, str | None] = {}
    for line in (pipelines.errors.__doc__ or "").splitlines():
        found = re.match(r"( {4,})(_?[A-Z]\w+) +(?:(\d+) )?", line)
        if found:
            indent, name, code = found.groups()
            parents[name] = above.get(len(indent) - 4)
            above[len(indent)] = name
            if code:
                codes[name] = int(code)
        elif re.match(r"    [a-z]+$", line):
            above = {4: None}
    return parents, codes


def defined() -> Tree:
    """Every exception class of the three packages with its base, None for one of Python's own."""
    bases = {
        node.name: node.bases[0].id
        for package in ("filters", "tokenizer_training", "pipelines")
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef) and node.bases and isinstance(node.bases[0], ast.Name)
    }

    def is_exception(name: str) -> bool:
        own = getattr(builtins, name, None)
        if isinstance(own, type):
            return issubclass(own, BaseException)
        return name in bases and is_exception(bases[name])

    return {name: base if base in bases else None for name, base in bases.items() if is_exception(name)}


def test_the_tree_names_every_exception_under_its_base() -> None:
    assert drawn()[0] == defined()


def test_the_tree_names_the_exit_codes() -> None:
    from pipelines.beam.local_worker import WorkerDiedError

    def below(cls: type[CorpusmillError]) -> list[type[CorpusmillError]]:
        return [cls, *(lower for sub in cls.__subclasses__() for lower in below(sub))]

    classes = below(CorpusmillError)
    assert WorkerDiedError in classes
    ours = {cls.__name__: cls.exit_code for cls in classes if cls.__module__.startswith("pipelines.")}
    assert drawn()[1] == ours


def unreadable(data: bytes) -> UnicodeDecodeError:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return error
    raise AssertionError


@pytest.mark.parametrize(
    ("error", "ours", "reason"),
    [
        (TokenizerError("there is no text"), InputError, "there is no text"),
        (ShardError("train-00000: other columns"), InputError, "train-00000: other columns"),
        (NoRowsError("there are no train rows"), InputError, "there are no train rows"),
        (PermissionError(13, "Permission denied", "/a"), InputError, "cannot be read (Permission denied)"),
        (OSError("Invalid page checksum"), InputError, "cannot be read (Invalid page checksum)"),
        (unreadable(b"abc\xff"), InputError, "byte 3 is not UTF-8"),
        (pa.ArrowInvalid("not a Parquet file"), InputError, "cannot be read (not a Parquet file)"),
        (zlib.error("bad header"), InputError, "cannot be decompressed (bad header)"),
        (duckdb.ParserException("no such column"), RecipeError, "no such column"),
        (yaml.YAMLError("a tab"), RecipeError, "is not valid YAML: a tab"),
        (ValueError("kenlm is not installed"), InputError, "kenlm is not installed"),
    ],
)  # fmt: skip
def test_a_foreign_error_arrives_in_our_words(error: Exception, ours: type[Exception], reason: str) -> None:
    with pytest.raises(ours) as plain, mapped(type(error)):
        raise error
    assert str(plain.value) == reason
    assert plain.value.__cause__ is error
    with pytest.raises(OutputError) as whole, mapped(Exception, where="x", advice="fix it", to=OutputError):
        raise error
    assert str(whole.value) == f"x: {reason}; fix it"


def test_other_errors_pass_as_they_are() -> None:
    with pytest.raises(KeyError), mapped(OSError, TokenizerError):
        raise KeyError("a fault of the program")
    with pytest.raises(ZeroDivisionError), mapped(ValueError):
        raise ZeroDivisionError


@pytest.mark.integration
def test_the_page_loads_no_library() -> None:
    code = "import sys, pipelines.errors; print(sorted({'duckdb', 'pyarrow', 'yaml', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"
