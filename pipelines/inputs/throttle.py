"""One pace per host for all processes of a run: who is told to slow down slows all down.

The state of a host is one small file in the run's ``work/remote/``, changed under a lock. Requests take turns
`interval` seconds apart. The interval is zero until the host answers 403, 429 or 503; then it doubles with each such
answer and shrinks with each good one, so that the pace settles near what the host allows. Times are those of the
machine's monotonic clock, which its processes share; a file from before a restart of the machine makes nobody
wait longer than `LONGEST_S`. The pace never touches data.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

FIRST_INTERVAL_S = 0.05
LONGEST_INTERVAL_S = 10.0
LONGEST_S = 600.0
# Answers that arrive so soon after the pace was slowed are to requests sent before.
SETTLE_S = 1.0
# Settles where one answer in five is a complaint; fewer, as of a host with hiccups, do not slow anyone for long.
RECOVERY = 0.85
NO_INTERVAL_S = 0.01


@dataclass
class _Pace:
    """State of a host: when the next request may start, how far requests are apart, when it was slowed."""

    next: float = 0.0
    interval: float = 0.0
    slowed: float = -LONGEST_S


class Throttle:
    """The paces of all hosts.

    Args:
        folder: where the files lie.
        clock: seconds, the same for all processes that share the folder.
    """

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._clock = clock
        self._slowed: set[str] = set()

    def reserve(self, host: str) -> float:
        """Take the next turn of a host; return the seconds until it comes."""
        with self._pace(host) as pace:
            now = self._clock()
            start = max(now, min(pace.next, now + LONGEST_S))
            pace.next = start + pace.interval
            if pace.interval:
                self._slowed.add(host)
        return start - now

    def refused(self, host: str, wait_s: float) -> None:
        """Note that the host wants fewer requests, and none for so many seconds."""
        self._slowed.add(host)
        with self._pace(host) as pace:
            now = self._clock()
            if not 0 <= now - pace.slowed < SETTLE_S:
                pace.interval = min(max(2 * pace.interval, FIRST_INTERVAL_S), LONGEST_INTERVAL_S)
                pace.slowed = now
            pace.next = max(min(pace.next, now + LONGEST_S), now + min(wait_s, LONGEST_S))

    def served(self, host: str) -> None:
        """Note a good answer."""
        if host not in self._slowed:
            return
        with self._pace(host) as pace:
            pace.interval *= RECOVERY
            if pace.interval < NO_INTERVAL_S:
                pace.interval = 0.0
                self._slowed.discard(host)

    @contextmanager
    def _pace(self, host: str) -> Iterator[_Pace]:
        """Hold the state of a host: read it, and write what became of it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        name = hashlib.blake2b(host.encode(), digest_size=8).hexdigest()
        with (self._folder / f"{name}.pace").open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            pace = _parse(file.read())
            before = asdict(pace)
            yield pace
            if asdict(pace) != before:
                file.truncate(0)
                file.write(json.dumps(asdict(pace)))


def _parse(text: str) -> _Pace:
    """Read a state; one that a killed process left half-written is a fresh one."""
    try:
        return _Pace(**{name: float(value) for name, value in json.loads(text).items()})
    except (ValueError, TypeError, AttributeError):
        return _Pace()
