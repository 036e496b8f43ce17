"""A Hub on this machine for tests: the endpoints that the clients use, strict, with faults on demand.

It refuses what the real one refuses: content whose hash or size is not what was announced, commits on a branch that
has moved or with files that were never uploaded, unknown repositories, revisions and files, a card whose front matter
is not YAML, strangers. It keeps everything in memory.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import yaml

TOKEN = "hf_token_of_the_owner"
LARGE = re.compile(r"\.(parquet|model|bin)$")


class RefusalError(Exception):
    """An answer other than 200."""

    def __init__(self, status: int, message: str, code: str = "") -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, code


@dataclass(frozen=True)
class Entry:
    """A file of a commit."""

    data: bytes
    large: bool

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def oid(self) -> str:
        data = f"version https://git-lfs\noid sha256:{self.sha256}\n".encode() if self.large else self.data
        return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()

    def described(self, path: str) -> dict[str, Any]:
        large = {"oid": self.sha256, "size": len(self.data), "pointerSize": 134}
        found = {"type": "file", "path": path, "size": len(self.data), "oid": self.oid}
        return {**found, **({"lfs": large} if self.large else {})}


@dataclass
class Repo:
    """One repository: its commits and where its branches point."""

    private: bool
    commits: dict[str, dict[str, Entry]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)

    def commit(self, branch: str, files: dict[str, Entry]) -> str:
        state = json.dumps([self.branches.get(branch), {path: entry.oid for path, entry in files.items()}])
        oid = hashlib.sha1(state.encode()).hexdigest()
        self.commits[oid], self.branches[branch] = files, oid
        return oid

    def resolve(self, revision: str) -> str:
        oid = self.branches.get(revision, revision)
        if oid not in self.commits:
            raise RefusalError(404, f"no revision {revision}", "RevisionNotFound")
        return oid


class Hub:
    """The server's state, and what tests set and read.

    Attributes:
        repos: by (``datasets`` or ``models``, ``user/name``).
        requests: method and path of every request, in order.
        down_from: from this request on, connections are cut before anything is done; None = never.
        lose_answer_of: this request is done, but its answer is cut off.
        first_status: every request is answered with this status the first time; None = it is done.
    """

    def __init__(self) -> None:
        self.repos: dict[tuple[str, str], Repo] = {}
        self.stored: dict[str, bytes] = {}
        self.announced: dict[str, int] = {}
        self.requests: list[str] = []
        self.down_from: int | None = None
        self.lose_answer_of: int | None = None
        self.first_status: int | None = None
        self.url = ""
        self.lock = threading.RLock()

    def forget(self) -> None:
        """Be as new."""
        for state in (self.repos, self.stored, self.announced, self.requests):
            state.clear()

    def commits(self, kind: str, name: str) -> int:
        """How many commits a repository has, the first empty one not counted."""
        return len(self.repos[kind, name].commits) - 1

    def files(self, kind: str, name: str, branch: str = "main") -> dict[str, bytes]:
        """The files of a branch."""
        repo = self.repos[kind, name]
        return {path: entry.data for path, entry in repo.commits[repo.branches[branch]].items()}

    def repo(self, kind: str, name: str, owner: bool) -> Repo:
        found = self.repos.get((kind, name))
        if found is None or (found.private and not owner):
            raise RefusalError(404 if owner else 401, f"no repository {name}", "RepoNotFound")
        return found

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: bytes, owner: bool) -> Any:
        """Do a request; return what to send as JSON."""
        for pattern, verb, do in ROUTES:
            found = re.fullmatch(pattern, path)
            if found and verb == method:
                if verb != "GET" and not owner and "/paths-info/" not in path:
                    raise RefusalError(401, "log in first")
                return do(self, body=body, query=query, owner=owner, **found.groupdict())
        raise RefusalError(404, f"no such endpoint: {method} {path}")


def create(hub: Hub, body: bytes, **_: Any) -> Any:
    asked = json.loads(body)
    kind, name = f"{asked.get('type', 'model')}s", f"{asked['organization']}/{asked['name']}"
    if (kind, name) in hub.repos:
        raise RefusalError(409, "it exists already")
    repo = hub.repos[kind, name] = Repo(private=asked.get("visibility") == "private")
    repo.commit("main", {".gitattributes": Entry(b"*.parquet filter=lfs\n", False)})
    return {"url": f"{hub.url}/{'datasets/' if kind == 'datasets' else ''}{name}"}


def validate_yaml(hub: Hub, body: bytes, **_: Any) -> Any:
    content = json.loads(body)["content"]
    found = re.match(r"---\n(.*?)\n---\n", content, flags=re.DOTALL)
    try:
        front = yaml.safe_load(found[1]) if found else {}
    except yaml.YAMLError as error:
        raise RefusalError(400, f"front matter: {error}") from error
    if not isinstance(front, dict) or not isinstance(front.get("license", ""), str):
        raise RefusalError(400, "front matter is no mapping, or its license is no string")
    for language in front.get("language", []):
        if not re.fullmatch(r"[a-z]{2,3}", str(language)):
            raise RefusalError(400, f"language {language!r} is no ISO 639 code")
    return {"errors": [], "warnings": []}


def info(hub: Hub, kind: str, name: str, owner: bool, revision: str = "main", **_: Any) -> Any:
    repo = hub.repo(kind, name, owner)
    oid = repo.resolve(revision)
    siblings = [{"rfilename": path} for path in repo.commits[oid]]
    return {"id": name, "sha": oid, "private": repo.private, "siblings": siblings, "tags": [], "downloads": 0}


def branch(hub: Hub, kind: str, name: str, owner: bool, revision: str, **_: Any) -> Any:
    repo = hub.repo(kind, name, owner)
    if revision in repo.branches:
        raise RefusalError(409, "the branch exists already")
    repo.branches[revision] = repo.branches["main"]
    return {}


def settings(hub: Hub, kind: str, name: str, owner: bool, body: bytes, **_: Any) -> Any:
    hub.repo(kind, name, owner).private = json.loads(body)["visibility"] == "private"
    return {}


def preupload(hub: Hub, kind: str, name: str, owner: bool, revision: str, body: bytes, **_: Any) -> Any:
    repo = hub.repo(kind, name, owner)
    there = repo.commits[repo.resolve(revision)]
    return {
        "files": [
            {
                "path": file["path"],
                "uploadMode": "lfs" if LARGE.search(file["path"]) or file["size"] > 10 << 20 else "regular",
                "shouldIgnore": False,
                "oid": there[file["path"]].oid if file["path"] in there else None,
            }
            for file in json.loads(body)["files"]
        ]
    }


def lfs_batch(hub: Hub, kind: str | None, name: str, owner: bool, body: bytes, **_: Any) -> Any:
    hub.repo("datasets" if kind else "models", name, owner)
    objects = []
    for asked in json.loads(body)["objects"]:
        oid, size = asked["oid"], asked["size"]
        if len(hub.stored.get(oid, b"")) == size and oid in hub.stored:
            objects.append({"oid": oid, "size": size})
            continue
        hub.announced[oid] = size
        upload, verify = {"href": f"{hub.url}/lfs/{oid}"}, {"href": f"{hub.url}/lfs-verify"}
        objects.append({"oid": oid, "size": size, "actions": {"upload": upload, "verify": verify}})
    return {"transfer": "basic", "objects": objects}


def lfs_put(hub: Hub, oid: str, body: bytes, **_: Any) -> Any:
    if hub.announced.get(oid) != len(body):
        raise RefusalError(400, f"{len(body)} bytes, announced were {hub.announced.get(oid)}")
    if hashlib.sha256(body).hexdigest() != oid:
        raise RefusalError(400, "the content has another sha256 than announced")
    hub.stored[oid] = body
    return {}


def lfs_verify(hub: Hub, body: bytes, **_: Any) -> Any:
    asked = json.loads(body)
    if len(hub.stored.get(asked["oid"], b"")) != asked["size"]:
        raise RefusalError(404, "was not uploaded")
    return {}


def commit(hub: Hub, kind: str, name: str, owner: bool, revision: str, body: bytes, **_: Any) -> Any:
    repo = hub.repo(kind, name, owner)
    if revision not in repo.branches:
        raise RefusalError(404, f"no branch {revision}", "RevisionNotFound")
    head, *operations = [json.loads(line) for line in body.splitlines()]
    parent = head["value"].get("parentCommit")
    if parent is not None and parent != repo.branches[revision]:
        raise RefusalError(412, f"{revision} has moved to {repo.branches[revision]}")
    files = dict(repo.commits[repo.branches[revision]])
    for operation in operations:
        value = operation["value"]
        path = value["path"]
        if path.startswith("/") or ".." in path.split("/") or "\\" in path:
            raise RefusalError(400, f"path {path!r}")
        if operation["key"] == "file":
            files[path] = Entry(base64.b64decode(value["content"], validate=True), False)
        elif operation["key"] == "lfsFile":
            if len(hub.stored.get(value["oid"], b"")) != value["size"]:
                raise RefusalError(
                    400, f"{path}: content {value['oid']} of {value['size']} bytes was not uploaded"
                )
            files[path] = Entry(hub.stored[value["oid"]], True)
        elif files.pop(path, None) is None:
            raise RefusalError(404, f"{path}: A file with this name doesn't exist", "EntryNotFound")
    oid = repo.commit(revision, files)
    return {"success": True, "commitOid": oid, "commitUrl": f"{hub.url}/{name}/commit/{oid}"}


def tree(
    hub: Hub,
    kind: str,
    name: str,
    owner: bool,
    revision: str,
    query: dict[str, list[str]],
    path: str = "",
    **_: Any,
) -> Any:
    repo = hub.repo(kind, name, owner)
    files = repo.commits[repo.resolve(revision)]
    prefix = f"{path}/" if path else ""
    below = {name: entry for name, entry in files.items() if name.startswith(prefix)}
    if path and not below:
        raise RefusalError(404, f"no folder {path}", "EntryNotFound")
    folders: dict[str, None] = {}
    found = []
    deep = query.get("recursive", ["false"])[0].lower() in ("true", "1")
    for file, entry in below.items():
        parts = file.removeprefix(prefix).split("/")
        folders |= {
            prefix + "/".join(parts[: n + 1]): None for n in range(len(parts) - 1 if deep else len(parts) > 1)
        }
        if deep or len(parts) == 1:
            found.append(entry.described(file))
    listed = [{"type": "directory", "path": name, "size": 0, "oid": "0" * 40} for name in folders]
    return sorted([*found, *listed], key=lambda item: str(item["path"]))


def paths_info(hub: Hub, kind: str, name: str, owner: bool, revision: str, body: bytes, **_: Any) -> Any:
    repo = hub.repo(kind, name, owner)
    files = repo.commits[repo.resolve(revision)]
    asked = parse_qs(body.decode())["paths"] if body[:1] != b"{" else json.loads(body)["paths"]
    found = [files[path].described(path) for path in asked if path in files]
    folders = [path for path in asked if any(name.startswith(f"{path}/") for name in files)]
    return found + [{"type": "directory", "path": path, "size": 0, "oid": "0" * 40} for path in folders]


_REPO = r"(?P<kind>datasets|models)/(?P<name>[\w.-]+/[\w.-]+)"
ROUTES: tuple[tuple[str, str, Any], ...] = (
    (r"/api/repos/create", "POST", create),
    (r"/api/validate-yaml", "POST", validate_yaml),
    (rf"/api/{_REPO}", "GET", info),
    (rf"/api/{_REPO}/revision/(?P<revision>[^/]+)", "GET", info),
    (rf"/api/{_REPO}/branch/(?P<revision>[^/]+)", "POST", branch),
    (rf"/api/{_REPO}/settings", "PUT", settings),
    (rf"/api/{_REPO}/preupload/(?P<revision>[^/]+)", "POST", preupload),
    (rf"/api/{_REPO}/commit/(?P<revision>[^/]+)", "POST", commit),
    (
        rf"/api/{_REPO}/tree/(?P<revision>[^/]+)(/(?P<path>.+))?",
        "GET",
        lambda hub, path=None, **a: tree(hub, path=path or "", **a),
    ),
    (rf"/api/{_REPO}/paths-info/(?P<revision>[^/]+)", "POST", paths_info),
    (r"/(?P<kind>datasets/)?(?P<name>[\w.-]+/[\w.-]+)\.git/info/lfs/objects/batch", "POST", lfs_batch),
    (r"/lfs/(?P<oid>[0-9a-f]{64})", "PUT", lfs_put),
    (r"/lfs-verify", "POST", lfs_verify),
)
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
                answer = hub.answer(self.command, path, parse_qs(split.query), body, owner)
                if ordinal == hub.lose_answer_of:
                    raise _CutError
            self._send(200, json.dumps(answer).encode())
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
