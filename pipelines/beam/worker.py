"""What a local worker process runs: Beam's own worker, quiet, and never longer than its driver.

Beam starts workers with ``python -m``; its own module prints every start and stop to the terminal, dies noisily
on Ctrl-C, and outlives a driver that was killed.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys

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
    handler.setLevel(logging.ERROR)  # Beam sets the root logger to INFO; errors reach the driver as well
    logging.basicConfig(handlers=[handler])

    from apache_beam.runners.worker import sdk_worker_main

    sdk_worker_main.main([])


if __name__ == "__main__":
    main()
