"""The funnel: documents, bytes and tokens after each stage and step, and the documents that each reason took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pipelines.store.fate import ERROR, Decision, Fate
from pipelines.views.reasons import meaning
from pipelines.views.report.steps import run_steps
from pipelines.views.run_tables import RunTables

BEFORE_STEPS: Final = {"read": "read", "extract": "extract text"}


@dataclass(frozen=True)
class Reason:
    """The documents that one reason took.

    Attributes:
        fate: of the documents.
        documents, bytes: how many there are, and bytes of their text as extracted.
        meaning: of the reason, in one line; empty where it is not known.
    """

    fate: Fate
    documents: int
    bytes: int
    meaning: str

    @property
    def name(self) -> str:
        """The word in the tables."""
        return self.fate.reason or ""

    @property
    def error(self) -> bool:
        """Whether the documents are errors."""
        return self.fate.decision == ERROR


@dataclass(frozen=True)
class Level:
    """The funnel after one stage or step.

    Attributes:
        name: of the stage or step.
        documents, bytes: left after it; bytes of text as extracted, in the last level as finished.
        tokens: left after it; counted in the last level, elsewhere estimated from the bytes; None = unknown.
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


@dataclass(frozen=True)
class _Count:
    """Records of one fate."""

    decision: Decision
    step: str | None
    reason: str | None
    documents: int
    bytes: int


@dataclass(frozen=True)
class _Finished:
    """The finished text; `tokens` is None before packing."""

    documents: int
    bytes: int
    tokens: int | None


def levels(tables: RunTables) -> list[Level]:
    """Return the levels of a run, from the records read to the finished documents."""
    counts = tables.rows(
        _Count,
        "SELECT decision, step, reason, count(*) AS documents, coalesce(sum(bytes), 0)::BIGINT AS bytes "
        "FROM ledger GROUP BY ALL ORDER BY documents DESC, step, reason",
    )
    documents, size = sum(row.documents for row in counts), sum(row.bytes for row in counts)
    finished = _finished(tables)
    per_byte = finished.tokens / finished.bytes if finished.tokens and finished.bytes else None
    found = [Level("records read", documents, size, None)]
    for title, taken in [*_by_step(tables, counts), *by_layer(tables)]:
        documents -= sum(reason.documents for reason in taken)
        size -= sum(reason.bytes for reason in taken)
        found.append(Level(title, documents, size, per_byte and per_byte * size, taken))
    if "dedup" in tables.manifests:
        found.append(Level("finished documents", finished.documents, finished.bytes, finished.tokens))
    return found


def _finished(tables: RunTables) -> _Finished:
    (row,) = tables.rows(
        _Finished,
        "SELECT count(*) AS documents, coalesce(sum(octet_length(encode(text))), 0)::BIGINT AS bytes, "
        "(SELECT sum(token_count)::BIGINT FROM token_counts) AS tokens FROM documents",
    )
    return row


def _by_step(tables: RunTables, counts: Sequence[_Count]) -> list[tuple[str, tuple[Reason, ...]]]:
    """Return what each step took, in the order in which they work; steps that only edit are left out."""
    steps = run_steps(tables)
    by_name = {step.name: step for step in steps}
    taken: dict[str, list[Reason]] = {}
    for row in counts:
        if row.step is not None:
            fate = Fate(row.decision, row.step, row.reason)
            why = meaning(fate, by_name.get(row.step))
            taken.setdefault(row.step, []).append(Reason(fate, row.documents, row.bytes, why))
    judging = [step.name for step in steps if step.checks or step.name in taken]
    strangers = [name for name in taken if name not in judging and name not in BEFORE_STEPS]
    order = [*BEFORE_STEPS, *strangers, *judging]
    return [(BEFORE_STEPS.get(name, name), tuple(taken.get(name, ()))) for name in order]


def by_layer(tables: RunTables) -> list[tuple[str, tuple[Reason, ...]]]:
    """Return what dedup took, by how the copies were found; empty where it is switched off or not done yet."""
    if not tables.files("dedup", "duplicates"):
        return []
    rows = tables.rows(
        _Count,
        "SELECT 'removed' AS decision, NULL AS step, d.layer AS reason, count(*) AS documents, "
        "coalesce(sum(l.bytes), 0)::BIGINT AS bytes "
        "FROM (SELECT id, layer FROM duplicates WHERE NOT kept UNION ALL SELECT id, layer FROM emptied) d "
        "JOIN ledger l USING (id) GROUP BY ALL ORDER BY reason",
    )
    fates = [Fate(row.decision, row.step, row.reason) for row in rows]
    taken = [
        Reason(fate, row.documents, row.bytes, meaning(fate)) for fate, row in zip(fates, rows, strict=True)
    ]
    return [("remove duplicates", tuple(taken))]
