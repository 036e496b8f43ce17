"""The HTTP client of this program: `httpx2`, with the rules that remote inputs need on top.

It retries by one policy, reads a file as the version that was listed or fails, contacts only hosts that the recipe
names, also on redirects, and shares the pace of each host between processes.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata
from typing import Final, TypeVar
from urllib.parse import urljoin, urlsplit

import httpx2

from pipelines.errors import InputError
from pipelines.inputs.address import Address, Pin, host_of
from pipelines.inputs.allowed_hosts import AllowedHosts
from pipelines.inputs.answers import (
    body,
    changed,
    check_status,
    connection_failure,
    discard,
    end_of_range,
    file_size,
    version_of,
)
from pipelines.inputs.retry import Attempts, Cause, Retry, RetryableError, retry_after
from pipelines.inputs.signing import credentials
from pipelines.inputs.throttle import Throttle

T = TypeVar("T")

CONNECT_S: Final = 10.0
"""Seconds to wait for a connection."""
SILENCE_S = 60.0
"""Seconds to wait for the next byte."""
IDLE_S: Final = 60.0
"""Seconds that an unused connection is kept: a unit may be busy for some between two ranges."""
REDIRECTS: Final = 5

_THROTTLED: Final = (403, 429, 503)

_GIVEN_UP: Final[Mapping[Cause, str]] = {
    "busy": "run the same command again later; finished units are kept",
    "forbidden": "the file is not public, or the host limits the rate: set credentials in the environment, or run the "
    "same command again later; finished units are kept",
    "unknown_host": "check the name and the network; finished units are kept",
}


class Client:
    """Reads remote files from allowed hosts. One instance serves all threads of a process, and its forks.

    Args:
        allowed: which hosts may be contacted, and the folder that shares their pace.
        retry: how often to retry.
        sleep: waits for seconds.
        chance: returns a number from 0 to below 1 for the length of pauses; it never touches data.
    """

    def __init__(
        self,
        allowed: AllowedHosts,
        retry: Retry | None = None,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._allowed = allowed
        self._retry = retry or Retry()
        self._sleep = sleep
        self._chance = chance
        self._throttle = Throttle(allowed.folder)
        self._pools = {os.getpid(): _connection_pool()}

    def pin(self, address: Address) -> Pin:
        """Return the current length and version of a file.

        It asks for the first byte instead of ``HEAD``, which also shows whether the server answers ranges.

        Raises:
            InputError: the file is missing, may not be read, or cannot be reached.
        """
        return self._with_retries(address.text, lambda: self._pin_once(address))

    def read(self, address: Address, pin: Pin, start: int, stop: int) -> bytes:
        """Return all bytes from `start` to before `stop`; after a failure it asks for the missing rest only.

        Raises:
            InputError: the file is not the pinned version, or cannot be reached.
        """
        data = bytearray()
        what = f"{address.text}: bytes {start} to {stop}"
        attempts = self._attempts()
        while start + len(data) < stop:
            before = len(data)
            try:
                self._receive(address, pin, start, stop, data)
            except RetryableError as failure:
                _retry_or_give_up(what, attempts, failure, progress=len(data) > before)
        return bytes(data)

    def get(self, what: str, scheme: str, url: str, most: int) -> tuple[bytes, str | None]:
        """Return a document without a version, such as a page of a listing, and the URL of the next page.

        Args:
            what: its name in messages.
            scheme: whose credentials to send.
            url: where it is.
            most: bytes that it may have.

        Raises:
            InputError: the document is missing, too long, or cannot be reached.
        """
        return self._with_retries(what, lambda: self._get_once(what, scheme, url, most))

    def _attempts(self) -> Attempts:
        return Attempts(self._retry, self._sleep, self._chance)

    def _with_retries(self, what: str, once: Callable[[], T]) -> T:
        attempts = self._attempts()
        while True:
            try:
                return once()
            except RetryableError as failure:
                _retry_or_give_up(what, attempts, failure)

    def _pin_once(self, address: Address) -> Pin:
        with self._open(address.text, address.scheme, address.url(), {"Range": "bytes=0-0"}) as answer:
            if answer.status_code == 416:  # only an empty file has no byte 0
                return Pin(0, version_of(answer))
            check_status(address.text, answer)
            size = file_size(address, answer)
            discard(answer)
            return Pin(size, version_of(answer))

    def _receive(self, address: Address, pin: Pin, start: int, stop: int, data: bytearray) -> None:
        """Append the bytes of one answer to `data`, which begins at byte `start`."""
        first = start + len(data)
        headers = {"Range": f"bytes={first}-{stop - 1}"}
        with self._open(address.text, address.scheme, address.url(), headers) as answer:
            if answer.status_code == 416:
                now = answer.headers.get("Content-Range", "").rpartition("/")[2] or "fewer"
                raise changed(address, f"{pin.size} bytes", now)
            # The file was readable when it was listed, so a 403 now means that the host limits the rate.
            check_status(address.text, answer, forbidden="busy")
            end = end_of_range(address, pin, answer, first, stop)
            if pin.version != (version := version_of(answer)):
                raise changed(address, pin.version or "without a version", version or "without one")
            for piece in body(answer):
                data += piece
                if start + len(data) > end:
                    raise InputError(
                        f"{address.text}: the server sends more bytes than it announced; download the file first"
                    )
        if start + len(data) < end:
            raise RetryableError(f"the connection ended at byte {start + len(data)}")

    def _get_once(self, what: str, scheme: str, url: str, most: int) -> tuple[bytes, str | None]:
        with self._open(what, scheme, url, {}) as answer:
            check_status(what, answer)
            data = bytearray()
            for piece in body(answer):
                data += piece
                if len(data) > most:
                    raise InputError(f"{what}: the answer has more than {most} bytes")
            following = answer.links.get("next", {}).get("url")
            return bytes(data), urljoin(url, following) if following else None

    @contextmanager
    def _open(self, what: str, scheme: str, url: str, headers: dict[str, str]) -> Iterator[httpx2.Response]:
        """Send a GET request when its turn has come; follow redirects to allowed hosts."""
        # Google decompresses objects stored as gzip, and then answers no ranges, unless the client accepts gzip.
        headers = {**headers, "Accept-Encoding": "gzip" if scheme == "gs" else "identity"}
        secret = credentials(scheme, url, {k: v for k, v in headers.items() if k == "Range"})
        for _ in range(REDIRECTS + 1):
            answer = self._send(what, url, {**headers, **secret})
            try:
                if not answer.has_redirect_location:
                    yield answer
                    return
                target = self._redirect_target(what, url, answer)
                discard(answer)
            finally:
                answer.close()
            if host_of(target) != host_of(url):
                secret = {}
            url = target
        raise InputError(f"{what}: more than {REDIRECTS} redirects; use the final address")

    def _send(self, what: str, url: str, headers: dict[str, str]) -> httpx2.Response:
        host = host_of(url)
        if not self._allowed.allows(host):
            raise InputError(
                f"{what}: the host {host} is not named in the recipe; add it to `hosts` of the input"
            )
        if wait := self._throttle.reserve(host):
            self._sleep(wait)
        pool = self._pool()
        timeout = httpx2.Timeout(SILENCE_S, connect=CONNECT_S, pool=None)
        try:
            answer = pool.send(pool.build_request("GET", url, headers=headers, timeout=timeout), stream=True)
        except httpx2.InvalidURL as error:
            raise InputError(
                f"{what}: is redirected to, or listed at, an invalid address ({error})"
            ) from error
        except httpx2.RequestError as error:
            raise connection_failure(error) from None
        if answer.status_code in _THROTTLED:
            self._throttle.refused(host, retry_after(answer.headers.get("Retry-After"), time.time()))
        elif not answer.is_error:
            self._throttle.served(host)
        return answer

    def _pool(self) -> httpx2.Client:
        """Return the connections of this process: a fork that used its parent's would mix up their answers."""
        process = os.getpid()
        if process not in self._pools:
            self._pools[process] = _connection_pool()
        return self._pools[process]

    def _redirect_target(self, what: str, url: str, answer: httpx2.Response) -> str:
        """Return where an answer redirects to, after checking that it may."""
        try:
            target = urljoin(url, answer.headers["Location"])
            scheme, host = urlsplit(target).scheme, host_of(target)
            httpx2.URL(target)
        except (ValueError, httpx2.InvalidURL) as error:
            raise InputError(f"{what}: redirects to an invalid address; use another one") from error
        if scheme not in ("https", urlsplit(url).scheme):
            raise InputError(
                f"{what}: redirects from {urlsplit(url).scheme} to {scheme}; use an address that does not"
            )
        if not self._allowed.allows(host):
            raise InputError(
                f"{what}: redirects to the host {host}, which the recipe does not name; if you trust it, add it "
                "to `hosts` of the input"
            )
        return target


def _connection_pool() -> httpx2.Client:
    agent = {"User-Agent": f"corpusmill/{metadata.version('corpusmill')}"}
    try:
        return httpx2.Client(headers=agent, limits=httpx2.Limits(keepalive_expiry=IDLE_S))
    except (
        ImportError,
        OSError,
        ValueError,
    ) as error:  # a proxy or a file of certificates that it cannot use
        raise InputError(
            f"no connection can be made ({error}); check the variables HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, "
            "SSL_CERT_FILE and SSL_CERT_DIR"
        ) from error


def _retry_or_give_up(what: str, attempts: Attempts, failure: RetryableError, progress: bool = False) -> None:
    """Wait before the next attempt, or raise an `InputError` if there have been enough."""
    if not attempts.again(failure, progress):
        raise InputError(f"{what}: {failure}, {attempts}; {_GIVEN_UP[failure.cause]}") from failure
