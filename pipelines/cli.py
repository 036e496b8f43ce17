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

from pipelines.commands import (
    check,
    completion,
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
    completion.COMMAND,
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit."""
    options = parser().parse_args(_before_beam_flags(arguments))
    options.beam_flags = _beam_flags(arguments)
    sys.path.append(str(Path.cwd()))  # steps of one's own: my_rules:MyRule; worker processes see it likewise
    # Beam warns about optional parts that are not installed; what fails reaches the user as an error.
    logging.basicConfig(level=logging.INFO if options.debug else logging.CRITICAL)
    # Both end a run in order; a shell starts what is in the background with the first of them ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        code = options.handler(options)
        if sys.stdout is not None:  # None where the output was closed, as by >&-
            sys.stdout.flush()  # at exit, what fails would be no message but a traceback
        sys.exit(code)
    except CorpusmillError as error:
        if options.debug:
            raise
        print(f"corpusmill: {escape(str(error))}", file=sys.stderr)
        sys.exit(error.exit_code)
    except OSError as error:
        if isinstance(error, BrokenPipeError) and _nobody_reads():
            sys.exit(0)
        if options.debug:
            raise
        print(f"corpusmill: {escape(what_to_fix(error))}", file=sys.stderr)
        sys.exit(OutputError.exit_code)
    except KeyboardInterrupt:
        print(f"corpusmill: {INTERRUPTED}", file=sys.stderr)
        sys.exit(INTERRUPTED_CODE)


def _nobody_reads() -> bool:
    """Say whether whoever read the output has seen enough, as ``| head`` does; what is left then goes nowhere."""
    output = sys.stdout.fileno()
    ends = select.poll()
    ends.register(output, 0)
    if not ends.poll(0):
        return False
    os.dup2(os.open(os.devnull, os.O_WRONLY), output)
    return True


class _Parser(argparse.ArgumentParser):
    """A parser whose errors say what was probably meant."""

    def error(self, message: str) -> NoReturn:
        """Print the message with a hint, and exit with 2."""
        unknown = re.match(r"argument COMMAND: invalid choice: '(.*?)'", message)
        if unknown:
            names = [command.name for command in COMMANDS]
            message = f"there is no command {unknown[1]!r}; {nearest(unknown[1], names, 'commands')}"
        elif "unrecognized arguments" in message and any(mark in message for mark in "[]{}"):
            message += (
                '; put quotes around what has spaces: --set "inputs=[{reader: warc, paths: [a.warc.gz]}]"'
            )
        super().error(message)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    whole = _Parser(
        prog="corpusmill",
        description="Raw web crawls and Wikipedia dumps in, packed training tokens out.",
        epilog="Flags for the Beam runner go after a lone --, for example: -- --runner=DataflowRunner",
    )
    whole.add_argument("--version", action="version", version=f"corpusmill {metadata.version('corpusmill')}")
    whole.set_defaults(parser=whole)  # for `completion`, which describes all of it
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
