"""Trying again: which failures may pass, what they are called, and when to give up."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Literal

from pipelines.errors import InputError
from pipelines.inputs.access import Patience

Kind = Literal["tries", "forbidden_tries", "unknown_tries"]

_ADVICE: Mapping[Kind, str] = {
    "tries": "run the same command again later, finished units are kept",
    "forbidden_tries": "either it is not public, then set credentials in the environment, or the host has had "
    "enough requests, then run the same command again later; finished units are kept",
    "unknown_tries": "check the name and the network; finished units are kept",
}


class Again(Exception):  # noqa: N818 - not an error yet
    """One attempt failed and another may not.

    Attributes:
        kind: which limit of `Patience` it counts against.
        wait_s: seconds that the host asked for.
    """

    def __init__(self, what: str, kind: Kind = "tries", wait_s: float = 0.0) -> None:
        super().__init__(what)
        self.kind = kind
        self.wait_s = wait_s


class Attempts:
    """The attempts at one thing.

    Args:
        what: the thing, for the message.
        patience: how many there may be.
        sleep: waits for seconds.
        chance: a number from 0 to below 1.
    """

    def __init__(
        self, what: str, patience: Patience, sleep: Callable[[float], None], chance: Callable[[], float]
    ) -> None:
        self._what = what
        self._patience = patience
        self._sleep = sleep
        self._chance = chance
        self._failures = 0
        self._in_a_row = 0
        self._began = time.monotonic()

    def failed(self, again: Again, progress: bool = False) -> None:
        """Wait before the next attempt.

        Args:
            again: why the last one failed.
            progress: it brought something before it failed.

        Raises:
            InputError: there have been enough.
        """
        self._failures += 1
        self._in_a_row = 1 if progress else self._in_a_row + 1
        most: int = getattr(self._patience, again.kind)
        if self._in_a_row >= most or self._failures >= self._patience.failures:
            seconds = time.monotonic() - self._began
            raise InputError(
                f"{self._what}: {again}, {self._failures} times in {seconds:.0f} s; {_ADVICE[again.kind]}"
            ) from again
        self._sleep(max(again.wait_s, self._patience.pause(self._in_a_row, self._chance())))


def retry_after(value: str | None, now: float) -> float:
    """Return the seconds that a ``Retry-After`` header asks for; 0 where it asks for none.

    >>> retry_after("7", 0.0), retry_after("Thu, 01 Jan 1970 00:01:40 GMT", 40.0), retry_after("soon", 0.0)
    (7.0, 60.0, 0.0)
    """
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except ValueError:
        return 0.0


def failure_of(error: BaseException) -> Again:
    """Return what a failed connection is called; its own words could hold a signed address."""
    chain: list[BaseException] = []
    todo: list[object] = [error]
    while todo and len(chain) < 20:
        found = todo.pop(0)
        if isinstance(found, BaseException) and found not in chain:
            chain.append(found)
            todo += [found.__cause__, found.__context__, getattr(found, "reason", None), *found.args]
    for found in chain:
        if isinstance(found, socket.gaierror):
            return Again("the host's address cannot be found", "unknown_tries")
    for found in chain:
        if isinstance(found, OSError) and found.strerror:
            return Again(f"the connection failed ({found.strerror})")
    if any("Timeout" in type(found).__name__ for found in chain):
        return Again("the server fell silent")
    return Again(f"the connection broke ({type(chain[-1]).__name__})")
