"""``corpusmill keys [NAME]``: what may stand in a recipe, from the docstrings of the classes that read it."""

from __future__ import annotations

import argparse
import inspect
import json
import re
import sys
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Final, Literal, get_args, get_origin, get_type_hints

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


def _handle(options: argparse.Namespace) -> int:
    groups: dict[str, dict[str, type]] = {
        "sections": SECTIONS,
        "readers": {name: find_reader(name) for name in reader_names()},
        "steps": {name: find_step(name) for name in step_names()},
    }
    if options.name is None:
        summaries = {
            kind: {name: _summary(cls) for name, cls in classes.items()} for kind, classes in groups.items()
        }
        print(json.dumps(summaries) if options.json else _overview(summaries))
        return 0
    cls = _find(options.name, {name: cls for classes in groups.values() for name, cls in classes.items()})
    print(json.dumps(_defaults(cls)) if options.json else "\n".join(_page(options.name, cls)))
    return 0


def _find(name: str, known: dict[str, type]) -> type:
    """Return the class of a name: a section, a reader, a step, or a step of the user's own."""
    if name in known:
        return known[name]
    try:
        return find_step(name)
    except LookupError as error:
        hint = nearest(name, list(known), "names")
        raise RecipeError(
            f"there is no section, reader or step {name!r}; {hint}; `corpusmill keys` lists all"
        ) from error


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
        [*lines, "More about one: corpusmill keys NAME, for example: corpusmill keys gopher_quality"]
    )


def _page(name: str, cls: type) -> list[str]:
    """Return what is known of one class: what it is for, its keys and defaults, its reasons to drop."""
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
        lines += [f"  {check.reason:{width}}  {check.measure} {check.op} {check.field}" for check in checks]
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
        "name", nargs="?", metavar="NAME", help="a section, reader or step; none = list them all"
    )


COMMAND = Command(
    "keys",
    "what a recipe may say: its sections, readers and steps, their keys and defaults",
    ("keys", "keys gopher_quality", "keys dedup.minhash", "keys warc --json"),
    _add_arguments,
    _handle,
)
