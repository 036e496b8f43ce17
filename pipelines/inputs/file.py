"""Input files, and the listings that find files over the network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pipelines.inputs.address import Pin

if TYPE_CHECKING:
    from pipelines.inputs.client import Client

RecipeKeys = Mapping[str, str | int | None]
"""Keys of a recipe with their values."""


@dataclass(frozen=True)
class InputFile:
    """One file of an input.

    Attributes:
        path: of a local file; the address, as text, of a remote one.
        name: path relative to the literal prefix of its pattern; the ``file`` column of every output.
        pin: version of a remote file when it was listed; None before, and for a local file.
    """

    path: Path | str
    name: str
    pin: Pin | None = None


@dataclass(frozen=True)
class Listed:
    """The result of a listing.

    Attributes:
        files: the files, with a pin if the listing states length and version.
        facts: the identity of the listing: its address and sha256, or a commit.
    """

    files: tuple[InputFile, ...]
    facts: Mapping[str, str]


class Listing(Protocol):
    """Files that are found over the network: a frozen dataclass. A run expands it once (`stages.extract.pins`)."""

    def hosts(self) -> tuple[str, ...]:
        """Return the hosts to contact."""
        ...

    def keys(self) -> RecipeKeys:
        """Return the recipe keys that it was made from; empty for a path."""
        ...

    def expand(self, client: Client) -> Listed:
        """Find the files."""
        ...
