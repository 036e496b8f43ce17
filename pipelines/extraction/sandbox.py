"""The parent's side: batches of requests go to a child process, and a document that kills it costs only itself.

``tests/bench/isolation.py`` measures the overhead.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import IO, Final, cast

from pipelines.errors import CorpusmillError
from pipelines.extraction import messages
from pipelines.extraction.clean import clean
from pipelines.extraction.messages import Answer, Request
from pipelines.readers.record import MESSAGE_CHARACTERS
from pipelines.recipe.recipe import Extract

WALL_FACTOR: Final = 10.0
"""Wall seconds that a document may take per CPU second of its deadline."""
SECOND_TRY_FACTOR: Final = 4.0
"""Factor of the wall time for the second try."""
START_S: Final = 300.0
"""Wall seconds to start. The first start on a machine compiles the kernels of engine `blocks` (18 CPU seconds)."""
PIPE_BYTES: Final = 1 << 20
"""Capacity of the pipes."""
READ_BYTES: Final = 1 << 18
"""The most bytes read from the child at once."""
TAIL_BYTES: Final = 4096
"""Bytes of the child's standard error that are quoted when it dies."""


class _LostError(Exception):
    """The child has closed its pipe: it is dead."""


class _StuckError(Exception):
    """The child has not answered within the wall time."""


class Sandbox:
    """Owns at most one child process at a time, started when first needed.

    Not safe for use by several threads at once.
    """

    def __init__(self, settings: Extract, child_module: str) -> None:
        self._settings = settings
        self._module = child_module
        self._child: _Child | None = None

    def run(self, requests: Sequence[Request]) -> list[Answer]:
        """Return one answer per request, in order.

        If the child dies or runs out of memory, the request is tried once more, alone in a new child with four
        times the wall time, and that answer counts. So the outcome depends neither on earlier requests nor on the
        load of the machine. Only the CPU deadline is final at once.

        Raises:
            CorpusmillError: the child cannot be started.
        """
        wall_s = self._settings.deadline_s * WALL_FACTOR
        answers: list[Answer] = []
        while len(answers) < len(requests):
            answers += self._attempt(requests[len(answers) :], wall_s)
            if _is_fatal(answers[-1]) and answers[-1].error != "timeout":
                self.close()
                answers[-1] = self._attempt([requests[len(answers) - 1]], wall_s * SECOND_TRY_FACTOR)[0]
            if _is_fatal(answers[-1]):
                self.close()
        return answers

    def close(self) -> None:
        """End the child, if there is one."""
        if self._child is not None:
            self._reap(self._child)

    def _reap(self, child: _Child) -> Answer:
        """End a child and forget it: its process id may belong to another process afterwards."""
        self._child = None
        return child.end()

    def _attempt(self, requests: Sequence[Request], wall_s: float) -> list[Answer]:
        """Send requests to the child and return their answers, up to the first that is fatal."""
        if self._child is None:
            self._child = _Child(self._module, self._settings)
        child = self._child
        answers: list[Answer] = []
        try:
            child.send(messages.pack_batch(requests), wall_s)
            while len(answers) < len(requests):
                answers.append(child.receive(wall_s))
                if _is_fatal(answers[-1]):
                    break
        except _LostError:
            answers.append(self._reap(child))
        except _StuckError:
            self._reap(child)
            answers.append(
                Answer(None, "timeout", "wall_timeout", f"no answer within {wall_s:g} s of wall time")
            )
        return answers


def _is_fatal(answer: Answer) -> bool:
    """Return True if the child has to end, or has ended, after this answer."""
    return answer.reason in ("timeout", "out_of_memory", "crash")


