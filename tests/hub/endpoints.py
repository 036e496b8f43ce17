"""The endpoints of a Hub for tests, as strict as the real ones."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import Any
from urllib.parse import parse_qs

import yaml

from tests.hub.state import Entry, Hub, RefusalError, Repo

LARGE = re.compile(r"\.(parquet|model|bin)$")


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


def answer(hub: Hub, method: str, path: str, query: dict[str, list[str]], body: bytes, owner: bool) -> Any:
    """Do a request; return what to send as JSON."""
    for pattern, verb, do in ROUTES:
        found = re.fullmatch(pattern, path)
        if found and verb == method:
            if verb != "GET" and not owner and "/paths-info/" not in path:
                raise RefusalError(401, "log in first")
            return do(hub, body=body, query=query, owner=owner, **found.groupdict())
    raise RefusalError(404, f"no such endpoint: {method} {path}")
