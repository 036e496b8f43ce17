"""Rows of a run's tables as the views hand them on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from filters.step import Measured
from pipelines.store.fate import Decision


@dataclass(frozen=True, kw_only=True)
class LedgerRow:
    """One record: where its bytes lie, what became of it, and what the steps measured.

    Attributes:
        id, record_id, url, source: of the record.
        file, offset, length, index: where its bytes lie; see `filters.document.Origin`.
        bytes: of its text as extracted; None where it has no text.
        language, language_score: of its text.
        decision, step, reason: its fate.
        applied: how many steps measured it; None where it has no text, or before the filter stage.
        measures: by ``step.measure``.
    """

    id: str
    record_id: str | None
    url: str | None
    source: str
    file: str
    offset: int
    length: int
    index: int
    bytes: int | None
    language: str | None
    language_score: float | None
    decision: Decision
    step: str | None
    reason: str | None
    applied: int | None = None
    measures: Measured

    @classmethod
    def of(cls, columns: Mapping[str, Any]) -> Self:
        """Return a row from its columns; those with a dot in their name are measures."""
        known = {item.name for item in fields(cls)}
        measures = {name: value for name, value in columns.items() if "." in name}
        return cls(**{name: value for name, value in columns.items() if name in known}, measures=measures)


@dataclass(frozen=True)
class ErrorRow:
    """One row of ``errors/``: an error, or a damaged span, which has no id."""

    id: str | None
    source: str
    file: str
    offset: int
    length: int
    step: str
    reason: str
    error: str
    message: str
