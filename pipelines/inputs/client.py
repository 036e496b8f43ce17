"""HTTP as it should be treated: tried again with patience, held to what was listed, kept on the hosts named."""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import responses
from importlib import metadata
from typing import TypeVar
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

from pipelines.errors import InputError
from pipelines.inputs.access import Access, Patience
from pipelines.inputs.address import Address, Pin, host_of
from pipelines.inputs.attempts import Again, Attempts, Kind, failure_of, retry_after
from pipelines.inputs.signing import credentials
from pipelines.inputs.throttle import Throttle

T = TypeVar("T")

CONNECT_S, SILENCE_S = 10.0, 60.0
# A connection slower than this for so long is given up for a new one.
SLOW_BYTES_PER_S, SLOW_S = 1 << 10, 120.0
PIECE_BYTES = 1 << 16
REDIRECTS = 5

_MOVED = (301, 302, 303, 307, 308)
_THROTTLED = (403, 429, 503)
_PASSING = (408, 425, 429, 500, 502, 503, 504)
_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})")
_CHANGED = (
    "it is not what was listed when the run began ({was}; now {now}); restore it, or remove work/remote in the "
    "run folder to list again and read what is there now"
)


class Client:
    """Asks for remote files within the reach of a run. One instance serves all threads of a process.

    Args:
        access: which hosts may be contacted, and where their pace is shared.
        patience: how often to try again.
        sleep: waits for seconds.
        chance: a number from 0 to below 1 for the length of pauses; it never touches data.
    """

    def __init__(
        self,
        access: Access,
        patience: Patience | None = None,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._access = access
        self._patience = patience or Patience()
        self._sleep = sleep
        self._chance = chance
        self._throttle = Throttle(access.folder)
        self._local = threading.local()

    def pin(self, address: Address) -> Pin:
        """Return what a file is now: its length and its version.

        The first byte is asked for, not ``HEAD``: it shows as well whether ranges are answered.

        Raises:
            InputError: it is not there, may not be read, or cannot be reached.
        """
        return self._persist(address.text, lambda: self._pin_once(address))

    def read(self, address: Address, pin: Pin, start: int, stop: int) -> bytes:
        """Return the bytes of a range, all of them.

        Raises:
            InputError: the file is not what `pin` says, or cannot be reached.
        """
        data = bytearray()
        what = f"{address.text}: bytes {start} to {stop}"
        attempts = Attempts(what, self._patience, self._sleep, self._chance)
        while start + len(data) < stop:
            before = len(data)
            try:
                self._receive(address, pin, start, stop, data)
            except Again as again:
                attempts.failed(again, progress=len(data) > before)
        return bytes(data)

    def get(self, what: str, scheme: str, url: str, most: int) -> tuple[bytes, str | None]:
        """Return a document that is made on request, a page of a listing, and the URL of the next page.

        Args:
            what: how a message calls it.
            scheme: whose credentials to send.
            url: where it is.
            most: bytes it may have.

        Raises:
            InputError: it is not there, is longer, or cannot be reached.
        """
        return self._persist(what, lambda: self._get_once(what, scheme, url, most))

    def _persist(self, what: str, once: Callable[[], T]) -> T:
        attempts = Attempts(what, self._patience, self._sleep, self._chance)
        while True:
            try:
                return once()
            except Again as again:
                attempts.failed(again)

    def _pin_once(self, address: Address) -> Pin:
        with self._open(address.text, address.scheme, address.url(), {"Range": "bytes=0-0"}) as answer:
            if answer.status_code == 416:  # nothing has a byte 0 but a file without bytes
                return Pin(0, _version(answer))
            self._judge(address.text, answer)
            total = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
            length = answer.headers.get("Content-Length", "")
            if answer.status_code == 206 and total:
                return Pin(int(total[3]), _version(answer))
            if answer.status_code == 200 and length.isdigit():
                return Pin(int(length), _version(answer))
            raise InputError(f"{address.text}: the server does not say how long the file is; fetch it whole")

    def _receive(self, address: Address, pin: Pin, start: int, stop: int, data: bytearray) -> None:
        """Append to `data`, which begins at byte `start`, what one request brings."""
        first = start + len(data)
        ask = {"Range": f"bytes={first}-{stop - 1}"}
        with self._open(address.text, address.scheme, address.url(), ask) as answer:
            if answer.status_code == 416:
                now = answer.headers.get("Content-Range", "").rpartition("/")[2] or "fewer"
                raise _changed(address, f"{pin.size} bytes", f"{now}")
            # It could be read when it was listed, so a 403 now is a host that has had enough.
            self._judge(address.text, answer, forbidden="tries")
            end = _end_of_range(address, pin, answer, first, stop)
            if pin.version != (version := _version(answer)):
                raise _changed(address, pin.version or "without a version", version or "without one")
            for piece in _pieces(answer):
                data += piece
                if start + len(data) > end:
                    raise InputError(
                        f"{address.text}: the server sends more bytes than it says; fetch it whole"
                    )
        if start + len(data) < end:
            raise Again(f"the connection ended at byte {start + len(data)}")

    def _get_once(self, what: str, scheme: str, url: str, most: int) -> tuple[bytes, str | None]:
        with self._open(what, scheme, url, {}) as answer:
            self._judge(what, answer)
            data = bytearray()
            for piece in _pieces(answer):
                data += piece
                if len(data) > most:
                    raise InputError(f"{what}: the answer has more than {most} bytes")
            length = answer.headers.get("Content-Length", "")
            if length.isdigit() and int(length) != len(data):
                raise Again(f"the connection ended after {len(data)} of {length} bytes")
            following = answer.links.get("next", {}).get("url")
            return bytes(data), urljoin(url, following) if following else None

    @contextmanager
    def _open(self, what: str, scheme: str, url: str, headers: dict[str, str]) -> Iterator[requests.Response]:
        """Send a GET request when it is its turn; follow redirects as far as they may go."""
        # Google decodes what is stored as gzip, and answers no ranges then, unless gzip is welcome.
        headers = {**headers, "Accept-Encoding": "gzip" if scheme == "gs" else "identity"}
        secret = credentials(scheme, url, {k: v for k, v in headers.items() if k == "Range"})
        for _ in range(REDIRECTS + 1):
            answer = self._send(what, url, {**headers, **secret})
            try:
                if answer.status_code not in _MOVED or "Location" not in answer.headers:
                    yield answer
                    return
                target = urljoin(url, answer.headers["Location"])
                self._check_redirect(what, url, target)
                if host_of(target) != host_of(url):
                    secret = {}
                url = target
            finally:
                answer.close()
        raise InputError(f"{what}: more than {REDIRECTS} redirects; name the final address")

    def _send(self, what: str, url: str, headers: dict[str, str]) -> requests.Response:
        host = host_of(url)
        if not self._access.allows(host):
            raise InputError(
                f"{what}: the host {host} is not named in the recipe; add it to `hosts` of the input"
            )
        if wait := self._throttle.reserve(host):
            self._sleep(wait)
        try:
            answer = self._session().get(
                url, headers=headers, stream=True, allow_redirects=False, timeout=(CONNECT_S, SILENCE_S)
            )
        except requests.RequestException as error:
            raise failure_of(error) from None
        if answer.status_code in _THROTTLED:
            self._throttle.refused(host, retry_after(answer.headers.get("Retry-After"), time.time()))
        elif answer.ok:
            self._throttle.served(host)
        return answer

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = requests.Session()
            session.headers["User-Agent"] = f"corpusmill/{metadata.version('corpusmill')}"
            session.auth = _no_netrc
        return session

    def _check_redirect(self, what: str, url: str, target: str) -> None:
        if urlsplit(target).scheme not in ("https", urlsplit(url).scheme):
            raise InputError(f"{what}: redirects from https to http; name an address that does not")
        if not self._access.allows(host_of(target)):
            raise InputError(
                f"{what}: redirects to the host {host_of(target)}, which the recipe does not name; if you trust "
                "it, add it to `hosts` of the input"
            )

    def _judge(self, what: str, answer: requests.Response, forbidden: Kind = "forbidden_tries") -> None:
        """Let good answers pass; raise `Again` for those that may pass, `InputError` for the others."""
        status = answer.status_code
        if answer.ok and status not in _MOVED:
            return
        said = f"the server answers {status} {responses.get(status, '')}".rstrip()
        wait = retry_after(answer.headers.get("Retry-After"), time.time())
        if status in _PASSING:
            raise Again(said, wait_s=wait)
        region = answer.headers.get("x-amz-bucket-region")
        if region and (status in _MOVED or status == 400):
            raise InputError(f"{what}: {said}; the bucket is in another region, set AWS_REGION={region}")
        if status == 403:
            raise Again(said, forbidden, wait)
        advice = {
            401: "it needs credentials, which come from the environment",
            404: "there is no such file; correct the address",
            410: "the file is gone; take it out of inputs",
        }
        raise InputError(f"{what}: {said}; {advice.get(status, 'correct the address, or fetch it whole')}")


def _no_netrc(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keep `requests` from sending what ~/.netrc holds."""
    return request


def _version(answer: requests.Response) -> str:
    return answer.headers.get("ETag") or answer.headers.get("Last-Modified") or ""


def _changed(address: Address, was: str, now: str) -> InputError:
    return InputError(f"{address.text}: {_CHANGED.format(was=was, now=now)}")


def _end_of_range(address: Address, pin: Pin, answer: requests.Response, first: int, stop: int) -> int:
    """Return where the bytes of an answer end in the file, after checking all that its head says."""
    length = answer.headers.get("Content-Length", "")
    if answer.status_code == 200:
        if length.isdigit() and int(length) != pin.size:
            raise _changed(address, f"{pin.size} bytes", f"{length} bytes")
        if first != 0 or stop != pin.size:
            raise InputError(f"{address.text}: the server does not answer byte ranges; fetch the file whole")
        return stop
    span = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
    if answer.status_code != 206 or span is None:
        raise InputError(f"{address.text}: the server answers a byte range with {answer.status_code}")
    if int(span[3]) != pin.size:
        raise _changed(address, f"{pin.size} bytes", f"{span[3]} bytes")
    end = int(span[2]) + 1
    if int(span[1]) != first or not first < end <= stop or (length.isdigit() and int(length) != end - first):
        raise InputError(
            f"{address.text}: asked for bytes {first} to {stop}, the server says it sends {span[1]} to {end} in "
            f"{length or 'any number of'} bytes; fetch the file whole"
        )
    return end


def _pieces(answer: requests.Response) -> Iterator[bytes]:
    """Yield the body as it comes, not decoded; `Again` where it breaks off or crawls."""
    began, received = time.monotonic(), 0
    try:
        while piece := answer.raw.read(PIECE_BYTES, decode_content=False):
            received += len(piece)
            yield piece
            seconds = time.monotonic() - began
            if seconds > SLOW_S and received < SLOW_BYTES_PER_S * seconds:
                raise Again(f"only {received} bytes came in {seconds:.0f} s")
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise failure_of(error) from None
