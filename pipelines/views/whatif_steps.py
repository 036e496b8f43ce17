"""The steps that a ledger was written with, and the same steps under other limits.

A ledger holds measures, so it answers for limits only. What shapes text or measures is refused by name: such a change
needs ``corpusmill filter``.
"""

from __future__ import annotations

import re
import typing
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

from filters.step import Step, find_step, is_edit, limits
from pipelines.errors import RecipeError, nearest
from pipelines.recipe.models import find
from pipelines.recipe.recipe import NamedStep, Recipe
from pipelines.recipe.steps import normalise, read_steps
from pipelines.recipe.tree import Broken, Faults, Place, Table, parse
from pipelines.recipe.typed import INVALID, convert, keys_of
from pipelines.store.manifest import Manifest


@dataclass(frozen=True)
class Judge:
    """One step of the ledger, as it decided and as it would decide.

    Attributes:
        name: its name in the ledger.
        key: its recipe key.
        old: the step that wrote the ledger; file fields hold the sha256 of the file.
        new: the step under the other limits; None = left out.
        only: languages whose documents it sees; None = all.
    """

    name: str
    key: str
    old: Step
    new: Step | None
    only: tuple[str, ...] | None = None


def ledger_steps(manifest: Manifest) -> list[Judge]:
    """Return the steps that wrote a ledger, in order, unchanged.

    Args:
        manifest: of the filter stage.

    Raises:
        RecipeError: the class of a step is not to be found, or takes other fields by now.
    """
    judges = []
    for entry in manifest.settings["steps"]:
        name, key = entry["name"], entry["key"]
        try:
            step = find_step(key)(**{field: _frozen(value) for field, value in entry["fields"].items()})
        except (LookupError, ImportError) as error:
            where = "run the command in the folder that holds its module"
            raise RecipeError(f"the ledger was written with the step {key!r}: {error}; {where}") from error
        except TypeError as error:
            raise RecipeError(
                f"the step {key!r} has changed since the ledger was written: {error}"
            ) from error
        judges.append(Judge(name, key, step, step, _frozen(entry.get("only"))))
    return judges


def _frozen(value: Any) -> Any:
    """Return a value from JSON as the dataclass had it: lists were tuples."""
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def with_overrides(judges: Sequence[Judge], overrides: Sequence[str]) -> list[Judge]:
    """Return the steps under other limits.

    Args:
        judges: the steps of the ledger.
        overrides: ``step.field=value`` texts; the value is YAML.

    Raises:
        RecipeError: one line for every override that is wrong, or that the ledger cannot answer.
    """
    faults = Faults()
    changed = {judge.name: judge for judge in judges}
    for order, override in enumerate(overrides, start=1):
        at = Place(f"--set {override[:80]}", Path(), 0, order)
        matched = re.fullmatch(r"\s*([\w.:]+)\.(\w+)\s*=(.*)", override, re.DOTALL)
        if matched is None:
            faults.add(at, "", "expected STEP.FIELD=VALUE, such as gopher_quality.min_words=100")
            continue
        name, field, text = matched.groups()
        judge = changed.get(name)
        if judge is None or judge.new is None:
            hint = nearest(name, changed, "its steps")
            if name.partition(".")[0] in keys_of(Recipe):
                hint = "it holds what steps measured; for the rest use `corpusmill run` with this --set and a new --out"
            faults.add(at, "", f"the ledger has no step {name!r}; {hint}")
            continue
        value = _value(judge, field, text, at, faults)
        if value is not INVALID:
            changed[name] = replace(judge, new=_replaced(judge, field, value, at, faults))
    _raise(faults)
    return list(changed.values())


