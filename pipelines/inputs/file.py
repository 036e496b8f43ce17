"""Input files: where each one is, and the listings that name files only the network knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pipelines.inputs.address import Pin

if TYPE_CHECKING:
    from pipelines.inputs.client import Client


@dataclass(frozen=True)
class InputFile:
    """One file of an input.

    Attributes:
        path: where it is; the address of a remote file is text.
        name: path relative to the literal prefix of its pattern; the ``file`` column of every output.
        pin: what a remote file was when it was listed; None before.
    """

    path: Path | str
    name: str
    pin: Pin | None = None


@dataclass(frozen=True)
class Listed:
    """What a listing found.

    Attributes:
        files: the files, with a pin where the listing states length and version.
        facts: what identifies the listing: its address and sha256, a commit.
    """

    files: tuple[InputFile, ...]
    facts: Mapping[str, str]


class Listing(Protocol):
    """Files that only the network knows: a frozen dataclass. A run expands it, once (`stages.extract.pins`)."""

    def hosts(self) -> tuple[str, ...]:
        """Return the hosts to contact."""
        ...

    def keys(self) -> dict[str, object]:
        """Return the recipe keys that it was read from; empty for a path."""
        ...

    def expand(self, client: Client) -> Listed:
        """Ask for the files."""
        ...
