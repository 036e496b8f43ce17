"""What a run may reach, and how patient it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

FOLDER = "work/remote"


@dataclass(frozen=True, slots=True)
class Access:
    """The reach of one run.

    Attributes:
        root: the run folder; the paces of hosts are shared through ``work/remote/`` in it.
        hosts: hosts with ports that may be contacted; ``*.example.org`` stands for all below it.
    """

    root: str = ""
    hosts: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """Return where the run keeps what it knows of remote files."""
        return Path(self.root) / FOLDER

    def allows(self, host: str) -> bool:
        """Say whether a host may be contacted.

        >>> Access("", ("*.hf.co",)).allows("cdn.hf.co"), Access("", ("hf.co",)).allows("cdn.hf.co")
        (True, False)
        """
        return any(host == known or (known[:2] == "*." and host.endswith(known[1:])) for known in self.hosts)


NOWHERE = Access()
"""Local files only."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long to try again.

    Attributes:
        tries: answers 5xx, 408 and 429, also 403 for what was readable before, and broken connections in a row,
            without a byte between them.
        forbidden_tries: answers 403 to the first request: a file that is not public, or a host that has had enough.
        unknown_tries: failures to find the host's address.
        failures: of one range in all, with bytes between them.
        base_s: the first pause; each further one is twice as long.
        longest_s: the longest pause.
    """

    tries: int = 9
    forbidden_tries: int = 4
    unknown_tries: int = 3
    failures: int = 500
    base_s: float = 0.5
    longest_s: float = 60.0

    def pause(self, failure: int, random: float) -> float:
        """Return the seconds to wait after the n-th failure in a row, counted from 1.

        Args:
            failure: n.
            random: from 0 to below 1; the upper half of the pause is left to it, so that many do not return at once.

        >>> Patience().pause(1, 0.0), Patience().pause(3, 0.5), Patience().pause(50, 0.0)
        (0.25, 1.5, 30.0)
        """
        most = min(self.longest_s, self.base_s * 2.0 ** min(failure - 1, 30))
        return most * (0.5 + random / 2)


def merge_hosts(*groups: Iterable[str]) -> tuple[str, ...]:
    """Return all hosts, sorted, each once."""
    return tuple(sorted({host for group in groups for host in group}))
