"""Where the program starts: ``corpusmill``, or ``python -m pipelines``.

Loading the program takes some tenths of a second; an interrupt in that time prints one line instead of a traceback.
So does an installation with too few libraries, or with another package over one of ours.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import NoReturn

from pipelines.errors import INTERRUPTED, INTERRUPTED_CODE, CorpusmillError
from pipelines.installed import foreign_package, missing_library


def main() -> None:
    """Load the program, then run the command line and exit."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)  # until `pipelines.cli.main` ends a run cleanly
    foreign = foreign_package()
    if foreign is not None:
        _fail(foreign)
    try:
        from pipelines.cli import main as run_command

        run_command()
    except ModuleNotFoundError as error:
        missing = missing_library(error)
        if missing is None or "--debug" in sys.argv:
            raise
        _fail(missing)


def _fail(message: str) -> NoReturn:
    """Say what is wrong with the installation, and exit."""
    print(f"corpusmill: {message}", file=sys.stderr)
    sys.exit(CorpusmillError.exit_code)


def _leave(*_: object) -> None:
    """End at once: no work has started, and an exception would surface inside a library's import."""
    os.write(2, f"corpusmill: {INTERRUPTED}\n".encode())
    os._exit(INTERRUPTED_CODE)


if __name__ == "__main__":
    main()
