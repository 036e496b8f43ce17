"""``corpusmill completion SHELL``: what a shell needs to complete commands, options and paths with the tab key."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import shtab

from pipelines.commands.command import Command

SHELLS = ("bash", "zsh", "tcsh")
PATHS = {
    "OUT": shtab.DIRECTORY,
    "OTHER": shtab.DIRECTORY,
    "RECIPE": shtab.FILE,
}
"""What arguments are completed with, by their metavar."""


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=SHELLS)


def _handle(options: argparse.Namespace) -> int:
    whole: argparse.ArgumentParser = options.parser
    for action in _actions(whole):
        if isinstance(action.metavar, str) and action.metavar in PATHS:
            action.complete = PATHS[action.metavar]  # type: ignore[attr-defined]  # what shtab looks for
    print(shtab.complete(whole, options.shell))
    return 0


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Yield the arguments of a parser and of its commands."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _actions(command)


COMMAND = Command(
    "completion",
    'print what a shell needs to complete with the tab key: eval "$(corpusmill completion bash)"',
    ("completion bash", "completion zsh"),
    _add_arguments,
    _handle,
)
