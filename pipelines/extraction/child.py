"""The child process in which foreign markup is parsed: ``python -m pipelines.extraction.child ENGINE SECONDS MIB``.

It may die at any document: of its CPU deadline (a kernel timer, so it ends C code too), of its address-space
limit, of a fault in a library. The parent sees which document it was and goes on with a new child.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import resource
import select
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from pipelines.extraction import charset, messages
from pipelines.extraction.clean import clean
from pipelines.extraction.html import CapError, Engine, load_engine
from pipelines.extraction.messages import MESSAGE_CHARACTERS, Answer, Task
from pipelines.extraction.wiki.wikitext import plain_text
from pipelines.readers.record import Wiki

Respond = Callable[[Task, Engine], Answer]

# How often an idle child looks whether its parent is still there, should another process hold the pipe open.
LOOK_AFTER_S = 2.0


def respond(task: Task, engine: Engine) -> Answer:
    """Extract one payload. Faults of the engine are answers; `MemoryError` too, and it ends the child's use."""
    try:
        page = charset.decode(task.payload, task.charset)
        text = clean(engine(page) if task.media == "html" else _prose(page, task.wiki or Wiki()))
    except charset.UndecodableError as error:
        return Answer(None, "undecodable", None, _shorten(error))
    except CapError as error:
        return Answer(None, error.reason, None, _shorten(error))
    except MemoryError:
        return Answer(None, "out_of_memory", "MemoryError", "the extractor was refused memory")
    except Exception as error:  # the engines are foreign code: any of their faults costs this document only
        return Answer(None, "engine_error", type(error).__name__, _shorten(error))
    return Answer(text) if text else Answer(None, "no_text")


def _prose(page: str, wiki: Wiki) -> str:
    return plain_text(page, frozenset(wiki.hidden), tables=wiki.tables)


def main(respond: Respond = respond) -> None:
    """Serve batches from standard input until it ends."""
    engine_name, deadline_s, memory_mb = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
    answers = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # a library that prints must not break the frames
    faulthandler.enable()
    logging.disable(logging.CRITICAL)
    engine = load_engine(engine_name)
    respond(
        Task("html", None, b"<html><body><p>Loads what the engine imports late.</p></body></html>"), engine
    )
    _limit_memory(memory_mb << 20)
    try:
        _write(answers, messages.READY)
        _serve(engine, respond, deadline_s, answers)
    except BrokenPipeError:
        return  # the parent has gone


def _serve(engine: Engine, respond: Respond, deadline_s: float, answers: int) -> None:
    parent = os.getppid()
    while (size := _read(messages.BATCH.size, parent)) is not None:
        frames = _read(messages.BATCH.unpack(size)[0], parent)
        if frames is None:
            return
        for task in messages.unpack_batch(frames):
            # CPU seconds of this process; the default action of SIGPROF ends it.
            signal.setitimer(signal.ITIMER_PROF, deadline_s)
            answer = respond(task, engine)
            signal.setitimer(signal.ITIMER_PROF, 0)
            _write(answers, messages.pack_answer(answer))


def _read(size: int, parent: int) -> bytes | None:
    """Read exactly `size` bytes; None when the parent has closed the pipe or ended."""
    stdin = sys.stdin.fileno()
    parts: list[bytes] = []
    while size:
        while not select.select([stdin], [], [], LOOK_AFTER_S)[0]:
            if os.getppid() != parent:
                return None
        part = os.read(stdin, size)
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _write(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def _limit_memory(allowance: int) -> None:
    """Limit the address space to `allowance` bytes above the present size; no core files."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    status = Path("/proc/self/statm")
    if status.exists():  # Linux; macOS does not enforce RLIMIT_AS
        present = int(status.read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (present + allowance, present + allowance))


def _shorten(error: Exception) -> str:
    return clean(" ".join(str(error).split()))[:MESSAGE_CHARACTERS]


if __name__ == "__main__":
    main()
