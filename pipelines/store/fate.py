"""The fate of a record: what became of it, and which step and reason decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, cast, get_args

Decision = Literal["kept", "dropped", "error", "removed", "unknown"]
"""``removed``: a duplicate. ``unknown``: under other limits, a record that later steps have not measured."""

KEPT: Final = "kept"
DROPPED: Final = "dropped"
ERROR: Final = "error"
REMOVED: Final = "removed"
UNKNOWN: Final = "unknown"

FATE_SQL: Final = "CASE WHEN decision = 'kept' THEN 'kept' ELSE decision || ' ' || step || '.' || reason END"
"""``str(Fate(decision, step, reason))`` of a row of the ledger, as an SQL expression."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a record. Its text is the name under which such records are counted.

    Attributes:
        decision: what became of it.
        step: that decided; None for kept and unknown records and for duplicates.
        reason: why; of a duplicate, how it was found.

    >>> str(Fate("dropped", "c4", "curly_bracket")), str(Fate("kept")), str(Fate("removed", None, "exact"))
    ('dropped c4.curly_bracket', 'kept', 'removed exact')
    """

    decision: Decision
    step: str | None = None
    reason: str | None = None

    def __str__(self) -> str:
        return f"{self.decision} {self.name}" if self.reason else self.decision

    @property
    def name(self) -> str:
        """``step.reason``, or what there is of it."""
        return ".".join(part for part in (self.step, self.reason) if part)

    @classmethod
    def parse(cls, text: str) -> Fate:
        """Return the fate with this text.

        Raises:
            ValueError: there is no such decision.

        >>> Fate.parse("error my.rules:Mine.crash")
        Fate(decision='error', step='my.rules:Mine', reason='crash')
        """
        decision, _, name = text.partition(" ")
        if decision not in get_args(Decision):
            raise ValueError(f"{text!r} is not the fate of a record")
        step, _, reason = name.rpartition(".")
        return cls(cast("Decision", decision), step or None, reason or None)


def fates(records: Mapping[str, int], decision: Decision) -> dict[Fate, int]:
    """Return the fates of one decision with their counts, largest first.

    Args:
        records: counts of a stage by the text of the fate; the key ``seen`` is their sum.
        decision: such as ``dropped``.
    """
    counts = {Fate.parse(name): number for name, number in records.items() if name != "seen"}
    found = {fate: number for fate, number in counts.items() if fate.decision == decision}
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0].name)))


def total(records: Mapping[str, int], decision: Decision) -> int:
    """Return how many records of a stage have a decision."""
    return sum(fates(records, decision).values())
