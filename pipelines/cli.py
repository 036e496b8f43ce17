"""The command line: ``corpusmill COMMAND``. Parses, calls the command's handler, and sets the exit code.

Exit codes: 0 done, 1 verification failed or too many errors, 2 usage or recipe error, 3 input or output
error, 130 interrupted.
"""

from __future__ import annotations

import argparse
import logging
import os
import re
import select
import signal
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import NoReturn

import shtab

from pipelines.commands import (
    check,
    evaluate_tokenizer,
    export,
    keys,
    publish,
    report,
    show,
    stages,
    trace,
    train_quality,
    verify,
    whatif,
)
from pipelines.errors import (
    INTERRUPTED,
    INTERRUPTED_CODE,
    CorpusmillError,
    OutputError,
    nearest,
    what_to_fix,
)
from pipelines.terminal import escape

COMMANDS = (
    *stages.COMMANDS,
    check.COMMAND,
    keys.COMMAND,
    verify.COMMAND,
    report.COMMAND,
    show.COMMAND,
    trace.COMMAND,
    whatif.COMMAND,
    train_quality.COMMAND,
    evaluate_tokenizer.COMMAND,
    export.COMMAND,
    publish.COMMAND,
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit."""
    options = parser().parse_args(_before_beam_flags(arguments))
    options.beam_flags = _beam_flags(arguments)
    sys.path.append(
        str(Path.cwd())
    )  # for the user's own steps, such as my_rules:MyRule; worker processes see it too
    # Beam warns about optional parts that are not installed; failures reach the user as errors.
    logging.basicConfig(level=logging.INFO if options.debug else logging.CRITICAL)
    # Both end a run cleanly; a shell starts background jobs with SIGINT ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        code = options.handler(options)
        if sys.stdout is not None:  # None where the output was closed, as by >&-
            sys.stdout.flush()  # a failure at exit would show a traceback instead of a message
        sys.exit(code)
    except CorpusmillError as error:
        if options.debug:
            raise
        print(f"corpusmill: {escape(str(error))}", file=sys.stderr)
        sys.exit(error.exit_code)
    except OSError as error:
        if isinstance(error, BrokenPipeError) and _is_closed():
            sys.exit(0)
        if options.debug:
            raise
        print(f"corpusmill: {escape(what_to_fix(error))}", file=sys.stderr)
        sys.exit(OutputError.exit_code)
    except KeyboardInterrupt:
        print(f"corpusmill: {INTERRUPTED}", file=sys.stderr)
        sys.exit(INTERRUPTED_CODE)


def _is_closed() -> bool:
    """Return True if the reader of stdout has closed it, as ``| head`` does, and discard the rest of the output."""
    output = sys.stdout.fileno()
    ends = select.poll()
    ends.register(output, 0)
    if not ends.poll(0):
        return False
    os.dup2(os.open(os.devnull, os.O_WRONLY), output)
    return True


class _Parser(argparse.ArgumentParser):
    """A parser whose errors suggest the probable meaning."""

    def error(self, message: str) -> NoReturn:
        """Print the message with a hint, and exit with 2."""
        unknown = re.match(r"argument COMMAND: invalid choice: '(.*?)'", message)
        if unknown:
            names = [command.name for command in COMMANDS]
            message = f"there is no command {unknown[1]!r}; {nearest(unknown[1], names, 'commands')}"
        elif "unrecognized arguments" in message and any(mark in message for mark in "[]{}"):
            message += (
                '; put quotes around values with spaces: --set "inputs=[{reader: warc, paths: [a.warc.gz]}]"'
            )
        super().error(message)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    whole = _Parser(
        prog="corpusmill",
        description="Turn web crawls and Wikipedia dumps into packed training tokens.",
        epilog="Flags of the Beam runner go after a separate --, for example: -- --runner=DataflowRunner",
    )
    whole.add_argument("--version", action="version", version=f"corpusmill {metadata.version('corpusmill')}")
    shtab.add_argument_to(whole, "--print-completion", help="print a completion script for a shell")
    commands = whole.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_to(commands)
    return whole


def _given(arguments: Sequence[str] | None) -> list[str]:
    return list(sys.argv[1:] if arguments is None else arguments)


def _before_beam_flags(arguments: Sequence[str] | None) -> list[str]:
    given = _given(arguments)
    return given[: given.index("--")] if "--" in given else given


def _beam_flags(arguments: Sequence[str] | None) -> tuple[str, ...]:
    given = _given(arguments)
    return tuple(given[given.index("--") + 1 :]) if "--" in given else ()


if __name__ == "__main__":
    main()
