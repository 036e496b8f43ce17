"""The driver's side of the server that forks worker processes (`pipelines.beam.worker`)."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from functools import cache

UNKNOWN_CODE = -int(signal.SIGKILL)
"""Exit code of the workers of a server that ended itself: Linux ends them with it."""


class WorkerProcess:
    """One forked worker."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.ended: Future[int] = Future()

    def wait(self) -> int:
        """Wait until the process has ended; return its exit code, negative for a signal."""
        return self.ended.result()

    def kill(self) -> None:
        """End the process at once, if it still runs."""
        if not self.ended.done():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)


class WorkerServer:
    """One server process, which lives until the driver ends or `close` is called."""

    def __init__(self) -> None:
        self._connection, theirs = socket.socketpair()
        self._lock = threading.Lock()
        self._started: queue.SimpleQueue[WorkerProcess | None] = queue.SimpleQueue()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own module, no shell
                [sys.executable, "-m", "pipelines.beam.worker", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
            )
        self._listener = threading.Thread(target=self._listen, name="worker server", daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it can fork workers."""
        return self._listener.is_alive()

    def fork(self, environment: Mapping[str, str]) -> WorkerProcess:
        """Return a new worker, which finds the modules that this process finds.

        Args:
            environment: all its environment variables.

        Raises:
            ChildProcessError: the server has ended.
        """
        request = {"path": sys.path, "folder": os.getcwd(), "environment": dict(environment)}  # noqa: PTH109 - as text
        with self._lock:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self._connection.sendall(json.dumps(request).encode() + b"\n")
            worker = self._started.get()
            if worker is None:
                self._started.put(None)
                raise ChildProcessError("the server of worker processes has ended")
            return worker

    def close(self) -> None:
        """End the server and all its workers."""
        with contextlib.suppress(OSError):  # the other end may be gone already
            self._connection.shutdown(socket.SHUT_WR)
        self._process.wait()
        self._listener.join()
        self._connection.close()

    def _listen(self) -> None:
        workers: dict[int, WorkerProcess] = {}
        with (
            self._connection.makefile("r", encoding="ascii") as answers,
            contextlib.suppress(ConnectionResetError),
        ):
            for answer in answers:
                match answer.split():
                    case ["started", pid]:
                        worker = workers[int(pid)] = WorkerProcess(int(pid))
                        self._started.put(worker)
                    case ["ended", pid, code]:
                        workers.pop(int(pid)).ended.set_result(int(code))
        for worker in workers.values():
            worker.ended.set_result(UNKNOWN_CODE)
        self._started.put(None)


_lock = threading.Lock()


def worker_server() -> WorkerServer:
    """Return this process's server; a new one where there is none, or it has died."""
    with _lock:
        server = _start()
        if not server.alive:
            server.close()
            _start.cache_clear()
            server = _start()
        return server


@cache
def _start() -> WorkerServer:
    server = WorkerServer()
    atexit.register(server.close)
    return server
