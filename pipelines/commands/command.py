"""What a command is, and the arguments that several commands share."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.recipe.bundled import bundled_names, find_recipe


@dataclass(frozen=True)
class Command:
    """One verb of the command line.

    Attributes:
        name: as typed.
        about: what it does, in one line.
        examples: command lines that show how it is used, without ``corpusmill``; a test parses each.
        add_arguments: adds its arguments to a parser.
        handle: does it, given the parsed arguments; returns the exit code.
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
    parser.add_argument("out", metavar="OUT", help="folder of a run")


def add_recipe(parser: argparse.ArgumentParser) -> None:
    """Add the recipe and what overrides its keys."""
    parser.add_argument(
        "recipe",
        type=recipe_path,
        metavar="RECIPE",
        help=f"a recipe file, or one that comes with the program: {', '.join(bundled_names())}",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="override a key of the recipe, for example --set gopher_quality.min_words=100",
    )


def recipe_path(text: str) -> Path:
    """Return the file of a recipe that is named by its path, or by name alone; the type of such arguments."""
    try:
        return find_recipe(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def positive(text: str) -> int:
    """Return a whole number of 1 or more; the type of such arguments."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return number
