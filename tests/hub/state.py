"""What a Hub for tests holds: repositories with their commits, uploaded content, and the faults it is to have."""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import dataclass, field
from typing import Any


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
