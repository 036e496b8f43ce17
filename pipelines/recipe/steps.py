"""The ``steps`` of a recipe: a list of step names, each alone or with its fields.

``- pii`` and ``- pii: {}`` are the same. A step is listed once; a second copy needs a name of its own,
``- gopher_quality: {as: strict, min_words: 100}``. With ``only: [de, fr]`` a step sees documents of these languages and
passes all others on. A `language` step, and one with `only`, needs the label of a document; if no step before it labels
the text, `label_language` is inserted in front of it with its defaults.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, cast

from filters.judge import NamedStep
from filters.step import Step, contract_fault, find_step, step_names
from pipelines.errors import nearest
from pipelines.recipe.tree import Broken, Faults, Items, Node, Place, Scalar, Table
from pipelines.recipe.typed import INVALID, build, convert, describe, exists
from pipelines.recipe.user_code import find_class

_KEY: Final = re.compile(r"[a-z][a-z0-9_]*|[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
OWN_KEYS: Final = ("as", "only")
"""Keys of an entry that are not fields of its step."""

_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")


def normalise(steps: Node) -> Node:
    """Return the list with every well-formed step as ``{key: {fields}}``, and with the label step inserted."""
    if not isinstance(steps, Items):
        return steps
    full: list[Node] = []
    labelled = False
    for item in map(_full_form, steps.nodes):
        key = _key_of(item)
        labelled = labelled or key == "label_language"
        if (key == "language" or _given(item, key, "only")) and not labelled:
            full.append(Table({"label_language": (item.at, Table({}, item.at))}, item.at))
            labelled = True
        full.append(item)
    return Items(tuple(full), steps.at)


def _full_form(item: Node) -> Node:
    if isinstance(item, Scalar) and item.text:
        return Table({item.text: (item.at, Table({}, item.at))}, item.at)
    if isinstance(item, Table) and len(item.entries) == 1:
        ((key, (at, body)),) = item.entries.items()
        if isinstance(body, Scalar) and body.plain and not body.text:
            return Table({key: (at, Table({}, body.at))}, item.at)
    return item


def _key_of(item: Node) -> str | None:
    return next(iter(item.entries)) if isinstance(item, Table) and len(item.entries) == 1 else None


def named_entries(steps: Node) -> dict[str, tuple[int, str]]:
    """Return the steps of a normalised list: name -> (position, key)."""
    names: dict[str, tuple[int, str]] = {}
    for position, item in enumerate(steps.nodes if isinstance(steps, Items) else ()):
        key = _key_of(item)
        if key is not None:
            names.setdefault(_name_of(item, key), (position, key))
    return names


def _name_of(item: Node, key: str) -> str:
    given = _given(item, key, "as")
    return given[1].text if given and isinstance(given[1], Scalar) else key


def _given(item: Node, key: str | None, name: str) -> tuple[Place, Node] | None:
    """Return the place and the value of a key of a step, None if it is not given."""
    body = item.entries[key][1] if isinstance(item, Table) and key is not None else None
    return body.entries.get(name) if isinstance(body, Table) else None


def read_steps(node: Node, path: str, faults: Faults, folder: Path, reserved: Collection[str]) -> object:
    """Read a normalised ``steps`` list.

    Args:
        node: the list.
        path: its key path.
        faults: receives the faults: unknown steps with the nearest name, equal names, wrong fields.
        folder: folder of the recipe; file fields of steps are relative to it.
        reserved: names that a step cannot have: the recipe's sections.

    Returns:
        A tuple of `NamedStep`, or `INVALID`.
    """
    if not isinstance(node, Items):
        if not isinstance(node, Broken):
            faults.add(node.at, path, f"expected a list of steps; found {describe(node)}")
        return INVALID
    places = [f"{path}[{number}]" for number in _as_written(node)]
    _check_names(node, places, faults, reserved)
    steps = [_read_step(item, place, faults, folder) for item, place in zip(node.nodes, places, strict=True)]
    return INVALID if INVALID in steps else tuple(steps)


def _as_written(node: Items) -> list[int]:
    """Return the position of each step in the recipe; an inserted label step has that of the step it is for."""
    numbers, position = [], 0
    for item, after in itertools.pairwise([*node.nodes, None]):
        numbers.append(position)
        position += after is None or item is None or item.at is not after.at
    return numbers


def _check_names(node: Items, places: Sequence[str], faults: Faults, reserved: Collection[str]) -> None:
    """Report names that two steps share or that a section has."""
    first: dict[str, int] = {}
    for n, item in enumerate(node.nodes):
        key = _key_of(item)
        name = _name_of(item, key) if key is not None else None
        if name is None:
            continue
        if name in reserved:
            faults.add(
                item.at, places[n], f"a step cannot be named {name!r}, that is a section of the recipe"
            )
        other = first.setdefault(name, n)
        if other != n:
            there = f"{places[other]} at {node.nodes[other].at}"
            what = f"a second step named {name!r} (the first is {there}); give one of them a name: `as: other_name`"
            faults.add(item.at, places[n], what)


def _read_step(item: Node, path: str, faults: Faults, folder: Path) -> object:
    key = _key_of(item)
    if key is None or not isinstance(item, Table):
        if not isinstance(item, Broken):
            what = f"a mapping of {len(item.entries)} keys" if isinstance(item, Table) else describe(item)
            faults.add(item.at, path, f"expected one step name, alone or with its fields; found {what}")
        return INVALID
    at, body = item.entries[key]
    cls = _step_class(key, at, path, faults)
    name = _name_of(item, key)
    if isinstance(body, Table) and "as" in body.entries and not _NAME.fullmatch(name):
        what = f"`as` must be a name of a-z, 0-9 and _ that starts with a letter; found {name!r}"
        faults.add(body.entries["as"][0], path, what)
    only = _only(item, key, name, faults)
    if cls is None:
        return INVALID
    if isinstance(body, Table):
        body = body.without(OWN_KEYS)
    step = build(cls, body, name, faults, other_keys=OWN_KEYS)
    if INVALID in (step, only):
        return INVALID
    return NamedStep(name, key, _from_folder(step, body, folder), cast("tuple[str, ...] | None", only))


def _only(item: Node, key: str, name: str, faults: Faults) -> object:
    """Return the languages of a step, None for all."""
    given = _given(item, key, "only")
    if given is None:
        return None
    languages = convert(tuple[str, ...] | None, given[1], f"{name}.only", faults)
    if languages == ():
        faults.add(given[0], name, "only must name at least one language; write none for all")
        return INVALID
    return languages


def _from_folder(step: Step, body: Node, folder: Path) -> Step:
    """Turn files that an override names relative to the current directory into paths from the recipe's folder.

    A name without a file there is kept: it is the name of a known model, or the search for it reports a fault.
    """
    entries = body.entries if isinstance(body, Table) else {}
    moved = {}
    for field in step.FILES:
        node = entries[field][1] if field in entries else None
        if isinstance(node, Scalar) and node.at.order and exists(node.at.base / node.text):
            file = (node.at.base / node.text).resolve()
            moved[field] = os.path.relpath(file, folder.resolve())
    return replace(step, **moved) if moved else step  # type: ignore[type-var]


def _step_class(key: str, at: Place, path: str, faults: Faults) -> type[Step] | None:
    """Return the class behind a key, or None after reporting that it does not exist."""
    if not _KEY.fullmatch(key):
        hint = nearest(key, step_names(), "known steps")
        faults.add(at, path, f"{key!r} is neither a step name nor `module:Class`; {hint}")
        return None
    cls = find_class("step", key, find_step, step_names(), (at, path), faults)
    fault = contract_fault(cls) if cls is not None else None
    if fault is not None:
        faults.add(at, path, f"{key!r} {fault}")
        return None
    return cls
