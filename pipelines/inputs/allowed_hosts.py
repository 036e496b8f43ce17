"""The hosts that a run may contact, and nothing else on the network."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FOLDER: Final = "work/remote"
"""Folder of a run for the facts about remote files: listings, pins, units, and the pace of each host."""


@dataclass(frozen=True, slots=True)
class AllowedHosts:
    """The allow-list of one run; it travels to every worker.

    Attributes:
        root: the run folder, whose ``work/remote/`` the processes of a run share.
        hosts: hosts with ports; ``*.example.org`` stands for all hosts below it.
    """

    root: str = ""
    hosts: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """Return the folder for the facts about remote files."""
        return Path(self.root) / FOLDER

    def allows(self, host: str) -> bool:
        """Return True if a host may be contacted.

        >>> AllowedHosts("", ("*.hf.co",)).allows("cdn.hf.co"), AllowedHosts("", ("hf.co",)).allows("cdn.hf.co")
        (True, False)
        """
        return any(host == known or (known[:2] == "*." and host.endswith(known[1:])) for known in self.hosts)


NO_HOSTS: Final = AllowedHosts()
"""Local files only."""


def merge_hosts(*groups: Iterable[str]) -> tuple[str, ...]:
    """Return all hosts, sorted, each once."""
    return tuple(sorted({host for group in groups for host in group}))
