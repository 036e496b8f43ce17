"""Why a step drops a document: every reason of the built-in steps, each with its meaning in a few words.

The meanings stand beside the rules, in the `Check`s of each step. An own step may leave them out; then the reason's
name says it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from filters.step import Step, find_step, step_names


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason and its meaning.

    Attributes:
        step: key of the step that gives it; ``any step`` for `EXCEPTION`.
        name: the word in the ledger: ``too_few_words``.
        outcome: what the document becomes.
        meaning: for people, without a full stop.
    """

    step: str
    name: str
    outcome: Literal["dropped", "error"]
    meaning: str


EXCEPTION: Final = Reason("any step", "exception", "error", "the step raised an exception at this document")
"""See `filters.judge.judge`."""


def reasons() -> tuple[Reason, ...]:
    """Return the reasons of all built-in steps: by the step's key, then in the order of its checks."""
    found = [reason for key in step_names() for reason in reasons_of(key, find_step(key))]
    return (*found, EXCEPTION)


def reasons_of(key: str, step: type[Step]) -> tuple[Reason, ...]:
    """Return the reasons of one step, built-in or own.

    >>> from filters.length import Length
    >>> reasons_of("length", Length)[0].meaning
    'fewer characters than `min_characters`'
    """
    return tuple(
        Reason(key, check.reason, "dropped", check.meaning or check.reason.replace("_", " "))
        for check in step.CHECKS
    )
