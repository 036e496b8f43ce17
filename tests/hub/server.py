"""A Hub on this machine for tests: the endpoints that the clients use, strict, with faults on demand.

It refuses what the real one refuses: content whose hash or size is not what was announced, commits on a branch that
has moved or with files that were never uploaded, unknown repositories, revisions and files, a card whose front matter
is not YAML, strangers. It keeps everything in memory.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.hub.endpoints import answer
from tests.hub.state import Hub, RefusalError

TOKEN = "hf_token_of_the_owner"
_RESOLVE = re.compile(
    r"/(?P<kind>datasets/)?(?P<name>[\w.-]+/[\w.-]+)/resolve/(?P<revision>[^/]+)/(?P<path>.+)"
)


class _CutError(Exception):
    """The connection ends here."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # without this, each answer waits 40 ms
    hub: Hub

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_PUT = do_HEAD = do_GET  # noqa: N815

    def _serve(self) -> None:
        split = urlsplit(self.path)
        path = "/".join(unquote(part) for part in split.path.split("/"))
        # A branch may have a slash in its name; it travels as %2F and is one part of the path.
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        owner = self.headers.get("Authorization") == f"Bearer {TOKEN}" or path.startswith("/lfs/")
        hub = self.hub
        try:
            with hub.lock:
                ordinal = len(hub.requests)
                hub.requests.append(f"{self.command} {path}")
                if hub.down_from is not None and ordinal >= hub.down_from:
                    raise _CutError
                if hub.first_status is not None and hub.requests.count(hub.requests[-1]) == 1:
                    raise RefusalError(hub.first_status, "try later")
                resolved = _RESOLVE.fullmatch(path)
                if resolved:
                    self._resolve(owner, body=body, **resolved.groupdict())
                    return
                value = answer(hub, self.command, path, parse_qs(split.query), body, owner)
                if ordinal == hub.lose_answer_of:
                    raise _CutError
            self._send(200, json.dumps(value).encode())
        except _CutError:
            self.close_connection = True
        except RefusalError as refused:
            retry = {"Retry-After": "0"} if refused.status == 429 else {}
            code = {"X-Error-Code": refused.code, "X-Error-Message": refused.message} if refused.code else {}
            # A busy gateway answers with a page, not with JSON.
            page = (
                b"<html>busy</html>"
                if refused.status >= 500
                else json.dumps({"error": refused.message}).encode()
            )
            self._send(refused.status, page, {**retry, **code})

    def _resolve(
        self, owner: bool, kind: str | None, name: str, revision: str, path: str, body: bytes
    ) -> None:
        repo = self.hub.repo("datasets" if kind else "models", name, owner)
        oid = repo.resolve(revision)
        entry = repo.commits[oid].get(path)
        if entry is None:
            raise RefusalError(404, f"no file {path}", "EntryNotFound")
        etag = entry.sha256 if entry.large else entry.oid
        headers = {"X-Repo-Commit": oid, "ETag": f'"{etag}"', "Accept-Ranges": "bytes"}
        if entry.large:
            headers |= {"X-Linked-Size": str(len(entry.data)), "X-Linked-ETag": f'"{etag}"'}
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        if not wanted:
            self._send(200, entry.data, headers)
            return
        first, last = int(wanted[1]), min(int(wanted[2] or len(entry.data) - 1), len(entry.data) - 1)
        if first > last:
            raise RefusalError(416, "range")
        headers["Content-Range"] = f"bytes {first}-{last}/{len(entry.data)}"
        self._send(206, entry.data[first : last + 1], headers)

    def _send(self, status: int, data: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def running() -> Iterator[Hub]:
    """Run a Hub on a free port of this machine."""
    hub = Hub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
