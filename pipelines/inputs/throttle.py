"""One pace per host for all processes of a run: when a host slows one down, it slows all down.

The state of a host is a small file in the run's ``work/remote/``, changed under a lock. Requests take turns,
`interval` seconds apart. The interval is zero until the host answers 403, 429 or 503; it doubles with each such answer
and shrinks with each good one, so it stays near the rate that the host allows. Times are those of the machine's
monotonic clock, which its processes share; after a restart of the machine no process waits longer than `LONGEST_S`
because of an old file. The pace never touches data.
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
from typing import Final

FIRST_INTERVAL_S = 0.05
"""The interval after the first refusal."""
LONGEST_INTERVAL_S: Final = 10.0
LONGEST_S: Final = 600.0
"""The longest wait for a turn."""
IN_FLIGHT_S: Final = 1.0
"""A refusal this soon after a slowdown belongs to a request that was sent before it, and does not count again."""
RECOVERY: Final = 0.85
"""Factor of a good answer: the pace is steady when one answer in five is a refusal (0.85 ** 4.3 = 1 / 2)."""
NO_INTERVAL_S: Final = 0.01
"""A shorter interval counts as zero."""


@dataclass
class _Pace:
    """State of a host: when the next request may start, the interval, and the last slowdown; in seconds."""

    next: float = 0.0
    interval: float = 0.0
    slowed: float = -LONGEST_S


class Throttle:
    """The paces of all hosts.

    Args:
        folder: of the state files.
        clock: returns seconds, the same for all processes that share the folder.
    """

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._clock = clock
        self._slowed: set[str] = set()

    def reserve(self, host: str) -> float:
        """Take the next turn of a host; return the seconds until then."""
        with self._pace(host) as pace:
            now = self._clock()
            start = max(now, min(pace.next, now + LONGEST_S))
            pace.next = start + pace.interval
            if pace.interval:
                self._slowed.add(host)
        return start - now

    def refused(self, host: str, wait_s: float) -> None:
        """Note that the host wants fewer requests, and none for `wait_s` seconds."""
        self._slowed.add(host)
        with self._pace(host) as pace:
            now = self._clock()
            if not 0 <= now - pace.slowed < IN_FLIGHT_S:
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
        """Hold the state of a host: read it, and write it if the block has changed it."""
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
    """Parse a state; half a file, from a killed process, counts as a fresh state."""
    try:
        return _Pace(**{name: float(value) for name, value in json.loads(text).items()})
    except (ValueError, TypeError, AttributeError):
        return _Pace()
