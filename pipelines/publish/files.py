"""The files of a repository: where each one goes, and which configuration and split read it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

CONFIG_FOLDERS: Final = ("data", "sample", "dropped", "ledger", "shards")
"""Folders of a dataset repository that belong to this program: it removes files there that it did not write."""


@dataclass(frozen=True)
class RepoFile:
    """One file of a repository.

    Attributes:
        path: in the repository.
        content: path on this disk, or the bytes.
        size: in bytes.
        sha256: of its content.
        rows: of a table; None for other files.
        memory: bytes of the rows in Arrow's memory layout, as dataset cards state them.
        config: configuration that reads it; None = no configuration does.
        split: ``train`` or ``validation``.
    """

    path: str
    content: Path | bytes
    size: int
    sha256: str
    rows: int | None = None
    memory: int = 0
    config: str | None = None
    split: str | None = None

    def git_oid(self) -> str:
        """Return git's name for this content, by which the Hub identifies files outside its large storage."""
        data = self.content if isinstance(self.content, bytes) else self.content.read_bytes()
        return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def text_file(path: str, text: str) -> RepoFile:
    """Return a file with a text as its content."""
    data = text.encode()
    return RepoFile(path, data, len(data), hashlib.sha256(data).hexdigest())


def numbered(split: str, ordinal: int, files: int) -> str:
    """Return the name of the n-th file of a split, from 0, as the Hub's readers expect it."""
    return f"{split}-{ordinal:05d}-of-{files:05d}.parquet"


def configs(files: Sequence[RepoFile]) -> dict[str, dict[str, list[RepoFile]]]:
    """Return the files by configuration and split, in order."""
    found: dict[str, dict[str, list[RepoFile]]] = {}
    for file in files:
        if file.config is not None and file.split is not None:
            found.setdefault(file.config, {}).setdefault(file.split, []).append(file)
    return found
