"""The parent's side: batches of tasks go to a child process, and whatever kills it costs one document.

Measured overhead: see ``tests/bench/isolation.py``.
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
from typing import IO, cast

from pipelines.errors import CorpusmillError
from pipelines.extraction import messages
from pipelines.extraction.clean import clean
from pipelines.extraction.messages import MESSAGE_CHARACTERS, Answer, Task
from pipelines.recipe.recipe import Extract

# Wall seconds that a document may take per CPU second of its deadline, and the factor for its second try.
WALL_FACTOR = 10.0
SECOND_TRY_FACTOR = 4.0
# A first start on a machine compiles the kernels of engine `blocks`: 18 CPU seconds, kept on disk from then on.
START_S = 300.0
PIPE_BYTES = 1 << 20
READ_BYTES = 1 << 18
TAIL_BYTES = 4096


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

    def run(self, tasks: Sequence[Task]) -> list[Answer]:
        """Return one answer per task, in order.

        A task at which the child dies or runs out of memory is tried once more, alone in a new child, and
        that settles it: so the outcome does not depend on what the child did before, nor, but for a wall
        time of four times the first, on load. Only the CPU deadline is final at once.

        Raises:
            CorpusmillError: the child cannot be started.
        """
        wall_s = self._settings.deadline_s * WALL_FACTOR
        answers: list[Answer] = []
        while len(answers) < len(tasks):
            answers += self._attempt(tasks[len(answers) :], wall_s)
            if _is_fatal(answers[-1]) and answers[-1].error != "timeout":
                self.close()
                answers[-1] = self._attempt([tasks[len(answers) - 1]], wall_s * SECOND_TRY_FACTOR)[0]
            if _is_fatal(answers[-1]):
                self.close()
        return answers

    def close(self) -> None:
        """End the child, if there is one."""
        if self._child is not None:
            self._bury(self._child)

    def _bury(self, child: _Child) -> Answer:
        """End a child, once: its process id may belong to somebody else afterwards."""
        self._child = None
        return child.end()

    def _attempt(self, tasks: Sequence[Task], wall_s: float) -> list[Answer]:
        """Send tasks to the child and return their answers, up to the first one that is fatal."""
        if self._child is None:
            self._child = _Child(self._module, self._settings)
        child = self._child
        answers: list[Answer] = []
        try:
            child.send(messages.pack_batch(tasks), wall_s)
            while len(answers) < len(tasks):
                answers.append(child.receive(wall_s))
                if _is_fatal(answers[-1]):
                    break
        except _LostError:
            answers.append(self._bury(child))
        except _StuckError:
            self._bury(child)
            answers.append(
                Answer(None, "timeout", "wall_timeout", f"no answer within {wall_s:g} s of wall time")
            )
        return answers


def _is_fatal(answer: Answer) -> bool:
    """Say whether an answer means the end of the child that gave it, or that did not."""
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
        """Write a batch; the child reads all of it before it answers, so neither side can block the other."""
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
        """Kill the child if it lives, reap it, and return the answer that its death is."""
        # A process that is ending by itself keeps its own status.
        os.kill(self._process.pid, signal.SIGKILL)
        _, status = os.waitpid(self._process.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        tail = self._last_words()
        for pipe in (self._input, self._output, self._stderr):
            pipe.close()
        return _obituary(self._process.returncode, tail, self._settings)

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

    def _last_words(self) -> str:
        size = self._stderr.seek(0, os.SEEK_END)
        self._stderr.seek(max(0, size - TAIL_BYTES))
        return clean(" ".join(self._stderr.read().decode("utf-8", "replace").split()))


def _wait(pipe: IO[bytes], event: int, until: float) -> None:
    poll = select.poll()
    poll.register(pipe, event)
    if not poll.poll(max(0.0, until - time.monotonic()) * 1000):
        raise _StuckError


def _obituary(code: int, tail: str, settings: Extract) -> Answer:
    """Say what a dead child died of: exit status or negative signal, and last words.

    Its peak memory says nothing: Linux hands a process the peak of the one that started it.
    """
    if code == -signal.SIGPROF:
        return Answer(None, "timeout", "timeout", f"took more than {settings.deadline_s:g} s of CPU time")
    cause = signal.Signals(-code).name if code < 0 else f"exit {code}"
    refused = "MemoryError" in tail or "memory allocation" in tail or "bad_alloc" in tail
    words = f": {tail}" if tail else ""
    message = f"the extraction process ended by {cause}{words}"
    return Answer(
        None, "out_of_memory" if refused else "crash", f"crash:{cause}", message[:MESSAGE_CHARACTERS]
    )


def _environment() -> dict[str, str]:
    """Return the child's environment: what the parent can import it can, but it gets none of its secrets."""
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
