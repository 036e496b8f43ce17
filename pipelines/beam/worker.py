"""What a local worker process runs: Beam's own worker, quiet, and never longer than its driver.

Beam starts workers with ``python -m``; its own module prints every start and stop to the terminal, dies noisily
on Ctrl-C, and outlives a driver that was killed.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import signal
import sys
from pathlib import Path

from pipelines.faults import fail_point

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def main() -> None:
    """Set this process up, then hand over to Beam."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver gets the same Ctrl-C and ends us in order
    driver = os.getppid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != driver:  # it died before the call
        sys.exit(1)
    fail_point("worker.start")
    handler = logging.StreamHandler()
    handler.setLevel(logging.CRITICAL)  # Beam sets the root logger to INFO; the driver gets all of it
    logging.basicConfig(handlers=[handler])

    from apache_beam.runners.worker import sdk_worker_main

    # Beam prints every traceback besides logging it; the driver, which has the log, tells what a person needs.
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stderr(nowhere):
        sdk_worker_main.main([])


if __name__ == "__main__":
    main()
