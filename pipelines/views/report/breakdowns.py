"""Languages, domains and lengths before and after, and one histogram for every measure of the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

from pipelines.views.report.histograms import Axis, Histogram, Limit, histogram, measure_column
from pipelines.views.report.steps import RunStep, run_steps
from pipelines.views.run_tables import RunTables

TOP: Final = 25
"""Groups in a table of languages or hosts."""
VALUES: Final = 8
"""Values of a measure that is a word."""

_BEFORE_AND_AFTER: Final = """
    SELECT {what} AS name, count(*) AS before, coalesce(sum(l.bytes), 0)::BIGINT AS bytes_before,
           count(d.id) AS after, coalesce(sum(d.size), 0)::BIGINT AS bytes_after
    FROM ledger l LEFT JOIN (SELECT id, octet_length(encode(text)) AS size FROM documents) d USING (id)
    WHERE l.bytes IS NOT NULL GROUP BY ALL ORDER BY {order} DESC, name
"""
"""Of records with text: all of them, and those that became finished documents."""


@dataclass(frozen=True)
class Group:
    """Records with text that have something in common, such as a host.

    Attributes:
        name: what they have in common.
        before, bytes_before: records and bytes of text, as extracted.
        after, bytes_after: documents and bytes of text, as finished.
    """

    name: str
    before: int
    bytes_before: int
    after: int
    bytes_after: int


@dataclass(frozen=True)
class Table:
    """The largest groups, and the sum of the others.

    Attributes:
        rows: the largest groups.
        others: the sums over the groups left out; None if no group was left out.
        groups: how many groups there are.
    """

    rows: Sequence[Group]
    others: Group | None
    groups: int

    @property
    def largest(self) -> int:
        """The largest count, for drawing bars."""
        return max((row.before for row in self.rows), default=0)


def languages(tables: RunTables) -> Table:
    """Return the languages with most records."""
    return _top(tables, "coalesce(l.language, 'unknown')", "before")


def domains(tables: RunTables, order: str) -> Table:
    """Return the hosts with most documents ``before`` or ``after``."""
    return _top(tables, "coalesce(nullif(host(l.url), ''), '(none)')", order)


def _top(tables: RunTables, what: str, order: str) -> Table:
    groups = tables.rows(Group, _BEFORE_AND_AFTER.format(what=what, order=order))
    rest = groups[TOP:]
    others = Group(
        f"{len(rest):,} others",
        sum(row.before for row in rest),
        sum(row.bytes_before for row in rest),
        sum(row.after for row in rest),
        sum(row.bytes_after for row in rest),
    )
    return Table(groups[:TOP], others if rest else None, len(groups))


@dataclass(frozen=True)
class Value:
    """One value of a measure, and how many documents have it."""

    name: str
    documents: int


@dataclass(frozen=True)
class Measure:
    """One measure of the ledger.

    Attributes:
        step, name: ``gopher_quality``, ``words``.
        counted: its histogram; None for words (strings) and where nothing was measured.
        values: for strings and truth values, how many documents have each of the most frequent ones.
        others: how many documents have another value.
        allowed: for strings, the values that stay; None = no such check.
    """

    step: str
    name: str
    counted: Histogram | None
    values: Sequence[Value] = ()
    others: int = 0
    allowed: Sequence[str] | None = None

    @property
    def constant(self) -> bool:
        """Whether all documents measured have the same number."""
        return self.counted is not None and self.counted.low == self.counted.high

    @property
    def failed(self) -> int:
        """How many documents lie beyond a limit."""
        return sum(self.counted.failed) if self.counted else 0


def measures(tables: RunTables, axes: dict[str, Axis] | None = None) -> list[Measure]:
    """Return every measure of the ledger, in order.

    Args:
        tables: the run.
        axes: bins by column, of the run that this one is compared with; such columns only.
    """
    steps = {step.name: step for step in run_steps(tables)}
    kinds = {row["column_name"]: row["column_type"] for row in tables.query("DESCRIBE ledger")}
    found = []
    for column in tables.measures():
        if axes is not None and column not in axes:
            continue
        step, _, name = column.partition(".")
        known = steps.get(step)
        if kinds[column] in ("VARCHAR", "BOOLEAN"):
            allowed = _allowed(known, name)
            found.append(Measure(step, name, None, *_values(tables, column), allowed))
            continue
        limits: tuple[Limit, ...] = known.limits(name) if known else ()
        axis = axes[column] if axes is not None else None
        found.append(Measure(step, name, histogram(tables, measure_column(column), "ledger", limits, axis)))
    return found


def _allowed(step: RunStep | None, measure: str) -> Sequence[str] | None:
    """Return the values that a check on the measure allows; None where there is no such check."""
    if step is None:
        return None
    checks = [
        check for check in step.checks if check.measure == measure and check.op in ("not in", "outside")
    ]
    return cast("Sequence[str] | None", step.limit(checks[0])) if checks else None


def _values(tables: RunTables, column: str) -> tuple[list[Value], int]:
    """Return the most frequent values of a measure, and how many documents have another one."""
    name = measure_column(column)
    values = tables.rows(
        Value,
        f"SELECT {name}::VARCHAR AS name, count(*) AS documents FROM ledger WHERE {name} IS NOT NULL "  # noqa: S608
        f"GROUP BY ALL ORDER BY documents DESC, name LIMIT {VALUES}",
    )
    (measured,) = tables.query(f"SELECT count({name}) AS documents FROM ledger")  # noqa: S608
    return values, measured["documents"] - sum(value.documents for value in values)


def lengths(tables: RunTables) -> list[tuple[str, Histogram]]:
    """Return histograms of bytes per document on one axis: as extracted, kept by the steps, finished."""
    first = histogram(tables, "bytes", "ledger")
    if first is None:
        return []
    layers = [("as extracted", first)]
    size = "octet_length(encode(text))"
    for title, relation in (("kept by the steps", "filtered"), ("finished", "documents")):
        counted = histogram(tables, size, relation, axis=first.axis)
        if counted is not None:
            layers.append((title, counted))
    return layers


def token_lengths(tables: RunTables) -> Histogram | None:
    """Return the histogram of tokens per finished document; its mark is what fits into a row."""
    pack = tables.manifests.get("pack")
    if pack is None:
        return None
    settings = pack.settings
    # Tokens are counted without the separator, which has to fit into the row too.
    room = settings["seq_len"] - (settings["row_len"] == "L")
    return histogram(
        tables, "token_count", "token_counts", [Limit("a row holds", ">", room, "longer than a row")]
    )
