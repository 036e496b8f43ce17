"""The pages of the reference, made from the code: what a recipe may say, the commands, the tables, the docstrings."""

from __future__ import annotations

import argparse
import ast
import inspect
import itertools
import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import MISSING, Field, fields
from pathlib import Path

import pyarrow as pa
from docstrings import markdown

from filters.step import find_step, step_names
from pipelines.cli import COMMANDS
from pipelines.commands.keys import SECTIONS
from pipelines.readers.find import find_reader, reader_names
from pipelines.recipe.typed import keys_of, plain
from pipelines.store import tables
from pipelines.views.reasons import reasons
from tokenizer_training.shards.schema import row_fields

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("filters", "tokenizer_training", "pipelines")
_ATTRIBUTE = re.compile(r"^(\w+(?:, \w+)*): (.*(?:\n +.*)*)", re.MULTILINE)


def pages() -> dict[str, str]:
    """Return every generated page: its Markdown by its path in the site."""
    found = {
        "reference/recipe.md": _recipe_page(),
        "reference/readers.md": _classes_page("Readers", reader_names(), find_reader),
        "reference/steps.md": _classes_page("Steps", step_names(), find_step),
        "reference/reasons.md": _reasons_page(),
        "reference/commands.md": _commands_page(),
        "reference/tables.md": _tables_page(),
        **{f"api/{room}.md": _api_page(room, modules) for room, modules in rooms().items()},
    }
    return {path: "\n".join(lines) + "\n" for path, lines in found.items()}


def rooms() -> dict[str, list[str]]:
    """Return the modules of each folder of the packages, by the folder's dotted name."""
    found: dict[str, list[str]] = {}
    for path in sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        if path.name != "__main__.py":
            room = ".".join(path.parent.relative_to(ROOT).parts)
            module = room if path.name == "__init__.py" else f"{room}.{path.stem}"
            found.setdefault(room, []).append(module)
    return found


def _recipe_page() -> Iterator[str]:
    yield "# Recipe"
    yield "\nEvery key of a recipe, by section, with its default. `corpusmill keys SECTION` prints the same."
    for name, cls in SECTIONS.items():
        yield from _class(name, cls, about="")


def _classes_page(title: str, names: Sequence[str], find: Callable[[str], type]) -> Iterator[str]:
    yield f"# {title}"
    for name in names:
        cls = find(name)
        yield from _class(name, cls, inspect.getdoc(sys.modules[cls.__module__]) or "")


def _class(name: str, cls: type, about: str) -> Iterator[str]:
    """Yield what is known of a section, reader or step: its purpose, its keys, its reasons to drop."""
    text, _, attributes = (inspect.getdoc(cls) or "").partition("\n\nAttributes:\n")
    meanings = {
        key: " ".join(meaning.split())
        for names, meaning in _ATTRIBUTE.findall(inspect.cleandoc(f"\n{attributes}"))
        for key in names.split(", ")
    }
    yield from ("", f"## {name}", "", markdown(about), "", markdown(text), "")
    known = keys_of(cls)
    rows = [
        (f"`{item.name}`", _default(item), meanings.get(item.name, ""))
        for item in fields(cls)
        if item.name in known
    ]
    yield from _table(("key", "default", "meaning"), rows)
    checks = [
        (f"`{check.reason}`", f"`{check.measure}` {check.op} `{check.field}`", check.meaning)
        for check in getattr(cls, "CHECKS", ())
    ]
    yield from _table(("dropped because of", "where", "meaning"), checks)


def _default(item: Field[object]) -> str:
    """Return a default as a recipe writes it."""
    value = item.default if item.default_factory is MISSING else item.default_factory()
    if value is MISSING:
        return "must be given"
    section = next((name for name, cls in SECTIONS.items() if type(value) is cls), None)
    if section is not None:
        return f"[its own](recipe.md#{section.replace('.', '')})"
    text = value if isinstance(value, str) else json.dumps(plain(value), ensure_ascii=False)
    return f"`{text.replace('null', 'none')}`"


def _reasons_page() -> Iterator[str]:
    yield "# Reasons"
    yield "\nWhy a record is dropped, is an error or is removed. `corpusmill keys reasons` prints the same."
    for step, group in itertools.groupby(reasons(), key=lambda reason: reason.step):
        yield from ("", f"## {step}", "")
        yield from _table(
            ("reason", "the record is", "meaning"), [(f"`{r.name}`", r.outcome, r.meaning) for r in group]
        )


def _commands_page() -> Iterator[str]:
    yield "# Commands"
    for command in COMMANDS:
        parser = argparse.ArgumentParser(prog=f"corpusmill {command.name}", add_help=False)
        command.add_arguments(parser)
        examples = (f"corpusmill {example}" for example in command.examples)
        yield from ("", f"## {command.name}", "", command.about.capitalize(), "")
        yield from ("```text", parser.format_help().rstrip(), "", "examples:", *examples, "```")


def _tables_page() -> Iterator[str]:
    yield "# Tables"
    yield "\nThe columns of every table of a run. Ids are 32 hex characters. `manifest.json` names the files."
    notes = dict(_constants(Path(str(tables.__file__))))
    notes["LEDGER"] = inspect.getdoc(tables.ledger_schema) or ""
    schemas = {name: value for name, value in vars(tables).items() if isinstance(value, pa.Schema)}
    for name, schema in {
        **schemas,
        "LEDGER": tables.ledger_schema({}),
        "SHARDS": pa.schema(row_fields(2048)),
    }.items():
        yield from ("", f"## {name.lower()}/", "", notes.get(name, "").partition("\n\nArgs:")[0], "")
        rows = [(f"`{field.name}`", f"`{field.type}`", "yes" if field.nullable else "no") for field in schema]
        yield from _table(("column", "type", "may be null"), rows)


def _constants(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (name, text) of the constants of a file that a docstring follows."""
    body = ast.parse(path.read_text()).body
    for node, after in itertools.pairwise(body):
        match node, after:
            case ast.Assign(targets=[ast.Name(id=name)]), ast.Expr(value=ast.Constant(value=str(text))):
                yield name, inspect.cleandoc(text)


def _api_page(room: str, modules: list[str]) -> Iterator[str]:
    yield f"# {room}"
    for module in modules:
        yield f"\n::: {module}"
        if module == room:
            yield "    options: {members: false, show_root_heading: false}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield a Markdown table; nothing where there are no rows."""
    if rows:
        for row in (head, ["---"] * len(head), *rows):
            yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
        yield ""
