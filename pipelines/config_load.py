"""Loads a recipe: YAML in, checked dataclasses out, or every fault at once with its place.

A message reads ``configs/web.yaml:12: pack.seq_len: expected a whole number such as 1000; found '2k'``; a fault in
an override names the override instead of a line. Nothing is executed, imported files are the steps' own modules.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from pipelines import overrides as overriding
from pipelines.config import Pack, Recipe, Tokenizer
from pipelines.errors import RecipeError
from pipelines.input_entries import as_written, plain_fields, plain_input, read_inputs
from pipelines.step_list import read_steps
from pipelines.strict_yaml import (
    MAX_CHARACTERS,
    Broken,
    Faults,
    Node,
    Place,
    Scalar,
    Table,
    join,
    parse,
)
from pipelines.typed import INVALID, Special, build, convert, found, is_off, keys_of, plain


def load(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read and check a recipe.

    Args:
        path: the YAML file; relative paths in it refer to its folder.
        overrides: ``key=value`` texts, see `pipelines.overrides`.

    Returns:
        The recipe, complete: defaults filled in, patterns matched to files, steps and readers built.

    Raises:
        RecipeError: the file cannot be read, or is wrong; one line for every fault.
    """
    faults = Faults()
    tree = parse(_read(path), Place(str(path), path.parent), faults)
    recipe: object = INVALID
    if isinstance(tree, Table):
        tree = overriding.apply(tree, overrides, keys_of(Recipe), faults)
        recipe = _recipe(tree, faults, path.parent)
    elif not isinstance(tree, Broken):
        faults.add(
            tree.at, "", f"a recipe is a mapping with at least `name` and `inputs`; found {found(tree)}"
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
    """Build the recipe from its tree; only the sections with a shape of their own are named here."""
    steps = partial(read_steps, folder=folder, reserved=keys_of(Recipe))
    special: Special = {"inputs": read_inputs, "steps": steps, "tokenizer": _tokenizer, "pack": _pack}
    recipe = build(Recipe, tree, "", faults, special)
    return replace(recipe, folder=folder) if isinstance(recipe, Recipe) else recipe


def _tokenizer(node: Node, path: str, faults: Faults) -> object:
    """Read ``tokenizer``: none, one to use (``path`` alone), or one to train."""
    if is_off(node):
        return None
    if isinstance(node, Table) and "path" in node.entries and not is_off(node.entries["path"][1]):
        for key in sorted({"vocab_size", "alpha", "model_type", "special_tokens"} & set(node.entries)):
            what = f"{key} belongs to a tokenizer that is trained; with path, nothing is"
            faults.add(node.entries[key][0], path, what)
    return build(Tokenizer, node, path, faults)


def _pack(node: Node, path: str, faults: Faults) -> object:
    """Read ``pack``: none, or its keys, of which two map names to numbers."""
    special: Special = {
        "mix": partial(_numbers, example="a mapping such as {wikipedia: 3, web: 1}"),
        "repeat_by_cluster_size": _repeats,
    }
    return None if is_off(node) else build(Pack, node, path, faults, special)


def _repeats(node: Node, path: str, faults: Faults) -> object:
    """Read ``pack.repeat_by_cluster_size``: none, the name of a table, or a table."""
    if isinstance(node, Scalar) and node.text == "fineweb2":
        return node.text
    return _numbers(node, path, faults, "fineweb2 or a mapping such as {2: 2, 5: 5, 100: 1}")


def _numbers(node: Node, path: str, faults: Faults, example: str) -> object:
    """Read a mapping of names to numbers."""
    if is_off(node):
        return None
    if not isinstance(node, Table):
        if not isinstance(node, Broken):
            faults.add(node.at, path, f"expected {example}; found {found(node)}")
        return INVALID
    read = {
        name: convert(float, child, join(path, name), faults) for name, (_, child) in node.entries.items()
    }
    return INVALID if INVALID in read.values() else read


def resolved(recipe: Recipe) -> dict[str, object]:
    """Return a recipe as a plain mapping with every default filled in, as `check` prints it.

    Paths are as written, relative to the recipe's folder, so that the result is the same on every machine.
    """
    sections = {name: plain(getattr(recipe, name)) for name in keys_of(Recipe)}
    sections["inputs"] = [plain_input(entry, recipe.folder) for entry in recipe.inputs]
    sections["steps"] = [
        {item.key: {**({"as": item.name} if item.name != item.key else {}), **plain_fields(item.step)}}
        for item in recipe.steps
    ]
    if recipe.tokenizer is not None and recipe.tokenizer.path is not None:
        sections["tokenizer"] = {"path": as_written(recipe.tokenizer.path, recipe.folder)}
    if recipe.dedup is not None:
        against = [as_written(path, recipe.folder) for path in recipe.dedup.against]
        sections["dedup"] = {**plain_fields(recipe.dedup), "against": against}
    return sections
