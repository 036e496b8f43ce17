"""Loads a recipe: YAML in, checked dataclasses out, or every fault at once with its place.

A message reads ``configs/web.yaml:12: pack.seq_len: expected a whole number such as 1000; found '2k'``; a fault in
an override names the override instead of a line. Nothing in a recipe is executed; the modules of its steps and
readers are imported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from filters.judge import NamedStep
from pipelines.errors import RecipeError
from pipelines.recipe import overrides as overriding
from pipelines.recipe.inputs import as_written, plain_fields, plain_input, read_inputs
from pipelines.recipe.recipe import Pack, Recipe, Tokenizer
from pipelines.recipe.steps import read_steps
from pipelines.recipe.tree import MAX_CHARACTERS, Broken, Faults, Node, Place, Table, parse
from pipelines.recipe.typed import INVALID, Converters, Json, build, describe, is_off, keys_of, plain


def load(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read and check a recipe.

    Args:
        path: the YAML file; relative paths in it refer to its folder.
        overrides: ``key=value`` texts, see `pipelines.recipe.overrides`.

    Returns:
        The recipe, complete: defaults filled in, patterns matched to files, steps and readers built.

    Raises:
        RecipeError: the file cannot be read, or is wrong; one line per fault.
    """
    faults = Faults()
    tree = parse(_read(path), Place(str(path), path.parent), faults)
    recipe: object = INVALID
    if isinstance(tree, Table):
        tree = overriding.apply(tree, overrides, keys_of(Recipe), faults)
        recipe = _recipe(tree, faults, path.parent)
    elif not isinstance(tree, Broken):
        faults.add(
            tree.at, "", f"a recipe is a mapping with at least `name` and `inputs`; found {describe(tree)}"
        )
    lines = faults.lines()
    if lines or not isinstance(recipe, Recipe):
        raise RecipeError("\n".join(lines))
    return recipe


def _read(path: Path) -> str:
    """Return the text of a recipe file."""
    try:
        with path.open("rb") as stream:
            data = stream.read(4 * MAX_CHARACTERS + 1)
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RecipeError(f"{path}: byte {error.start:,} is not UTF-8; save the recipe as UTF-8") from error
    except OSError as error:
        raise RecipeError(f"{path}: cannot read the recipe: {error.strerror}") from error


def _recipe(tree: Table, faults: Faults, folder: Path) -> object:
    """Build the recipe from its tree; only sections that need more than their type are named here."""
    steps = partial(read_steps, folder=folder, reserved=keys_of(Recipe))
    special: Converters = {"inputs": read_inputs, "steps": steps, "tokenizer": _tokenizer, "pack": _pack}
    recipe = build(Recipe, tree, "", faults, special)
    return replace(recipe, folder=folder) if isinstance(recipe, Recipe) else recipe


def _tokenizer(node: Node, path: str, faults: Faults) -> object:
    """Read ``tokenizer``: none, one to use (only ``path``), or one to train."""
    if is_off(node):
        return None
    if isinstance(node, Table) and "path" in node.entries and not is_off(node.entries["path"][1]):
        for key in sorted({"vocab_size", "alpha", "model_type", "special_tokens"} & set(node.entries)):
            what = f"{key} is for a tokenizer to train; with path, none is trained"
            faults.add(node.entries[key][0], path, what)
    return build(Tokenizer, node, path, faults)


def _pack(node: Node, path: str, faults: Faults) -> object:
    """Read ``pack``: none, or its keys."""
    return None if is_off(node) else build(Pack, node, path, faults)


def resolved(recipe: Recipe) -> dict[str, Json]:
    """Return a recipe as a plain mapping with every default filled in, as ``check`` prints it.

    Paths are as written, relative to the recipe's folder, so that the result is the same on every machine.
    """
    sections = {name: plain(getattr(recipe, name)) for name in keys_of(Recipe)}
    sections["inputs"] = [plain_input(entry, recipe.folder) for entry in recipe.inputs]
    sections["steps"] = [{item.key: _plain_step(item)} for item in recipe.steps]
    if recipe.tokenizer is not None and recipe.tokenizer.path is not None:
        sections["tokenizer"] = {"path": as_written(recipe.tokenizer.path, recipe.folder)}
    if recipe.dedup is not None:
        against: Json = [as_written(path, recipe.folder) for path in recipe.dedup.against]
        sections["dedup"] = {**plain_fields(recipe.dedup), "against": against}
    return sections


def _plain_step(item: NamedStep) -> dict[str, Json]:
    name: dict[str, Json] = {"as": item.name} if item.name != item.key else {}
    only: dict[str, Json] = {"only": plain(item.only)} if item.only is not None else {}
    return {**name, **only, **plain_fields(item.step)}
