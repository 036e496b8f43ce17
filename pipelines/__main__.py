"""Where the program starts: ``corpusmill``, or ``python -m pipelines``.

Loading the program takes some tenths of a second; an interrupt in that time prints one line instead of a traceback.
"""

from __future__ import annotations

import os
import signal

from pipelines.errors import INTERRUPTED, INTERRUPTED_CODE


def main() -> None:
    """Load the program, then run the command line and exit."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)  # until `pipelines.cli.main` ends a run cleanly
    from pipelines.cli import main as run_command

    run_command()


def _leave(*_: object) -> None:
    """End at once: no work has started, and an exception would surface inside a library's import."""
    os.write(2, f"corpusmill: {INTERRUPTED}\n".encode())
    os._exit(INTERRUPTED_CODE)


if __name__ == "__main__":
    main()
