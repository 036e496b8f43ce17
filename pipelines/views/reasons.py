"""Every reason that decides about a record, and its meaning: of reading, extraction, the steps and dedup."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from filters.reasons import EXCEPTION
from filters.reasons import reasons as reasons_of_steps
from pipelines.readers.reasons import REASONS
from pipelines.store.fate import Fate
from pipelines.views.report.steps import RunStep
from pipelines.views.run_tables import EMPTIED


@dataclass(frozen=True)
class Reason:
    """One reason.

    Attributes:
        step: who gives it: ``read``, ``extract``, a step's recipe key, ``any step``, ``filter`` or ``dedup``.
        name: the word in the tables.
        outcome: ``dropped``, ``error`` or ``removed`` of records, ``damaged`` of bytes that hold no record.
        meaning: in one line.
    """

    step: str
    name: str
    outcome: str
    meaning: str


_OF_FILTER: Final = (Reason("filter", "crash", "error", "the worker process died at this record, twice"),)

_OF_DEDUP: Final = (
    Reason("dedup", "exact", "removed", "its text is equal to that of a kept document"),
    Reason("dedup", "url", "removed", "its URL is that of a kept document"),
    Reason(
        "dedup",
        "minhash",
        "removed",
        "its text is as similar to that of a kept document as `dedup.minhash` says",
    ),
    *(Reason("dedup", layer, "removed", f"it has only {what}") for layer, what in EMPTIED.items()),
)


def reasons() -> tuple[Reason, ...]:
    """Return all reasons, in the order in which the stages give them."""
    steps = [Reason(one.step, one.name, one.outcome, one.meaning) for one in reasons_of_steps()]
    return (*_of_reading(), *steps, *_OF_FILTER, *_OF_DEDUP)


def _of_reading() -> list[Reason]:
    return [Reason(one.step, one.name, one.outcome, one.meaning) for one in REASONS]


def meaning(fate: Fate, step: RunStep | None = None) -> str:
    """Return what a reason means; empty where nobody says.

    Args:
        fate: a fate with that reason.
        step: the step of the run that gave it; None = it was not one of its steps.
    """
    check = step.check(fate.reason or "") if step is not None else None
    if check is not None:
        return check.meaning
    if step is not None and fate.reason == EXCEPTION.name:
        return EXCEPTION.meaning
    return _meanings().get((fate.step or "dedup", fate.reason, fate.decision), "")


@functools.cache
def _meanings() -> Mapping[tuple[str, str | None, str], str]:
    found = (*_of_reading(), *_OF_FILTER, *_OF_DEDUP)
    return {(reason.step, reason.name, reason.outcome): reason.meaning for reason in found}