def _value(judge: Judge, field: str, text: str, at: Place, faults: Faults) -> object:
    """Read the value of a limit; report a field that is none."""
    known = [*keys_of(type(judge.old)), "only"]
    if field not in known:
        faults.add(at, judge.name, f"unknown key {field!r}; {nearest(field, known)}")
        return INVALID
    if field not in limits(judge.old):
        only = ", ".join(limits(judge.old)) or "none"
        what = f"{field} shapes the text or what is measured, so this ledger cannot tell; change it in the recipe"
        faults.add(at, judge.name, f"{what} and run `corpusmill filter` (limits of {judge.name}: {only})")
        return INVALID
    node = parse(text, at, faults)
    hint = typing.get_type_hints(type(judge.old))[field]
    return INVALID if isinstance(node, Broken) else convert(hint, node, f"{judge.name}.{field}", faults)


def _replaced(judge: Judge, field: str, value: object, at: Place, faults: Faults) -> Step | None:
    try:
        return replace(judge.new, **{field: value})  # type: ignore[type-var]
    except ValueError as error:
        faults.add(at, judge.name, str(error))
        return judge.new


def with_recipe(judges: Sequence[Judge], path: Path) -> list[Judge]:
    """Return the steps under the limits of another recipe; only its ``steps`` are read.

    Raises:
        RecipeError: it is no recipe, or its steps differ in more than limits and rules left out.
    """
    faults = Faults()
    wanted = _steps_of(path, faults)
    named = {entry.name: entry for entry in wanted}
    known = {judge.name: judge for judge in judges}
    at = Place(str(path))
    for entry in wanted:
        if entry.name not in known or known[entry.name].key != entry.key:
            faults.add(at, entry.name, "is not in this ledger; run `corpusmill filter` with that recipe")
    order = [judge.name for judge in judges if judge.name in named]
    if order != [entry.name for entry in wanted if entry.name in known]:
        faults.add(at, "steps", f"stand in another order; the ledger has {', '.join(order)}")
    changed = [_merged(judge, named.get(judge.name), at, faults) for judge in judges]
    _raise(faults)
    return changed


def _steps_of(path: Path, faults: Faults) -> tuple[NamedStep, ...]:
    """Read the ``steps`` of a recipe; its inputs need not exist."""
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: cannot read the recipe: {error}") from error
    tree = parse(text, Place(str(path), path.parent), faults)
    entries = tree.entries if isinstance(tree, Table) else {}
    if "steps" not in entries:
        _raise(faults)
        return ()
    read = partial(read_steps, folder=path.parent, reserved=keys_of(Recipe))
    steps = read(normalise(entries["steps"][1]), "steps", faults)
    _raise(faults)
    return tuple(_hashed(entry, path.parent) for entry in typing.cast("tuple[NamedStep, ...]", steps))


def _hashed(entry: NamedStep, folder: Path) -> NamedStep:
    """Put the sha256 of each file in its field, as the ledger's manifest has it."""
    written = {field: getattr(entry.step, field) for field in entry.step.FILES}
    hashes = {field: find(str(value), folder)[1] for field, value in written.items() if value is not None}
    return replace(entry, step=replace(entry.step, **hashes)) if hashes else entry  # type: ignore[type-var]


def _merged(judge: Judge, entry: NamedStep | None, at: Place, faults: Faults) -> Judge:
    """Return a step under another recipe's limits; report what is more than a limit."""
    if entry is None:
        if is_edit(judge.old):
            faults.add(
                at, judge.name, "is missing; it changes what later steps see, so the ledger cannot tell"
            )
        return replace(judge, new=None)
    if judge.only != entry.only:
        what = f"is {entry.only!r} there and {judge.only!r} in the ledger; it says what is measured"
        faults.add(at, f"{judge.name}.only", what)
    free = limits(judge.old)
    for field in fields(judge.old):  # type: ignore[arg-type]  # every step is a dataclass
        before, after = getattr(judge.old, field.name), getattr(entry.step, field.name, None)
        if field.name not in free and before != after:
            what = f"is {after!r} there and {before!r} in the ledger; it shapes the text or what is measured"
            faults.add(at, f"{judge.name}.{field.name}", what)
    return replace(judge, new=entry.step)


def _raise(faults: Faults) -> None:
    lines = faults.lines()
    if lines:
        raise RecipeError("\n".join(lines))
