"""Checks of HTTP answers: their status, the version and the range of a file, and how their bytes arrive."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator, Mapping
from http.client import responses
from typing import Final

import httpx2

from pipelines.errors import InputError
from pipelines.inputs.address import Address, Pin
from pipelines.inputs.retry import RETRYABLE_STATUS, Cause, RetryableError, retry_after

SLOW_BYTES_PER_S, SLOW_S = 1 << 10, 120.0
"""A connection slower than this for so many seconds is closed, and the rest is read over a new one."""
SHORT_BYTES: Final = 1 << 16
"""A body up to this is read even if nobody needs it, because a new connection would cost more."""

_RANGE: Final = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})")
"""A ``Content-Range`` header: first byte, last byte, length of the file."""

_REFUSED: Final[Mapping[int, str]] = {
    401: "set credentials in the environment",
    404: "there is no such file; correct the address",
    410: "the file is gone; remove it from inputs",
}
_CHANGED: Final = (
    "the file has changed since the run listed it ({was}; now {now}); restore it, or remove work/remote in the "
    "run folder to list again and read the file as it is now"
)


def connection_failure(error: httpx2.RequestError) -> RetryableError:
    """Return a failed connection in our words; its own words could hold a signed address."""
    origin: BaseException = error
    while (deeper := origin.__cause__ or origin.__context__) is not None:
        origin = deeper
    if isinstance(origin, socket.gaierror):
        return RetryableError("the host's address cannot be found", "unknown_host")
    if isinstance(error, httpx2.TimeoutException):
        return RetryableError("the server stopped answering")
    if isinstance(origin, OSError) and origin.strerror:
        return RetryableError(f"the connection failed ({origin.strerror})")
    return RetryableError(f"the connection broke ({type(error).__name__})")


def check_status(what: str, answer: httpx2.Response, forbidden: Cause = "forbidden") -> None:
    """Check that the server gives what it was asked for.

    Args:
        what: its name in messages.
        answer: of the server.
        forbidden: the limit that an answer 403 counts against.

    Raises:
        RetryableError: a later answer may be a good one.
        InputError: it may not.
    """
    status = answer.status_code
    if answer.is_success:
        return
    said = f"the server answers {status} {responses.get(status, '')}".rstrip()
    wait = retry_after(answer.headers.get("Retry-After"), time.time())
    if status in RETRYABLE_STATUS:
        raise RetryableError(said, wait_s=wait)
    region = answer.headers.get("x-amz-bucket-region")
    if region and (answer.is_redirect or status == 400):
        raise InputError(f"{what}: {said}; the bucket is in another region, set AWS_REGION={region}")
    if status == 403:
        raise RetryableError(said, forbidden, wait)
    raise InputError(
        f"{what}: {said}; {_REFUSED.get(status, 'correct the address, or download the file first')}"
    )


def version_of(answer: httpx2.Response) -> str:
    """Return the version of the file that an answer is from; empty if the server does not state it."""
    return answer.headers.get("ETag") or answer.headers.get("Last-Modified") or ""


def file_size(address: Address, answer: httpx2.Response) -> int:
    """Return the bytes of the whole file that an answer is from.

    Raises:
        InputError: the server does not state them.
    """
    total = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
    length = answer.headers.get("Content-Length", "")
    if answer.status_code == 206 and total:
        return int(total[3])
    if answer.status_code == 200 and length.isdigit():
        return int(length)
    raise InputError(f"{address.text}: the server does not give the length of the file; download it first")


def changed(address: Address, was: str, now: str) -> InputError:
    """Return the error of a file whose size or version is not the pinned one."""
    return InputError(f"{address.text}: {_CHANGED.format(was=was, now=now)}")


def end_of_range(address: Address, pin: Pin, answer: httpx2.Response, first: int, stop: int) -> int:
    """Return where the bytes of an answer end in the file, after checking its headers.

    Args:
        address: of the file.
        pin: its version when it was listed.
        answer: to the request for the bytes from `first` to before `stop`.
        first: offset of the first byte.
        stop: offset after the last byte.

    Raises:
        InputError: the file has changed, or the answer is not to this request.
    """
    length = answer.headers.get("Content-Length", "")
    if answer.status_code == 200:
        if length.isdigit() and int(length) != pin.size:
            raise changed(address, f"{pin.size} bytes", f"{length} bytes")
        if first != 0 or stop != pin.size:
            raise InputError(
                f"{address.text}: the server does not answer byte ranges; download the file first"
            )
        return stop
    span = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
    if answer.status_code != 206 or span is None:
        raise InputError(f"{address.text}: the server answers a byte range with {answer.status_code}")
    if int(span[3]) != pin.size:
        raise changed(address, f"{pin.size} bytes", f"{span[3]} bytes")
    end = int(span[2]) + 1
    if int(span[1]) != first or not first < end <= stop or (length.isdigit() and int(length) != end - first):
        raise InputError(
            f"{address.text}: asked for bytes {first} to {stop}, the server announces {span[1]} to {end} in "
            f"{length or 'any number of'} bytes; download the file first"
        )
    return end


def discard(answer: httpx2.Response) -> None:
    """Read a short body that nobody needs, so that its connection serves the next request.

    Each pin has one, and each range from the Hub, which redirects it.
    """
    length = answer.headers.get("Content-Length", "")
    if length.isdigit() and int(length) <= SHORT_BYTES:
        for _ in body(answer):
            pass


def body(answer: httpx2.Response) -> Iterator[bytes]:
    """Yield the body as it comes, not decompressed.

    Raises:
        RetryableError: the connection broke, or is too slow.
    """
    began, received = time.monotonic(), 0
    try:
        for piece in answer.iter_raw():
            received += len(piece)
            yield piece
            seconds = time.monotonic() - began
            if seconds > SLOW_S and received < SLOW_BYTES_PER_S * seconds:
                raise RetryableError(f"only {received} bytes came in {seconds:.0f} s")
    except httpx2.RequestError as error:
        raise connection_failure(error) from None
