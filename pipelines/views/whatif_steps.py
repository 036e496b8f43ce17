"""The steps that a ledger was written with, and the same steps under other limits.

A ledger holds measures, so it answers for limits only. A change of a key that shapes text or measures is refused by
name: it needs ``corpusmill filter``.
"""

from __future__ import annotations

import re
import typing
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from filters.judge import NamedStep
from filters.step import Step, is_edit, limits
from pipelines.errors import RecipeError, nearest
from pipelines.recipe.models import resolve
from pipelines.recipe.recipe import Recipe
from pipelines.recipe.steps import normalise, read_steps
from pipelines.recipe.tree import Broken, Faults, Place, Table, parse
from pipelines.recipe.typed import INVALID, convert, keys_of
from pipelines.store.manifest import Manifest


@dataclass(frozen=True)
class Change:
    """One step of the ledger, as it decided and as it would decide.

    Attributes:
        old: the step that wrote the ledger.
        new: the step under the other limits; None = left out.
    """

    old: NamedStep
    new: Step | None

    @property
    def name(self) -> str:
        """Its name in the ledger."""
        return self.old.name


def ledger_steps(manifest: Manifest) -> list[Change]:
    """Return the steps that wrote a ledger, in order, unchanged.

    Args:
        manifest: of the filter stage.

    Raises:
        RecipeError: the class of a step is not to be found, or takes other fields by now.
    """
    found = []
    for record in manifest.settings["steps"]:
        try:
            step = NamedStep.from_dict(record)
        except (LookupError, ImportError) as error:
            where = "run the command in the folder that holds its module"
            raise RecipeError(
                f"the ledger was written with the step {record['key']!r}: {error}; {where}"
            ) from error
        except (TypeError, ValueError) as error:
            raise RecipeError(
                f"the step {record['key']!r} has changed since the ledger was written: {error}"
            ) from error
        found.append(Change(step, step.step))
    return found


def with_overrides(steps: Sequence[Change], overrides: Sequence[str]) -> list[Change]:
    """Return the steps under other limits.

    Args:
        steps: those of the ledger.
        overrides: ``step.field=value`` texts; the value is YAML.

    Raises:
        RecipeError: one line for every override that is wrong, or that the ledger cannot answer.
    """
    faults = Faults()
    changed = {step.name: step for step in steps}
    for order, override in enumerate(overrides, start=1):
        at = Place(f"--set {override[:80]}", Path(), 0, order)
        matched = re.fullmatch(r"\s*([\w.:]+)\.(\w+)\s*=(.*)", override, re.DOTALL)
        if matched is None:
            faults.add(at, "", "expected STEP.FIELD=VALUE, such as gopher_quality.min_words=100")
            continue
        name, field, text = matched.groups()
        step = changed.get(name)
        if step is None or step.new is None:
            hint = nearest(name, changed, "its steps")
            if name.partition(".")[0] in keys_of(Recipe):
                hint = "it holds what steps measured; for the rest use `corpusmill run` with this --set and a new --out"
            faults.add(at, "", f"the ledger has no step {name!r}; {hint}")
            continue
        value = _value(step, field, text, at, faults)
        if value is not INVALID:
            changed[name] = replace(step, new=_replaced(step, field, value, at, faults))
    _raise(faults)
    return list(changed.values())


def _value(change: Change, field: str, text: str, at: Place, faults: Faults) -> object:
    """Read the value of a limit; report a field that is not a limit."""
    step = change.old.step
    known = [*keys_of(type(step)), "only"]
    if field not in known:
        faults.add(at, change.name, f"unknown key {field!r}; {nearest(field, known)}")
        return INVALID
    if field not in limits(step):
        only = ", ".join(limits(step)) or "none"
        what = f"{field} shapes the text or what is measured, so this ledger cannot tell; change it in the recipe"
        faults.add(at, change.name, f"{what} and run `corpusmill filter` (limits of {change.name}: {only})")
        return INVALID
    node = parse(text, at, faults)
    hint = typing.get_type_hints(type(step))[field]
    return INVALID if isinstance(node, Broken) else convert(hint, node, f"{change.name}.{field}", faults)


def _replaced(change: Change, field: str, value: object, at: Place, faults: Faults) -> Step | None:
    try:
        return replace(change.new, **{field: value})  # type: ignore[type-var]
    except ValueError as error:
        faults.add(at, change.name, str(error))
        return change.new


def with_recipe(steps: Sequence[Change], path: Path) -> list[Change]:
    """Return the steps under the limits of another recipe; only its ``steps`` are read.

    Raises:
        RecipeError: it is no recipe, or its steps differ in more than limits and rules left out.
    """
    faults = Faults()
    wanted = _steps_of(path, faults)
    named = {entry.name: entry for entry in wanted}
    known = {step.name: step.old for step in steps}
    at = Place(str(path))
    for entry in wanted:
        if entry.name not in known or known[entry.name].key != entry.key:
            faults.add(at, entry.name, "is not in this ledger; run `corpusmill filter` with that recipe")
    order = [step.name for step in steps if step.name in named]
    if order != [entry.name for entry in wanted if entry.name in known]:
        faults.add(at, "steps", f"stand in another order; the ledger has {', '.join(order)}")
    changed = [_merged(step.old, named.get(step.name), at, faults) for step in steps]
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
    return tuple(_by_content(entry, path.parent) for entry in typing.cast("tuple[NamedStep, ...]", steps))


def _by_content(entry: NamedStep, folder: Path) -> NamedStep:
    """Return a step with the sha256 of each file in its field, as the ledger's manifest has it."""
    hashes = resolve(entry, folder).hashes
    return entry.with_files(hashes, hashes)


def _merged(old: NamedStep, new: NamedStep | None, at: Place, faults: Faults) -> Change:
    """Return a step under another recipe's limits; report what is more than a limit."""
    if new is None:
        if is_edit(old.step):
            faults.add(at, old.name, "is missing; it changes what later steps see, so the ledger cannot tell")
        return Change(old, None)
    if old.only != new.only:
        what = f"is {new.only!r} there and {old.only!r} in the ledger; it says what is measured"
        faults.add(at, f"{old.name}.only", what)
    free, there = limits(old.step), new.fields()
    for field, before in old.fields().items():
        after = there.get(field)
        if field not in free and before != after:
            what = f"is {after!r} there and {before!r} in the ledger; it shapes the text or what is measured"
            faults.add(at, f"{old.name}.{field}", what)
    return Change(old, new.step)


def _raise(faults: Faults) -> None:
    lines = faults.lines()
    if lines:
        raise RecipeError("\n".join(lines))
