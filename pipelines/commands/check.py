"""``corpusmill check RECIPE``."""

from __future__ import annotations

import argparse
import json

import yaml

from pipelines.commands.command import Command, add_recipe
from pipelines.config_load import load, resolved


def _handle(options: argparse.Namespace) -> int:
    recipe = resolved(load(options.recipe, options.set))
    as_yaml = yaml.safe_dump(recipe, sort_keys=False, allow_unicode=True).rstrip()
    print(json.dumps(recipe) if options.json else as_yaml)
    return 0


COMMAND = Command(
    "check",
    "print the resolved recipe, or every fault in it",
    (
        "check configs/demo.yaml",
        "check configs/fineweb.yaml --set language.keep=[de] --set gopher_quality.min_stop_words=none",
    ),
    add_recipe,
    _handle,
)
