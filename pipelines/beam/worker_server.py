"""The driver's side of the server that forks worker processes (`pipelines.beam.worker`)."""

from __future__ import annotations

import atexit
import contextlib
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Final

from pipelines.beam.worker import Request
from pipelines.errors import CorpusmillError

UNKNOWN_CODE: Final = -int(signal.SIGKILL)
"""Exit code reported for the workers of a server that ended itself: Linux kills them with it."""


class WorkerDiedError(CorpusmillError):
    """A worker process on this machine ended before its work did."""


class WorkerProcess:
    """One forked worker."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.ended: Future[int] = Future()

    def wait(self) -> int:
        """Wait until the process has ended; return its exit code, negative for a signal."""
        return self.ended.result()

    def kill(self) -> None:
        """Kill the process if it still runs."""
        if not self.ended.done():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)


class WorkerServer:
    """One server process, which lives until the driver ends or `close` is called.

    Args:
        modules: names of the modules that it imports before it forks, so that workers have them.
    """

    def __init__(self, modules: Sequence[str] = ()) -> None:
        self._connection, theirs = socket.socketpair()
        self._lock = threading.Lock()
        self._started: queue.SimpleQueue[WorkerProcess | None] = queue.SimpleQueue()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own module, no shell
                [sys.executable, "-m", "pipelines.beam.worker", str(theirs.fileno()), *modules],
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
        """True if it can fork workers."""
        return self._listener.is_alive()

    def fork(self, environment: Mapping[str, str]) -> WorkerProcess:
        """Return a new worker, which finds the modules that this process finds.

        Args:
            environment: all its environment variables.

        Raises:
            WorkerDiedError: the server has ended, and all its workers with it.
        """
        request = Request(tuple(sys.path), str(Path.cwd()), dict(environment))
        with self._lock:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self._connection.sendall(request.to_line().encode())
            worker = self._started.get()
            if worker is None:
                self._started.put(None)  # for the next caller
                raise WorkerDiedError("the server of the worker processes has ended")
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


class _Servers:
    """The servers of this process, one at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._modules: tuple[str, ...] = ()
        self._server: WorkerServer | None = None

    def preload(self, modules: Iterable[str]) -> None:
        """Have every server that is started from now on import these modules, so that its workers need not."""
        with self._lock:
            self._modules = tuple(modules)

    def current(self) -> WorkerServer:
        """Return the server of this process; start one if there is none, or it has died."""
        with self._lock:
            if self._server is not None and not self._server.alive:
                self._server.close()
                self._server = None
            if self._server is None:
                self._server = WorkerServer(self._modules)
                atexit.register(self._server.close)
            return self._server


_servers: Final = _Servers()
preload: Final = _servers.preload
worker_server: Final = _servers.current
