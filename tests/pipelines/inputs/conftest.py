"""A small web server that misbehaves on request, and clients that lose no time over it."""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pipelines.inputs.allowed_hosts import AllowedHosts
from pipelines.inputs.client import Client
from pipelines.inputs.retry import Retry

QUICK = Retry(base_s=0.001, longest_s=0.002)


@dataclass(frozen=True)
class Fault:
    """What is wrong with one answer.

    Attributes:
        status: answer with this status and no body.
        headers: added to the answer, over what is there; None takes one out.
        cut: close the connection after so many bytes of the body.
        reset: with a reset, not an orderly end.
        body: another body, behind a head that knows nothing of it.
        ranges: False = answer with the whole file.
        pause_s: wait before the body.
    """

    status: int | None = None
    headers: tuple[tuple[str, str | None], ...] = ()
    cut: int | None = None
    reset: bool = False
    body: bytes | None = None
    ranges: bool = True
    pause_s: float = 0.0


@dataclass
class Server:
    """Files under paths; `fault` says what is wrong with the n-th request (from 0), or None. Counts connections."""

    port: int = 0
    files: dict[str, bytes] = field(default_factory=dict)
    fault: Callable[[int, str], Fault | None] = lambda n, path: None
    seen: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    connections: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.seen]

    def next_fault(self, path: str, headers: dict[str, str]) -> Fault:
        with self.lock:
            self.seen.append((path, headers))
            return self.fault(len(self.seen) - 1, path) or Fault()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # without this, each answer over a kept connection waits 40 ms
    state: Server

    def setup(self) -> None:
        super().setup()
        with self.state.lock:
            self.state.connections += 1

    def do_GET(self) -> None:
        fault = self.state.next_fault(
            self.path, {name.lower(): value for name, value in self.headers.items()}
        )
        data = self.state.files.get(self.path)
        if fault.status is not None or data is None:
            self._head(fault.status or 404, {"Content-Length": "0", **dict(fault.headers)})
            return
        status, headers, body = answer(data, self.headers.get("Range") if fault.ranges else None)
        self._head(status, {**headers, **dict(fault.headers)})
        self._body(body if fault.body is None else fault.body, fault)

    def _head(self, status: int, headers: dict[str, str | None]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()

    def _body(self, body: bytes, fault: Fault) -> None:
        self.wfile.flush()
        if fault.pause_s:
            threading.Event().wait(fault.pause_s)
        with contextlib.suppress(OSError):  # the client has gone
            self.wfile.write(body if fault.cut is None else body[: fault.cut])
            self.wfile.flush()
        if fault.reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if fault.cut is not None or fault.reset or fault.body is not None:
            self.close_connection = True

    def log_message(self, *args: object) -> None:
        pass


class Quiet(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of connections that a client broke off: that is what it should do."""


def answer(data: bytes, asked: str | None) -> tuple[int, dict[str, str], bytes]:
    """Answer a request for a range of a file as RFC 9110 says."""
    match = re.fullmatch(r"bytes=(\d+)-(\d+)", asked or "")
    headers = {"ETag": f'"{hash_of(data)}"', "Accept-Ranges": "bytes"}
    if match is None:
        return 200, {**headers, "Content-Length": str(len(data))}, data
    first, last = int(match[1]), min(int(match[2]), len(data) - 1)
    if first > last:
        return 416, {**headers, "Content-Range": f"bytes */{len(data)}", "Content-Length": "0"}, b""
    body = data[first : last + 1]
    span = f"bytes {first}-{last}/{len(data)}"
    return 206, {**headers, "Content-Range": span, "Content-Length": str(len(body))}, body


def hash_of(data: bytes) -> str:
    import hashlib

    return hashlib.md5(data, usedforsecurity=False).hexdigest()


@pytest.fixture
def start() -> Iterator[Callable[[], Server]]:
    """Start servers; all end with the test."""
    running = []

    def begin() -> Server:
        state = Server()
        handler = type("Bound", (Handler,), {"state": state})
        web = Quiet(("127.0.0.1", 0), handler)
        web.daemon_threads = True
        state.port = web.server_address[1]
        threading.Thread(target=web.serve_forever, args=(0.02,), daemon=True).start()
        running.append(web)
        return state

    yield begin
    for web in running:
        web.shutdown()
        web.server_close()


@pytest.fixture
def server(start: Callable[[], Server]) -> Server:
    """One server."""
    return start()


@pytest.fixture
def client(server: Server, tmp_path: Path) -> Client:
    """A client that may contact the server only, and pauses for a millisecond."""
    return Client(AllowedHosts(str(tmp_path), (server.host,)), QUICK)


@pytest.fixture
def fault() -> type[Fault]:
    """Describe what is wrong with an answer."""
    return Fault


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let whole runs in this process lose no time over pauses either."""
    monkeypatch.setattr("pipelines.inputs.client.Retry", lambda: QUICK)
    monkeypatch.setattr("pipelines.inputs.throttle.FIRST_INTERVAL_S", 0.0005)
