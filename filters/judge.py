"""One document through all steps: what each measured, and which one dropped it, if any."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from filters.document import Document
from filters.language_codes import is_in
from filters.step import Measured, Step, check_result, first_fault
from filters.text import TextView


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the steps found out about a document.

    Attributes:
        document: as the steps left it; for a dropped one, as the dropping step left it.
        step: name of the step that dropped it or failed on it; None = kept.
        reason: why.
        error: class name of the exception, when the step failed.
        message: its text.
        applied: how many of the steps measured it, counted from the first.
        measured: every ``step.measure`` that was measured.
    """

    document: Document
    step: str | None
    reason: str | None
    error: str | None
    message: str
    applied: int
    measured: Measured


Only = Mapping[str, Collection[str]]
"""The languages of those steps, by name, that see documents of some languages only."""


def judge(
    document: Document, steps: Sequence[tuple[str, Step]], full: bool = False, only: Only | None = None
) -> Verdict:
    """Apply steps in order until one drops the document.

    Args:
        document: as extracted.
        steps: (name in the ledger, step).
        full: later steps still measure the text as the dropping step left it; they no longer decide, and
            one that raises only ends the measuring.
        only: a step passes documents of other languages on, unmeasured.

    Returns:
        The verdict. A step that raises makes the document an error of that step and nothing else: one broken
        document, or one broken step of another package, must not end a run.
    """
    view = TextView(document)
    kept_at: TextView | None = None
    fault: tuple[str, str] | None = None
    measured: Measured = {}
    only = only or {}
    applied = 0
    for name, step in steps:
        try:
            if name not in only or is_in(view.language, only[name]):
                changed, found = step.apply(view)
                check_result(step, changed, found)
            else:
                changed, found = view, {}
            view, reason = changed, first_fault(step, found)
        except Exception as error:
            if fault is not None:
                break
            message = f"{type(error).__name__}: {error}"
            kind = type(error).__name__
            return Verdict(view.document, name, "exception", kind, message, applied, measured)
        applied += 1
        measured.update({f"{name}.{measure}": value for measure, value in found.items()})
        if reason is not None and fault is None:
            fault, kept_at = (name, reason), view
            if not full:
                break
    if fault is None or kept_at is None:
        return Verdict(view.document, None, None, None, "", applied, measured)
    return Verdict(kept_at.document, *fault, None, "", applied, measured)


def measure_types(steps: Sequence[tuple[str, Step]]) -> Mapping[str, type]:
    """Return the Python type of every ``step.measure`` of these steps, in order."""
    return {f"{name}.{measure}": kind for name, step in steps for measure, kind in step.MEASURES.items()}
