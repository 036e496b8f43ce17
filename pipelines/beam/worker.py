"""The worker processes on this machine, and the server that forks them: ``python -m pipelines.beam.worker SOCKET``.

Beam would start every worker of every pipeline as an interpreter of its own, which spends a second on imports. Here
one process imports what workers need, once for all pipelines of a driver, and forks each worker in milliseconds; they
share its memory. It runs no thread but the memory allocator's, which knows about forks, so that no fork copies a lock
that somebody holds.

SOCKET is a file descriptor, inherited from the driver (`pipelines.beam.worker_server`). Each request is a line of
JSON: ``path``, ``folder``, ``environment`` of the new worker. Answers are lines too: ``started PID`` to each request,
and ``ended PID CODE`` as workers end. When the driver goes, so do the server and all workers.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import logging
import os
import select
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from pipelines import faults

PRELOADED = (
    "apache_beam.runners.worker.sdk_worker_main",
    *(f"pipelines.stages.{name}.stage" for name in ("dedup", "extract", "pack", "tokenizer")),
    "pipelines.stages.filter",
)
"""What every worker needs, or most of them."""

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def main() -> None:
    """Serve until the driver closes its end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver gets the same Ctrl-C and ends us in order
    _die_with(os.getppid())
    connection = socket.socket(fileno=int(sys.argv[1]))
    # Beam warns on import about optional parts that are not installed.
    logging.basicConfig(level=logging.CRITICAL)
    for module in PRELOADED:
        importlib.import_module(module)
    gc.freeze()  # a collection in a worker would otherwise write to all shared pages
    _serve(connection)
    os._exit(0)


def _serve(connection: socket.socket) -> None:
    """Fork a worker for each request, report each end; return when the driver is gone, and no worker is left."""
    driver = connection.fileno()
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)  # a handler, so that the pipe is written to
    requests = connection.makefile("r", encoding="utf-8")
    workers: set[int] = set()
    while True:
        ready, _, _ = select.select([driver, woken], [], [])
        if woken in ready:
            os.read(woken, 1 << 10)
            _report_ended(connection, workers)
        if driver in ready:
            # The driver waits for each answer before it sends more, so no second request lies in the buffer.
            line = requests.readline()
            if not line:
                break
            workers.add(_fork(connection, json.loads(line)))
    for worker in workers:
        os.kill(worker, signal.SIGKILL)


def _report_ended(connection: socket.socket, workers: set[int]) -> None:
    for worker in sorted(workers):
        ended, status = os.waitpid(worker, os.WNOHANG)
        if ended:
            workers.remove(worker)
            connection.sendall(f"ended {worker} {os.waitstatus_to_exitcode(status)}\n".encode())


def _fork(connection: socket.socket, request: Mapping[str, Any]) -> int:
    server = os.getpid()
    worker = os.fork()
    if worker == 0:
        connection.close()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        _die_with(server)
        _work(request)
    connection.sendall(f"started {worker}\n".encode())
    return worker


def _work(request: Mapping[str, Any]) -> NoReturn:
    """Be a worker to the end: of its work, or by an error, which is in Beam's log."""
    code = 1
    try:
        sys.path[:] = request["path"]
        os.chdir(request["folder"])
        os.environ.clear()
        os.environ.update(request["environment"])
        faults.plan = faults.Plan.from_environment()
        faults.fail_point("worker.start")
        handler = logging.StreamHandler()
        handler.setLevel(logging.CRITICAL)  # Beam sets the root logger to INFO; the driver gets all of it
        logging.basicConfig(handlers=[handler], force=True)
        _run_beam_worker()
        code = 0
    finally:
        sys.stdout.flush()  # what a step of the user's own printed
        os._exit(code)  # to tear an interpreter down takes a quarter of a second


def _run_beam_worker() -> None:
    from apache_beam.runners.worker import sdk_worker_main

    # Beam prints every traceback besides logging it; the driver, which has the log, tells what a person needs.
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stderr(nowhere):
        sdk_worker_main.main([])


def _die_with(parent: int) -> None:
    """Have Linux end this process when its parent ends, however that comes."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the call
        os._exit(1)


if __name__ == "__main__":
    main()
