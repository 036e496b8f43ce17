"""The parts of a command, and the arguments that several commands share."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import shtab

from pipelines.recipe.bundled import bundled_names, find_recipe


@dataclass(frozen=True)
class Command:
    """One command of the command line.

    Attributes:
        name: as typed.
        about: its purpose, in one line.
        examples: command lines without ``corpusmill``; a test parses each.
        add_arguments: adds its arguments to a parser.
        handle: runs it with the parsed arguments; returns the exit code.
    """

    name: str
    about: str
    examples: tuple[str, ...]
    add_arguments: Callable[[argparse.ArgumentParser], None]
    handle: Callable[[argparse.Namespace], int]

    def add_to(self, commands: Any) -> None:
        """Add the command's parser to the sub-parsers of the command line."""
        lines = "\n".join(f"  corpusmill {example}" for example in self.examples)
        parser: argparse.ArgumentParser = commands.add_parser(
            self.name,
            help=self.about,
            description=self.about,
            epilog=f"examples:\n{lines}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        parser.set_defaults(handler=self.handle)
        parser.add_argument("--json", action="store_true", help="print JSON for machines")
        parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
        self.add_arguments(parser)


def add_out(parser: argparse.ArgumentParser) -> None:
    """Add the folder of a run."""
    complete(parser.add_argument("out", metavar="OUT", help="folder of a run"), shtab.DIRECTORY)


def add_recipe(parser: argparse.ArgumentParser) -> None:
    """Add the recipe and the overrides of its keys."""
    about = f"a recipe file, or one that comes with the program: {', '.join(bundled_names())}"
    recipe = parser.add_argument("recipe", type=recipe_path, metavar="RECIPE", help=about)
    complete(recipe, shtab.FILE)
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="override a key of the recipe, for example --set gopher_quality.min_words=100",
    )


def complete(argument: argparse.Action, kind: object) -> None:
    """Let a shell complete the values of an argument with paths: `shtab.FILE` or `shtab.DIRECTORY`."""
    argument.complete = kind  # type: ignore[attr-defined]  # the attribute that shtab looks for


def recipe_path(text: str) -> Path:
    """Return the file of a recipe that is named by its path, or by name alone; the type of such arguments."""
    try:
        return find_recipe(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def positive(text: str) -> int:
    """Return a whole number of 1 or more: the type of such arguments."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected 1 or more, found {text}")
    return number
