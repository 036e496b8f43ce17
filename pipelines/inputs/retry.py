"""The one retry policy of this program: which failures may pass, how long to wait, and when to give up."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Final, Literal

Cause = Literal["busy", "forbidden", "unknown_host"]

RETRYABLE_STATUS: Final = frozenset((408, 425, 429, 500, 502, 503, 504))
"""Answers that may be others when the request is sent again (RFC 9110, 15.5 and 15.6; RFC 6585; RFC 8470)."""


class RetryableError(Exception):
    """A request failed and may succeed when it is sent again.

    Attributes:
        cause: the limit of `Retry` that it counts against.
        wait_s: seconds that the host asked for; 0 = none.
    """

    def __init__(self, reason: str, cause: Cause = "busy", wait_s: float = 0.0) -> None:
        super().__init__(reason)
        self.cause = cause
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class Retry:
    """How often to retry a request, and how long to wait before.

    Attributes:
        attempts: in a row without a byte between them: answers of `RETRYABLE_STATUS`, 403 for a file that was readable
            before, and broken connections.
        forbidden_attempts: answers 403 to the first request: the file is not public, or the host limits the rate.
        unknown_host_attempts: failures to find the host's address.
        failures: of one range in all, with bytes between them.
        base_s: the first pause; each further one is twice as long.
        longest_s: the longest pause.
        longest_wait_s: the longest wait that a host may ask for.
    """

    attempts: int = 9
    forbidden_attempts: int = 4
    unknown_host_attempts: int = 3
    failures: int = 500
    base_s: float = 0.5
    longest_s: float = 60.0
    longest_wait_s: float = 600.0

    def limit(self, cause: Cause) -> int:
        """Return how many attempts in a row a cause may have."""
        limits = {
            "busy": self.attempts,
            "forbidden": self.forbidden_attempts,
            "unknown_host": self.unknown_host_attempts,
        }
        return limits[cause]

    def pause(self, failure: int, chance: float) -> float:
        """Return the seconds to wait after the n-th failure in a row, counted from 1.

        Args:
            failure: n.
            chance: from 0 to below 1; it decides the upper half of the pause, so that many clients spread out.

        >>> Retry().pause(1, 0.0), Retry().pause(3, 0.5), Retry().pause(50, 0.0)
        (0.25, 1.5, 30.0)
        """
        most = min(self.longest_s, self.base_s * 2.0 ** min(failure - 1, 30))
        return most * (0.5 + chance / 2)


class Attempts:
    """The attempts at one request: counts its failures and waits between them.

    Args:
        retry: the policy.
        sleep: waits for seconds.
        chance: returns a number from 0 to below 1 for the length of pauses; it never touches data.
    """

    def __init__(
        self,
        retry: Retry,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._retry = retry
        self._sleep = sleep
        self._chance = chance
        self._failures = 0
        self._in_a_row = 0
        self._began = time.monotonic()

    def again(self, failure: RetryableError, progress: bool = False) -> bool:
        """Wait and return True, or return False at once if there have been enough attempts.

        Args:
            failure: how the last attempt ended.
            progress: it brought some bytes first.
        """
        self._failures += 1
        self._in_a_row = 1 if progress else self._in_a_row + 1
        if self._in_a_row >= self._retry.limit(failure.cause) or self._failures >= self._retry.failures:
            return False
        asked = min(failure.wait_s, self._retry.longest_wait_s)
        self._sleep(max(asked, self._retry.pause(self._in_a_row, self._chance())))
        return True

    def __str__(self) -> str:
        return f"{self._failures} times in {time.monotonic() - self._began:.0f} s"


def retry_after(value: str | None, now: float) -> float:
    """Return the seconds that a ``Retry-After`` header asks for (RFC 9110, 10.2.3); 0 where it asks for none.

    Args:
        value: of the header; None = there is none.
        now: seconds since 1970, for a date.

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