class _Child:
    """One running child process."""

    def __init__(self, module: str, settings: Extract) -> None:
        self._settings = settings
        # Append mode, so that it can be emptied while the child has it open.
        self._stderr = tempfile.TemporaryFile("a+b")  # noqa: SIM115 - closed with the child
        arguments = [settings.engine, str(settings.deadline_s), str(settings.memory_mb)]
        self._process = subprocess.Popen(  # noqa: S603 - our own module, no shell
            [sys.executable, "-P", "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            bufsize=0,
            pipesize=PIPE_BYTES,
            start_new_session=True,  # Ctrl-C in the terminal is for the parent to handle
            env=_environment(),
        )
        self._input = cast("IO[bytes]", self._process.stdin)
        self._output = cast("IO[bytes]", self._process.stdout)
        os.set_blocking(self._input.fileno(), False)
        self._received = bytearray()
        self._await_ready()

    def send(self, data: bytes, wall_s: float) -> None:
        """Write a batch; the child reads all of it before it answers, so the two cannot block each other."""
        os.ftruncate(self._stderr.fileno(), 0)
        view, until = memoryview(data), time.monotonic() + wall_s
        while view:
            _wait(self._input, select.POLLOUT, until)
            try:
                view = view[os.write(self._input.fileno(), view) :]
            except BrokenPipeError as error:
                raise _LostError from error

    def receive(self, wall_s: float) -> Answer:
        """Return the next answer."""
        until = time.monotonic() + wall_s
        while (found := messages.unpack_answer(self._received)) is None:
            self._read(until)
        answer, size = found
        del self._received[:size]
        return answer

    def end(self) -> Answer:
        """Kill the child if it lives, wait for its exit, and return the answer for the request at which it died."""
        # A process that is ending by itself keeps its own exit status.
        os.kill(self._process.pid, signal.SIGKILL)
        _, status = os.waitpid(self._process.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        tail = self._stderr_tail()
        for pipe in (self._input, self._output, self._stderr):
            pipe.close()
        return _answer_of_exit(self._process.returncode, tail, self._settings)

    def _await_ready(self) -> None:
        try:
            until = time.monotonic() + START_S
            while len(self._received) < len(messages.READY):
                self._read(until)
            del self._received[: len(messages.READY)]
        except (_LostError, _StuckError) as error:
            message = self.end().message
            raise CorpusmillError(
                f"the extraction process did not start: {message}; check that {sys.executable} can import "
                f"pipelines.extraction and the libraries of engine {self._settings.engine}"
            ) from error

    def _read(self, until: float) -> None:
        _wait(self._output, select.POLLIN, until)
        part = os.read(self._output.fileno(), READ_BYTES)
        if not part:
            raise _LostError
        self._received += part

    def _stderr_tail(self) -> str:
        size = self._stderr.seek(0, os.SEEK_END)
        self._stderr.seek(max(0, size - TAIL_BYTES))
        return clean(" ".join(self._stderr.read().decode("utf-8", "replace").split()))


def _wait(pipe: IO[bytes], event: int, until: float) -> None:
    poll = select.poll()
    poll.register(pipe, event)
    if not poll.poll(max(0.0, until - time.monotonic()) * 1000):
        raise _StuckError


def _answer_of_exit(code: int, tail: str, settings: Extract) -> Answer:
    """Return the answer for the request at which a child died.

    The cause is read from its exit status and its standard error. Its peak memory is of no use: on Linux a process
    inherits the peak of the one that started it.

    Args:
        code: exit status, or the negative number of the signal that killed it.
        tail: end of its standard error.
        settings: the limits it had.
    """
    if code == -signal.SIGPROF:
        return Answer(None, "timeout", "timeout", f"took more than {settings.deadline_s:g} s of CPU time")
    cause = signal.Signals(-code).name if code < 0 else f"exit {code}"
    no_memory = "MemoryError" in tail or "memory allocation" in tail or "bad_alloc" in tail
    message = f"the extraction process ended by {cause}" + (f": {tail}" if tail else "")
    return Answer(
        None, "out_of_memory" if no_memory else "crash", f"crash:{cause}", message[:MESSAGE_CHARACTERS]
    )


def _environment() -> dict[str, str]:
    """Return the child's environment: it can import the same modules as the parent, and gets no secrets."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(("LC_", "LD_", "DYLD_", "NUMBA_"))
    }
    kept |= {name: os.environ[name] for name in ("HOME", "LANG", "PATH", "TMPDIR") if name in os.environ}
    return kept | {
        "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
        "PYTHONHASHSEED": "0",  # the order of sets inside an engine must not differ between runs
        "OPENBLAS_NUM_THREADS": "1",  # each thread would cost address space
    }
