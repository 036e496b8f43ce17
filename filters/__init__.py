"""Floor 0: what a document is, and whether it stays. Pure functions; no Beam, and no files written.

A step of your own needs the names below: ``from filters import Check, Measured, TextView``. The built-in steps are
found by their key, ``find_step("gopher_quality")``; `filters.judge.judge` runs steps over a document.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from filters.lazy import lazy_names

if TYPE_CHECKING:
    from filters.document import Document, Origin, Place, document_id
    from filters.judge import NamedStep, Verdict
    from filters.reasons import Reason
    from filters.step import Check, FieldFault, Measured, Step, find_step, first_fault, step_names
    from filters.text import TextView

__all__ = [
    "Check",
    "Document",
    "FieldFault",
    "Measured",
    "NamedStep",
    "Origin",
    "Place",
    "Reason",
    "Step",
    "TextView",
    "Verdict",
    "document_id",
    "find_step",
    "first_fault",
    "step_names",
]

_HOMES: Final = {
    "Check": "filters.step",
    "Document": "filters.document",
    "FieldFault": "filters.step",
    "Measured": "filters.step",
    "NamedStep": "filters.judge",
    "Origin": "filters.document",
    "Place": "filters.document",
    "Reason": "filters.reasons",
    "Step": "filters.step",
    "TextView": "filters.text",
    "Verdict": "filters.judge",
    "document_id": "filters.document",
    "find_step": "filters.step",
    "first_fault": "filters.step",
    "step_names": "filters.step",
}

if not TYPE_CHECKING:  # a type checker would take every misspelt name for one of these
    __getattr__ = lazy_names(__name__, _HOMES)
