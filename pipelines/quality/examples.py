"""The examples of a quality classifier: texts of two classes from any reader, split into training and test.

The inputs become a recipe with two sources, ``positive`` and ``negative``, that runs up to the filter stage. So every
reader, extractor and step can be used, and a second training does not read the inputs again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow.parquet as pq
import yaml

from pipelines.errors import InputError, RecipeError, mapped
from pipelines.recipe.load import load
from pipelines.recipe.recipe import Recipe
from pipelines.store.manifest import read_manifest
from pipelines.store.sealed import JsonObject
from pipelines.store.storage import Storage

CLASSES: Final = ("positive", "negative")
RECIPE: Final = "quality.yaml"
MIN_TEXTS: Final = 10
"""Fewest texts of a class."""


@dataclass(frozen=True)
class Example:
    """One text.

    Attributes:
        text: of the document.
        positive: its class.
        order: a hash of the text, which orders the examples and decides which are held out.
    """

    text: str
    positive: bool
    order: int


def input_entry(written: str, side: str) -> JsonObject:
    """Return one input of the recipe.

    Args:
        written: ``READER:PATTERN``, such as ``wikipedia:dumps/*.bz2``, or a mapping as under ``inputs`` in a recipe.
        side: its class, which becomes its source.

    Raises:
        RecipeError: it has neither form.
    """
    if written.lstrip().startswith("{"):
        with mapped(yaml.YAMLError, where=f"--{side} {written!r}"):
            entry = yaml.safe_load(written)
        if isinstance(entry, dict) and "source" not in entry:
            return {**entry, "source": side}
        raise RecipeError(f"--{side} takes a mapping without `source`; found {written!r}")
    reader, colon, pattern = written.partition(":")
    if not colon or not pattern:
        raise RecipeError(f"--{side} takes READER:PATTERN or a mapping; found {written!r}")
    return {"reader": reader, "paths": [pattern], "source": side}


def recipe_of(folder: Path, positive: Sequence[str], negative: Sequence[str], language: str | None) -> Recipe:
    """Return the recipe that reads the examples; relative paths are from the current directory.

    Args:
        folder: of the run; an empty recipe is written there for its name and folder.
        positive: inputs of that class, as given.
        negative: the same.
        language: keep texts in this language only, because else the model learns languages; None = all.
    """
    sides = zip(CLASSES, (positive, negative), strict=True)
    inputs = [input_entry(written, side) for side, given in sides for written in given]
    steps = [] if language is None else [{"language": {"keep": [language]}}]
    storage = Storage(str(folder))
    storage.write_bytes(RECIPE, b"name: quality\ninputs: []\n")
    overrides = [f"inputs={json.dumps(inputs)}", f"steps={json.dumps(steps)}"]
    return load(folder / RECIPE, overrides)


def read_examples(storage: Storage, most: int) -> list[Example]:
    """Return the same number of texts of both classes, those with the smallest hashes, in the order of the hashes.

    Equal texts count once; a text that both classes have counts in neither.

    Args:
        storage: the run, finished up to the filter stage.
        most: texts per class.

    Raises:
        InputError: a class has fewer than ten texts.
    """
    found: dict[int, Example | None] = {}
    for example in _texts(storage):
        known = found.get(example.order, example)
        found[example.order] = example if known is not None and known.positive == example.positive else None
    both = [example for _, example in sorted(found.items()) if example is not None]
    sides = [[example for example in both if example.positive == (side == "positive")] for side in CLASSES]
    count = min(most, *map(len, sides))
    if count < MIN_TEXTS:
        sizes = ", ".join(f"{len(side)} {name}" for name, side in zip(CLASSES, sides, strict=True))
        raise InputError(f"a classifier needs at least {MIN_TEXTS} texts of each class; there are {sizes}")
    return sorted((example for side in sides for example in side[:count]), key=lambda example: example.order)


def _texts(storage: Storage) -> Iterator[Example]:
    manifest = read_manifest(storage, "filtered")
    for file in manifest.folder("filtered"):
        table = pq.read_table(storage.path(file.path), columns=["text", "source"])
        for text, source in zip(table["text"].to_pylist(), table["source"].to_pylist(), strict=True):
            if text.strip():
                digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
                yield Example(text, source == "positive", int.from_bytes(digest, "big"))


def split(examples: Sequence[Example], held_out: float) -> tuple[list[Example], list[Example]]:
    """Return training and test part; the examples of each class with the smallest hashes are held out.

    Args:
        examples: sorted by hash.
        held_out: share of each class in the test part, 0 to 1.
    """
    training: list[Example] = []
    test: list[Example] = []
    for positive in (True, False):
        side = [example for example in examples if example.positive == positive]
        count = max(1, round(held_out * len(side)))
        test += side[:count]
        training += side[count:]
    return sorted(training, key=lambda e: e.order), sorted(test, key=lambda e: e.order)
