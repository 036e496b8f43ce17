"""``corpusmill keys [NAME]``: the keys of a recipe, from the docstrings of the classes that read it; all reasons."""

from __future__ import annotations

import argparse
import inspect
import itertools
import json
import re
import sys
from collections.abc import Collection, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import TYPE_CHECKING, Final, Literal, get_args, get_origin, get_type_hints

import yaml

from filters.dedup.lines import Lines
from filters.dedup.substrings import Substrings
from filters.step import find_step, step_names
from pipelines.commands.command import Command
from pipelines.errors import RecipeError, nearest
from pipelines.readers.find import find_reader, reader_names
from pipelines.recipe.inputs import InputKeys
from pipelines.recipe.recipe import Dedup, Extract, Minhash, Pack, Recipe, Tokenizer
from pipelines.recipe.typed import keys_of, plain

if TYPE_CHECKING:
    from pipelines.views.reasons import Reason

SECTIONS: Final[dict[str, type]] = {
    "recipe": Recipe,
    "inputs": InputKeys,
    "extract": Extract,
    "dedup": Dedup,
    "dedup.minhash": Minhash,
    "dedup.lines": Lines,
    "dedup.substrings": Substrings,
    "tokenizer": Tokenizer,
    "pack": Pack,
}


REASONS: Final = "reasons"
"""The name that lists why records are dropped, are errors or are removed."""


def _handle(options: argparse.Namespace) -> int:
    groups: dict[str, dict[str, type]] = {
        "sections": SECTIONS,
        "readers": {name: find_reader(name) for name in reader_names()},
        "steps": {name: find_step(name) for name in step_names()},
    }
    known = {name: cls for classes in groups.values() for name, cls in classes.items()}
    if options.name is None:
        summaries = {
            kind: {name: _summary(cls) for name, cls in classes.items()} for kind, classes in groups.items()
        }
        print(json.dumps(summaries) if options.json else _overview(summaries))
    elif found := _find(options.name, known):
        print(json.dumps(_defaults(found)) if options.json else "\n".join(_page(options.name, found)))
    else:
        listed = _find_reasons(options.name, known)
        print(json.dumps([vars(reason) for reason in listed]) if options.json else _table(listed))
    return 0


def _find(name: str, known: dict[str, type]) -> type | None:
    """Return the class of a section, a reader, a step, or a step of the user's own; None if no class has the name."""
    if name in known:
        return known[name]
    try:
        return find_step(name)
    except LookupError as error:
        if ":" in name:
            raise RecipeError(str(error)) from error
        return None


def _find_reasons(name: str, known: Collection[str]) -> Sequence[Reason]:
    """Return all reasons, for the name ``reasons``, or those of one name.

    Raises:
        RecipeError: neither a class nor a reason has this name; the message names the nearest.
    """
    from pipelines.views.reasons import reasons  # loads a database

    found = [reason for reason in reasons() if name in (REASONS, reason.name)]
    if not found:
        hint = nearest(name, [*known, REASONS, *(reason.name for reason in reasons())], "names")
        what = "section, reader, step or reason"
        raise RecipeError(f"there is no {what} {name!r}; {hint}; `corpusmill keys` lists all")
    return found


def _table(listed: Sequence[Reason]) -> str:
    """Return reasons for a terminal, grouped by the step that gives them."""
    lines = []
    for step, group in itertools.groupby(listed, key=lambda reason: reason.step):
        found = list(group)
        width = max(len(reason.name) for reason in found)
        lines += [step, *(f"  {one.outcome:7}  {one.name:{width}}  {one.meaning}" for one in found), ""]
    return "\n".join(lines).rstrip()


def _summary(cls: type) -> str:
    """Return the first sentence of the file's docstring, or of the class's where the file has several."""
    alone = cls.__module__.rpartition(".")[0] in ("filters", "pipelines.readers")
    text = inspect.getdoc(sys.modules[cls.__module__] if alone else cls) or ""
    first = text.partition("\n\n")[0].replace("\n", " ")
    return re.split(r"(?<=\.)\s|:(?:\s|$)", first, maxsplit=1)[0].rstrip(".")


def _overview(summaries: dict[str, dict[str, str]]) -> str:
    width = max(len(name) for names in summaries.values() for name in names)
    lines = []
    for kind, names in summaries.items():
        lines += [kind, *(f"  {name:{width}}  {about}" for name, about in names.items()), ""]
    return "\n".join(
        [
            *lines,
            "More about one: corpusmill keys NAME, for example: corpusmill keys gopher_quality",
            "The reasons of dropped records: corpusmill keys reasons",
        ]
    )


def _page(name: str, cls: type) -> list[str]:
    """Return the page of one class: its purpose, its keys and defaults, its reasons to drop a document."""
    head = inspect.getdoc(sys.modules[cls.__module__]) if name not in SECTIONS else None
    about, _, attributes = (inspect.getdoc(cls) or "").partition("\n\nAttributes:\n")
    attributes, *rest = re.split(r"\n\n(?=\S)", attributes, maxsplit=1)
    lines = [name, "", *(f"{head}\n\n" if head else "").splitlines(), about, "", "keys and their defaults"]
    known, hints = keys_of(cls), get_type_hints(cls)
    lines += [f"  {_key(item, hints[item.name])}" for item in fields(cls) if item.name in known] or ["  none"]
    if attributes:
        lines += [
            "",
            "what they mean",
            *inspect.cleandoc(f"\n{attributes}").splitlines(),
            *("", *rest)[: 2 * len(rest)],
        ]
    checks = getattr(cls, "CHECKS", ())
    if checks:
        width = max(len(check.reason) for check in checks)
        lines += ["", "reasons to drop"]
        lines += [f"  {check.reason:{width}}  {check.meaning}".rstrip() for check in checks]
    return lines


def _key(item: Field[object], hint: object) -> str:
    """Return a key, its default, and the words that it may be."""
    default = _default(item)
    section = next((name for name, cls in SECTIONS.items() if type(default) is cls), None)
    if default is MISSING:
        shown = "(must be given)"
    elif section is not None:
        shown = f"(its defaults: corpusmill keys {section})"
    else:
        shown = "none" if is_dataclass(default) else _yaml(default)
    words = _words(hint)
    return f"{item.name}: {shown}" + (f"{'':4}# {' | '.join(words)}" if words else "")


def _words(hint: object) -> list[str]:
    """Return the words that a type hint lists."""
    if get_origin(hint) is Literal:
        return [str(word) for word in get_args(hint)]
    return [word for part in get_args(hint) for word in _words(part)]


def _yaml(value: object) -> str:
    """Return a value as one line of a recipe."""
    text = yaml.safe_dump(
        plain(value), default_flow_style=True, width=10**9, allow_unicode=True, sort_keys=False
    )
    return text.removesuffix("\n").removesuffix("\n...").replace("null", "none")


def _default(item: Field[object]) -> object:
    return item.default if item.default_factory is MISSING else item.default_factory()


def _defaults(cls: type) -> dict[str, object]:
    """Return the defaults of a class by key; keys that must be given are left out."""
    known = keys_of(cls)
    found = {item.name: _default(item) for item in fields(cls) if item.name in known}
    return {name: plain(value) for name, value in found.items() if value is not MISSING}


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name",
        nargs="?",
        metavar="NAME",
        help="a section, reader, step or reason; `reasons` lists all reasons (default: list the others)",
    )


COMMAND = Command(
    "keys",
    "list the keys and defaults of recipes, readers and steps, and all reasons",
    ("keys", "keys gopher_quality", "keys dedup.minhash", "keys warc --json", "keys reasons"),
    _add_arguments,
    _handle,
)
