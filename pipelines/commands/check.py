"""``corpusmill check RECIPE``."""

from __future__ import annotations

import argparse
import json

import yaml

from filters.dedup.bands import describe_bands
from pipelines.commands.command import Command, add_recipe
from pipelines.recipe.load import load, resolved


def _handle(options: argparse.Namespace) -> int:
    recipe = load(options.recipe, options.set)
    if options.json:
        print(json.dumps(resolved(recipe)))
        return 0
    print(yaml.safe_dump(resolved(recipe), sort_keys=False, allow_unicode=True).rstrip())
    if recipe.dedup is not None and recipe.dedup.minhash is not None:
        print("\n".join(f"# {line}" for line in describe_bands(recipe.dedup.minhash.cut())))
    return 0


COMMAND = Command(
    "check",
    "print a recipe with every default filled in, or all its faults",
    (
        "check configs/demo.yaml",
        "check configs/fineweb.yaml --set language.keep=[de] --set gopher_quality.min_stop_words=none",
    ),
    add_recipe,
    _handle,
)
