"""Loads a recipe: YAML in, checked dataclasses out, or every fault at once with its place.

A message reads ``configs/web.yaml:12: pack.seq_len: expected a whole number such as 1000; found '2k'``; a fault in
an override names the override instead of a line. Nothing is executed, imported files are the steps' own modules.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from pipelines import overrides as overriding
from pipelines.config import Input, InputFile, Recipe, Tokenizer
from pipelines.errors import RecipeError
from pipelines.input_files import check_unique, read_paths
from pipelines.readers.record import Reader, find_reader, reader_names
from pipelines.step_list import read_steps
from pipelines.strict_yaml import (
    MAX_CHARACTERS,
    Broken,
    Faults,
    Items,
    Node,
    Place,
    Scalar,
    Table,
    nearest,
    parse,
)
from pipelines.typed import INVALID, build, found, is_off, keys_of, plain


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
    recipe = build(Recipe, tree, "", faults, {"inputs": _inputs, "steps": steps, "tokenizer": _tokenizer})
    return replace(recipe, folder=folder) if isinstance(recipe, Recipe) else recipe


def _tokenizer(node: Node, path: str, faults: Faults) -> object:
    """Read ``tokenizer``: none, one to use (``path`` alone), or one to train."""
    if is_off(node):
        return None
    if isinstance(node, Table) and "path" in node.entries and not is_off(node.entries["path"][1]):
        for key in sorted({"vocab_size", "alpha"} & set(node.entries)):
            what = f"{key} belongs to a tokenizer that is trained; with path, nothing is"
            faults.add(node.entries[key][0], path, what)
    return build(Tokenizer, node, path, faults)


@dataclass(frozen=True)
class _InputKeys:
    """The keys of every input, whatever its reader."""

    reader: str
    paths: tuple[tuple[str, ...], tuple[InputFile, ...]]
    source: str | None = None
    limit: int | None = None

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 1:
            raise ValueError(f"limit must be at least 1, not {self.limit}; leave it out to read everything")


def _inputs(node: Node, path: str, faults: Faults) -> object:
    """Read ``inputs``: a list of mappings whose other keys are fields of the reader they name."""
    if not isinstance(node, Items) or not node.nodes:
        if not isinstance(node, Broken):
            what = "an empty list" if isinstance(node, Items) else found(node)
            faults.add(
                node.at, path, f"expected a list such as [{{reader: warc, paths: [a.warc.gz]}}]; found {what}"
            )
        return INVALID
    read = [_input(item, f"{path}[{n}]", faults) for n, item in enumerate(node.nodes)]
    good = [
        (entry, item.at) for entry, item in zip(read, node.nodes, strict=True) if isinstance(entry, Input)
    ]
    check_unique(good, faults)
    return tuple(entry for entry, _ in good) if len(good) == len(read) else INVALID


def _input(node: Node, path: str, faults: Faults) -> object:
    """Read one input."""
    if not isinstance(node, Table):
        if not isinstance(node, Broken):
            faults.add(
                node.at,
                path,
                f"expected a mapping such as {{reader: warc, paths: [a.warc.gz]}}; found {found(node)}",
            )
        return INVALID
    cls = _reader_class(node, path, faults)
    if cls is None:  # its other keys cannot be judged without their reader
        build(_InputKeys, node.only(keys_of(_InputKeys)), path, faults, {"paths": read_paths})
        return INVALID
    options = keys_of(cls)
    keys = build(_InputKeys, node.without(options), path, faults, {"paths": read_paths}, other_keys=options)
    reader = build(cls, node.only(options), path, faults)
    if not isinstance(keys, _InputKeys) or reader is INVALID:
        return INVALID
    patterns, files = keys.paths
    return Input(keys.reader, reader, patterns, keys.source or cls.SOURCE, keys.limit, files)


def _reader_class(node: Table, path: str, faults: Faults) -> type[Reader] | None:
    """Return the reader class that an input names, or None after reporting that there is none."""
    if "reader" not in node.entries:
        return None
    name = node.entries["reader"][1]
    if not isinstance(name, Scalar) or not name.text:
        return None
    try:
        return find_reader(name.text)
    except LookupError:
        hint = nearest(name.text, reader_names(), "known readers")
        faults.add(name.at, f"{path}.reader", f"there is no reader {name.text!r}; {hint}")
        return None


def resolved(recipe: Recipe) -> dict[str, object]:
    """Return a recipe as a plain mapping with every default filled in, as `check` prints it.

    Paths are as written, relative to the recipe's folder, so that the result is the same on every machine.
    """
    sections = {name: plain(getattr(recipe, name)) for name in keys_of(Recipe)}
    sections["inputs"] = [_plain_input(entry, recipe.folder) for entry in recipe.inputs]
    sections["steps"] = [
        {item.key: {**({"as": item.name} if item.name != item.key else {}), **_plain_fields(item.step)}}
        for item in recipe.steps
    ]
    if recipe.tokenizer is not None and recipe.tokenizer.path is not None:
        sections["tokenizer"] = {"path": _as_written(recipe.tokenizer.path, recipe.folder)}
    return sections


def _plain_fields(value: object) -> dict[str, object]:
    """Return the fields of a step or reader."""
    return {name: plain(getattr(value, name)) for name in keys_of(type(value))}


def _plain_input(entry: Input, folder: Path) -> dict[str, object]:
    return {
        "reader": entry.reader_name,
        "paths": list(entry.paths),
        "source": entry.source,
        "limit": entry.limit,
        **_plain_fields(entry.reader),
        "files": [{"name": file.name, "path": _as_written(file.path, folder)} for file in entry.files],
    }


def _as_written(path: Path, folder: Path) -> str:
    """Undo the joining of a path to the recipe's folder."""
    return (path.relative_to(folder) if path.is_relative_to(folder) else path).as_posix()
