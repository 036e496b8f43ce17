"""Notes each Beam pipeline and each process that a test starts: what makes it more than a unit test."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LOOKUPS = ("gcc", "ldconfig", "uname")
"""Programs that libraries ask about the machine while they are imported."""

started: list[str] = []
"""What was started since the list was last cleared."""


def watch_processes() -> None:
    """Note processes from now on, for as long as this process lives."""
    sys.addaudithook(_note)


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if event in ("subprocess.Popen", "os.fork", "os.posix_spawn"):
        program = str(arguments[0]) if arguments else event
        if Path(program).name not in LOOKUPS:
            started.append(program)


def watch_pipelines() -> None:
    """Note each run of a Beam pipeline, if Beam is imported by now."""
    beam: Any = sys.modules.get("apache_beam")
    if beam is None or hasattr(beam.Pipeline.run, "watched"):
        return
    run = beam.Pipeline.run

    def watched(*arguments: Any, **options: Any) -> Any:
        started.append("a Beam pipeline")
        return run(*arguments, **options)

    watched.watched = True  # type: ignore[attr-defined]
    beam.Pipeline.run = watched


@contextmanager
def unwatched() -> Iterator[None]:
    """Do not count what is started meanwhile."""
    before = len(started)
    yield
    del started[before:]
