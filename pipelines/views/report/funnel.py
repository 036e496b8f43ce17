"""The funnel: documents, bytes and tokens after each stage and step, and what each reason took."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from pipelines.views.report.steps import run_steps
from pipelines.views.run_tables import RunTables

BEFORE_STEPS: Final = {"read": "read", "extract": "extract text"}


@dataclass(frozen=True)
class Reason:
    """What one reason took: documents, bytes of their text as extracted."""

    name: str
    documents: int
    bytes: int
    error: bool = False


@dataclass(frozen=True)
class Level:
    """The funnel after one stage or step.

    Attributes:
        name: of the stage or step.
        documents, bytes: what is left after it; bytes of text as extracted, in the last level as finished.
        tokens: of what is left; counted in the last level, elsewhere estimated from the bytes; None = unknown.
        taken: documents that it took, by reason, largest first.
    """

    name: str
    documents: int
    bytes: int
    tokens: float | None
    taken: tuple[Reason, ...] = ()

    @property
    def lost(self) -> int:
        """How many documents it took."""
        return sum(reason.documents for reason in self.taken)


def funnel(tables: RunTables) -> list[Level]:
    """Return the levels of a run, from the records read to the finished documents."""
    fates = tables.query(
        "SELECT decision, step, reason, count(*) AS documents, coalesce(sum(bytes), 0)::BIGINT AS bytes "
        "FROM ledger GROUP BY ALL ORDER BY documents DESC, step, reason"
    )
    documents, size = (sum(row[name] for row in fates) for name in ("documents", "bytes"))
    finished = _finished(tables)
    per_byte = finished["tokens"] / finished["bytes"] if finished["tokens"] and finished["bytes"] else None
    levels = [Level("records read", documents, size, None)]
    for title, taken in [*_by_step(tables, fates), *_by_layer(tables)]:
        documents -= sum(reason.documents for reason in taken)
        size -= sum(reason.bytes for reason in taken)
        levels.append(Level(title, documents, size, per_byte and per_byte * size, taken))
    if "dedup" in tables.manifests:
        levels.append(
            Level("finished documents", finished["documents"], finished["bytes"], finished["tokens"])
        )
    return levels


def _finished(tables: RunTables) -> dict[str, Any]:
    """Return documents, bytes and tokens of the finished text; tokens are 0 before packing."""
    (row,) = tables.query(
        "SELECT count(*) AS documents, coalesce(sum(octet_length(encode(text))), 0)::BIGINT AS bytes, "
        "(SELECT sum(token_count)::BIGINT FROM token_counts) AS tokens FROM documents"
    )
    return row


def _by_step(tables: RunTables, fates: list[dict[str, Any]]) -> list[tuple[str, tuple[Reason, ...]]]:
    """Return what each step took, in the order in which they work; steps that only edit are left out."""
    taken: dict[str, list[Reason]] = {}
    for row in fates:
        if row["step"] is not None:
            reason = Reason(row["reason"], row["documents"], row["bytes"], row["decision"] == "error")
            taken.setdefault(row["step"], []).append(reason)
    steps = run_steps(tables)
    judging = [step.name for step in steps if step.checks or step.name in taken]
    strangers = [name for name in taken if name not in judging and name not in BEFORE_STEPS]
    order = [*BEFORE_STEPS, *strangers, *judging]
    return [(BEFORE_STEPS.get(name, name), tuple(taken.get(name, ()))) for name in order]


def _by_layer(tables: RunTables) -> list[tuple[str, tuple[Reason, ...]]]:
    """Return what dedup took, by how the copies were found."""
    rows = tables.query(
        "SELECT d.layer AS layer, count(*) AS documents, coalesce(sum(l.bytes), 0)::BIGINT AS bytes "
        "FROM (SELECT id, layer FROM duplicates WHERE NOT kept UNION ALL SELECT id, layer FROM emptied) d "
        "JOIN ledger l USING (id) GROUP BY ALL ORDER BY 1"
    )
    if "dedup" not in tables.manifests or not tables.files("dedup", "duplicates"):
        return []
    return [("remove duplicates", tuple(Reason(r["layer"], r["documents"], r["bytes"]) for r in rows))]
