"""Samples of kept and removed documents for each reason: drawn by a hash of their ids, so anyone draws the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pipelines.views.report.steps import RunStep, run_steps
from pipelines.views.run_tables import RunTables

PER_REASON: Final = 4
KEPT: Final = 12
TEXT_CHARACTERS: Final = 1500
SEED: Final = "1"


@dataclass(frozen=True)
class Sample:
    """One document of a sample.

    Attributes:
        row: id, url, source, file, language, bytes.
        why: the measure that decided, with its limit; empty where that is not known.
        text: as finished for kept documents, else as extracted; None = there is none.
    """

    row: Mapping[str, Any]
    why: str
    text: str | None


@dataclass(frozen=True)
class Group:
    """The sample of one fate.

    Attributes:
        step, reason: who took the documents and why; None for those that were kept.
        documents: how many there are in all.
        samples: some of them.
    """

    step: str | None
    reason: str | None
    documents: int
    samples: Sequence[Sample]
    error: bool = False


def samples(tables: RunTables, kept: int = KEPT, per_reason: int = PER_REASON) -> list[Group]:
    """Return the sample of the finished documents, then one for each reason, in the order of the steps."""
    most = max(kept, per_reason)
    fates = tables.query(
        f"SELECT l.decision, l.step, l.reason, count(*) AS documents, "  # noqa: S608 - numbers and a seed of ours
        f"min_by(l.id, md5(l.id || '{SEED}'), {most}) AS ids FROM ledger l "
        "ANTI JOIN (SELECT id FROM duplicates WHERE NOT kept UNION ALL SELECT id FROM emptied) u USING (id) "
        "GROUP BY ALL"
    )
    for fate in fates:
        fate["ids"] = fate["ids"][: kept if fate["step"] is None else per_reason]
    steps = run_steps(tables)
    order = ["read", "extract", *(step.name for step in steps)]
    fates.sort(key=lambda row: (_place(order, row["step"]), -row["documents"], row["reason"] or ""))
    rows = _rows(tables, [identity for row in fates for identity in row["ids"]])
    by_name = {step.name: step for step in steps}
    return [
        Group(
            fate["step"],
            fate["reason"],
            fate["documents"],
            [with_reason(rows[identity], by_name.get(fate["step"])) for identity in fate["ids"]],
            fate["decision"] == "error",
        )
        for fate in fates
    ]


def _place(order: Sequence[str], step: str | None) -> int:
    return -1 if step is None else order.index(step) if step in order else len(order)


def _rows(tables: RunTables, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the ledger's rows with their texts, by id."""
    rows = tables.query("SELECT * FROM ledger WHERE id IN (SELECT unnest(?))", [list(ids)])
    texts = tables.texts(ids)
    return {row["id"]: {**row, "text": texts.get(row["id"])} for row in rows}


def with_reason(row: Mapping[str, Any], step: RunStep | None) -> Sample:
    """Return a row of the ledger, with its ``text``, as a sample; `step` is the one that took it."""
    return Sample(row, step.explain(row) if step is not None else "", row["text"])
