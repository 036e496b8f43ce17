"""Samples of kept and dropped documents by reason, drawn by a hash of their ids: the same run, the same samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from pipelines.store.fate import KEPT, Decision, Fate
from pipelines.views.reasons import meaning
from pipelines.views.report.steps import RunStep, run_steps
from pipelines.views.rows import LedgerRow
from pipelines.views.run_tables import RunTables

PER_REASON: Final = 4
FINISHED: Final = 12
TEXT_CHARACTERS: Final = 1500
SEED: Final = "1"
"""Changes which documents are drawn."""


@dataclass(frozen=True)
class Sample:
    """One document of a sample.

    Attributes:
        row: its row of the ledger.
        why: the measure that decided, with its limit; empty where that is not known.
        text: as finished for kept documents, else as extracted; None = it has no text.
    """

    row: LedgerRow
    why: str
    text: str | None


@dataclass(frozen=True)
class Group:
    """The sample of one fate.

    Attributes:
        fate: of all its documents.
        meaning: of the reason; empty for documents that were kept.
        documents: how many there are in all.
        samples: some of them.
    """

    fate: Fate
    meaning: str
    documents: int
    samples: Sequence[Sample]


@dataclass(frozen=True)
class _Drawn:
    """The ids drawn for one fate."""

    decision: Decision
    step: str | None
    reason: str | None
    documents: int
    ids: list[str]


def samples(tables: RunTables, finished: int = FINISHED, per_reason: int = PER_REASON) -> list[Group]:
    """Return the sample of the finished documents, then one for each reason, in the order of the steps."""
    drawn = tables.rows(
        _Drawn,
        f"SELECT l.decision, l.step, l.reason, count(*) AS documents, "  # noqa: S608 - numbers and a seed of ours
        f"min_by(l.id, md5(l.id || '{SEED}'), {max(finished, per_reason)}) AS ids FROM ledger l "
        "ANTI JOIN (SELECT id FROM duplicates WHERE NOT kept UNION ALL SELECT id FROM emptied) u USING (id) "
        "GROUP BY ALL",
    )
    steps = run_steps(tables)
    by_name = {step.name: step for step in steps}
    order = ["read", "extract", *by_name]
    drawn.sort(key=lambda one: (_place(order, one.step), -one.documents, one.reason or ""))
    drawn = [replace(one, ids=one.ids[: finished if one.decision == KEPT else per_reason]) for one in drawn]
    rows = ledger_rows(tables, [identity for one in drawn for identity in one.ids])
    texts = tables.texts(list(rows))
    groups = []
    for one in drawn:
        step = by_name.get(one.step or "")
        found = [with_reason(rows[identity], texts.get(identity), step) for identity in one.ids]
        fate = Fate(one.decision, one.step, one.reason)
        groups.append(Group(fate, meaning(fate, step), one.documents, found))
    return groups


def _place(order: Sequence[str], step: str | None) -> int:
    return -1 if step is None else order.index(step) if step in order else len(order)


def ledger_rows(tables: RunTables, ids: Sequence[str]) -> dict[str, LedgerRow]:
    """Return rows of the ledger by id."""
    found = tables.query("SELECT * FROM ledger WHERE id IN (SELECT unnest(?))", [list(ids)])
    return {row["id"]: LedgerRow.of(row) for row in found}


def with_reason(row: LedgerRow, text: str | None, step: RunStep | None) -> Sample:
    """Return a document as a sample; `step` is the one that took it."""
    return Sample(row, step.explain(row) if step is not None else "", text)
