"""``--set key=value``: changes a recipe's tree before it is read, so that overrides obey the same rules as the file.

A key is a path below a section (``pack.seq_len``, ``dedup.minhash.similarity``, ``inputs[0].limit``), or the name of a
step and one of its fields (``gopher_quality.min_words``). The value is YAML. Overrides are applied in the order
given. Relative paths in them refer to the current directory.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pipelines.errors import nearest
from pipelines.recipe.steps import named_entries, normalise
from pipelines.recipe.tree import Broken, Faults, Items, Node, Place, Table, parse

_SECTION_KEY: Final = re.compile(r"\w+(\[[0-9]{1,6}\])*(\.\w+(\[[0-9]{1,6}\])*)*")


def apply(tree: Table, overrides: Sequence[str], sections: Sequence[str], faults: Faults) -> Table:
    """Return the tree with all overrides applied and its steps in full form.

    Args:
        tree: the recipe's mapping.
        overrides: ``key=value`` texts.
        sections: the recipe's top-level keys.
        faults: receives the faults; an override with a fault in its key changes nothing.
    """
    tree = _with_full_steps(tree)
    for order, override in enumerate(overrides, start=1):
        at = Place(f"--set {_label(override)}", Path(), 0, order)
        key, equals, text = override.partition("=")
        if not equals or not key.strip():
            faults.add(at, "", "expected key=value, such as pack.seq_len=1024")
            continue
        value = parse(text, at, faults)
        if isinstance(value, Broken):
            continue
        try:
            tree = _with_full_steps(_set(tree, key.strip(), value, sections))
        except LookupError as error:
            faults.add(at, "", str(error.args[0]))
    return tree


def _label(override: str) -> str:
    """Return an override as a message shows it: one line, printable, at most 80 characters."""
    text = override if override.isprintable() else ascii(override)[1:-1]
    return text if len(text) <= 80 else text[:77] + "..."


def _with_full_steps(tree: Table) -> Table:
    if "steps" not in tree.entries:
        return tree
    at, steps = tree.entries["steps"]
    return Table({**tree.entries, "steps": (at, normalise(steps))}, tree.at)


def _set(tree: Table, key: str, value: Node, sections: Sequence[str]) -> Table:
    """Replace or add one value.

    Raises:
        LookupError: the key leads nowhere; the message says why.
    """
    section = re.split(r"[.\[]", key, maxsplit=1)[0]
    if section in sections:
        if not _SECTION_KEY.fullmatch(key):
            raise LookupError(f"{key!r} is not a key; write names and numbers such as inputs[0].limit")
        parts: list[str | int] = [int(part) if part.isdigit() else part for part in re.findall(r"\w+", key)]
        return _with_key(tree, parts, value)
    steps = named_entries(tree.entries["steps"][1]) if "steps" in tree.entries else {}
    name = key.rpartition(".")[0]
    owner = max((step for step in steps if key.startswith(f"{step}.")), key=len, default=None)
    if owner is not None:
        position, step_key = steps[owner]
        return _with_key(tree, ["steps", position, step_key, *key[len(owner) + 1 :].split(".")], value)
    if key in steps:
        raise LookupError(f"{key} is a step; set one of its fields, {key}.FIELD=VALUE")
    wanted = name or key
    known = nearest(wanted, [*sections, *steps], "known here")
    raise LookupError(f"there is no section or step {wanted!r} in this recipe; {known}")


def _with_value(node: Node | None, parts: Sequence[str | int], value: Node) -> Node:
    """Return a copy of a node with another value at a path; a node that is missing becomes a mapping."""
    if not parts:
        return value
    if isinstance(parts[0], int):
        return _with_item(node, parts, value)
    return _with_key(node if isinstance(node, Table) else Table({}, value.at), parts, value)


def _with_item(node: Node | None, parts: Sequence[str | int], value: Node) -> Items:
    n = int(parts[0])
    if not isinstance(node, Items) or n >= len(node.nodes):
        count = len(node.nodes) if isinstance(node, Items) else 0
        raise LookupError(f"there is no element [{n}]: the list in the recipe has {count}, counted from 0")
    changed = _with_value(node.nodes[n], parts[1:], value)
    return Items((*node.nodes[:n], changed, *node.nodes[n + 1 :]), node.at)


def _with_key(table: Table, parts: Sequence[str | int], value: Node) -> Table:
    key = str(parts[0])
    at, old = table.entries.get(key, (value.at, None))
    new = _with_value(old, parts[1:], value)
    return Table({**table.entries, key: (at if parts[1:] else value.at, new)}, table.at)
