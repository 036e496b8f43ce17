"""The child process that parses markup: ``python -m pipelines.extraction.child ENGINE SECONDS MIB``.

Any document may kill it: by the CPU deadline (a kernel timer, so it ends C code too), by the limit of the address
space, or by a fault in a library. The parent sees which document it was and goes on with a new child.
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
from typing import Final

from pipelines.extraction import charset, messages
from pipelines.extraction.clean import clean
from pipelines.extraction.engines import CapError, Engine, load_engine
from pipelines.extraction.messages import Answer, Request
from pipelines.extraction.wiki.wikitext import plain_text
from pipelines.readers.record import MESSAGE_CHARACTERS, Wiki

Respond = Callable[[Request, Engine], Answer]
"""Answers one request."""

LOOK_AFTER_S: Final = 2.0
"""Seconds after which an idle child checks that its parent still lives, in case another process holds the pipe open."""


def respond(request: Request, engine: Engine) -> Answer:
    """Extract one payload. Exceptions of the engine become answers; after `MemoryError` the parent ends the child."""
    try:
        page = charset.decode(request.payload, request.charset)
        text = clean(engine(page) if request.media == "html" else _prose(page, request.wiki or Wiki()))
    except charset.UndecodableError as error:
        return Answer(None, "undecodable", None, _shorten(error))
    except CapError as error:
        return Answer(None, error.reason, None, _shorten(error))
    except MemoryError:
        return Answer(
            None,
            "out_of_memory",
            "MemoryError",
            "the engine ran out of memory; extract.memory_mb sets the limit",
        )
    except Exception as error:  # the engines are foreign code: any exception costs only this document
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
        Request("html", None, b"<html><body><p>Makes the engine do its late imports.</p></body></html>"),
        engine,
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
        for request in messages.unpack_batch(frames):
            # CPU seconds of this process; the default action of SIGPROF ends it.
            signal.setitimer(signal.ITIMER_PROF, deadline_s)
            answer = respond(request, engine)
            signal.setitimer(signal.ITIMER_PROF, 0)
            _write(answers, messages.pack_answer(answer))


def _read(size: int, parent: int) -> bytes | None:
    """Read exactly `size` bytes; None if the parent has closed the pipe or ended."""
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
    """Limit the address space to `allowance` bytes above its present size; switch core files off."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    status = Path("/proc/self/statm")
    if status.exists():  # Linux; macOS does not enforce RLIMIT_AS
        present = int(status.read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (present + allowance, present + allowance))


def _shorten(error: Exception) -> str:
    return clean(" ".join(str(error).split()))[:MESSAGE_CHARACTERS]


if __name__ == "__main__":
    main()
