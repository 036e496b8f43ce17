"""Where the program starts: ``corpusmill``, or ``python -m pipelines``.

It takes some tenths of a second to read the program; whoever interrupts it in that time gets a line, no traceback.
"""

from __future__ import annotations

import os
import signal

from pipelines.errors import INTERRUPTED, INTERRUPTED_CODE


def main() -> None:
    """Read the program, then run the command line and exit."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)  # until `pipelines.cli.main` ends a run in order
    from pipelines.cli import main as run_command

    run_command()


def _leave(*_: object) -> None:
    """End at once: nothing is begun, and an exception would come up in the middle of somebody's import."""
    os.write(2, f"corpusmill: {INTERRUPTED}\n".encode())
    os._exit(INTERRUPTED_CODE)


if __name__ == "__main__":
    main()
