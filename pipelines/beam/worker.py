"""The worker processes on this machine, and the server that forks them.

``python -m pipelines.beam.worker SOCKET MODULE...``

Beam would start every worker of every pipeline as an interpreter of its own, which spends a second on imports. Here
one process imports the MODULEs and Beam's worker, once for all pipelines of a driver, and forks each worker in
milliseconds; they share its memory. It runs no thread but the memory allocator's, which knows about forks, so that
no fork copies a lock that some thread holds.

SOCKET is a file descriptor, inherited from the driver (`pipelines.beam.worker_server`). Each `Request` is a line.
Answers are lines too: ``started PID`` to each request, and ``ended PID CODE`` as workers end. When the driver ends,
so do the server and all workers.
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
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, NoReturn

from pipelines import faults

_BEAM_WORKER: Final = "apache_beam.runners.worker.sdk_worker_main"
_PR_SET_PDEATHSIG: Final = 1  # <linux/prctl.h>


@dataclass(frozen=True)
class Request:
    """What the driver asks for: a worker.

    Attributes:
        path: its ``sys.path``.
        folder: its current folder.
        environment: all its environment variables.
    """

    path: Sequence[str]
    folder: str
    environment: Mapping[str, str]

    def to_line(self) -> str:
        """Return the request as one line of JSON."""
        return json.dumps(asdict(self)) + "\n"

    @classmethod
    def of_line(cls, line: str) -> Request:
        """Return the request of a line."""
        return cls(**json.loads(line))


def main() -> None:
    """Serve until the driver closes its end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver gets the same Ctrl-C and ends us in order
    _die_with(os.getppid())
    descriptor, *modules = sys.argv[1:]
    connection = socket.socket(fileno=int(descriptor))
    # Beam warns on import about optional parts that are not installed.
    logging.basicConfig(level=logging.CRITICAL)
    for module in (_BEAM_WORKER, *modules):
        importlib.import_module(module)
    gc.freeze()  # a collection in a worker would otherwise write to all shared pages
    _serve(connection)
    os._exit(0)


def _serve(connection: socket.socket) -> None:
    """Fork a worker for each request and report each end; when the driver is gone, kill the workers and return."""
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
            # The driver waits for each answer before it sends more, so the buffer never holds a second request.
            line = requests.readline()
            if not line:
                break
            workers.add(_fork(connection, Request.of_line(line)))
    for worker in workers:
        os.kill(worker, signal.SIGKILL)


def _report_ended(connection: socket.socket, workers: set[int]) -> None:
    for worker in sorted(workers):
        ended, status = os.waitpid(worker, os.WNOHANG)
        if ended:
            workers.remove(worker)
            connection.sendall(f"ended {worker} {os.waitstatus_to_exitcode(status)}\n".encode())


def _fork(connection: socket.socket, request: Request) -> int:
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


def _work(request: Request) -> NoReturn:
    """Be a worker until its work ends, or an error ends it, which is in Beam's log."""
    code = 1
    try:
        sys.path[:] = request.path
        os.chdir(request.folder)
        os.environ.clear()
        os.environ.update(request.environment)
        faults.plan = faults.Plan.from_environment()
        faults.fail_point("worker.start")
        handler = logging.StreamHandler()
        handler.setLevel(logging.CRITICAL)  # Beam sets the root logger to INFO; the driver gets all of it
        logging.basicConfig(handlers=[handler], force=True)
        _run_beam_worker()
        code = 0
    finally:
        sys.stdout.flush()  # a step of the user's own may have printed
        os._exit(code)  # an orderly end of the interpreter takes a quarter of a second


def _run_beam_worker() -> None:
    from apache_beam.runners.worker import sdk_worker_main

    # Beam prints every traceback besides logging it; the driver has the log and shows the user what matters.
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stderr(nowhere):
        sdk_worker_main.main([])


def _die_with(parent: int) -> None:
    """Have Linux end this process when its parent ends, for whatever reason."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the call
        os._exit(1)


if __name__ == "__main__":
    main()
