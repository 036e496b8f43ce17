"""Histograms of the ledger's measures, counted by DuckDB; the limits of the recipe fall on the edges of bins."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from pipelines.views.run_tables import RunTables

BINS: Final = 36
TAIL: Final = 0.005
"""The outermost half per cent on either side is counted in the first and last bin, unless a limit lies there."""


@dataclass(frozen=True)
class Limit:
    """A check of the recipe on a numeric measure.

    Attributes:
        field: the step's field: ``min_words``.
        op: ``<`` or ``>``; a value beyond it is a fault.
        value: the limit.
        reason: name of the fault.
    """

    field: str
    op: str
    value: float
    reason: str


@dataclass(frozen=True)
class Axis:
    """How values become bins: ``floor((f(value) - start) / width)``, f = log10(1 + value) where `log`.

    Attributes:
        log: whether the axis is logarithmic.
        start: of the first bin, after f.
        width: of a bin, after f.
        bins: how many.
    """

    log: bool
    start: float
    width: float
    bins: int

    def place(self, value: float) -> float:
        """Return where a value lies on the axis, from 0 to `bins`."""
        scaled = math.log10(1 + max(value, 0)) if self.log else value
        return min(max((scaled - self.start) / self.width, 0), self.bins)

    def edge(self, position: float) -> float:
        """Return the value at a position: the inverse of `place`."""
        scaled = self.start + position * self.width
        return 10**scaled - 1 if self.log else scaled


@dataclass(frozen=True)
class Histogram:
    """Counts of one measure.

    Attributes:
        axis: its bins.
        passed, failed: documents per bin, within and beyond the limits.
        limits: the checks, drawn as lines.
        low, high: smallest and largest value measured; outside the axis they are in the end bins.
    """

    axis: Axis
    passed: Sequence[int]
    failed: Sequence[int]
    limits: Sequence[Limit]
    low: float
    high: float

    @property
    def measured(self) -> int:
        """How many documents have a value."""
        return sum(self.passed) + sum(self.failed)


def choose_axis(low: float, high: float, whole: bool, limits: Iterable[float], bins: int = BINS) -> Axis:
    """Return an axis from `low` to `high` on which the first limit is the edge of a bin.

    Args:
        low: where the axis begins; limits outside widen it.
        high: where it ends.
        whole: values are whole numbers: one bin each where they are few, a logarithmic axis where they spread.
        limits: values to be drawn as lines.
        bins: aim of the number of bins.
    """
    marks = sorted(limits)
    low, high = min([low, *marks]), max([high, *marks])
    if whole and high - low < bins:
        return Axis(False, math.floor(low), 1.0, int(high - math.floor(low)) + 1)
    log = whole and low >= 0
    start, end = (math.log10(1 + low), math.log10(1 + high)) if log else (low, high)
    if end <= start:
        return Axis(log, start, 1.0, 1)
    width = (end - start) / bins
    if marks:
        mark = math.log10(1 + marks[0]) if log else marks[0]
        start = mark - math.ceil((mark - start) / width - 1e-9) * width
    return Axis(log, start, width, max(1, math.ceil((end - start) / width - 1e-9)))


def histogram(
    tables: RunTables, expression: str, relation: str, limits: Sequence[Limit] = (), axis: Axis | None = None
) -> Histogram | None:
    """Count one measure; None if it has no values.

    Args:
        tables: the run.
        expression: SQL of the value.
        relation: SQL of the rows.
        limits: checks on it.
        axis: bins to use, for comparison with another run; None = chosen from the values.
    """
    source = f"(SELECT {expression} AS v FROM {relation})"  # noqa: S608 - our own SQL
    (span,) = tables.query(
        f"SELECT min(v) AS low, max(v) AS high, quantile_disc(v, {TAIL}) AS first, "  # noqa: S608 - our own SQL
        f"quantile_disc(v, {1 - TAIL}) AS last, any_value(typeof(v)) AS kind FROM {source} WHERE v IS NOT NULL"
    )
    if span["low"] is None:
        return None
    if axis is None:
        whole = span["kind"] not in ("DOUBLE", "FLOAT")
        axis = choose_axis(span["first"], span["last"], whole, [limit.value for limit in limits])
    fault = " OR ".join(f"v {limit.op} {limit.value!r}" for limit in limits) or "false"
    scaled = "log10(1 + greatest(v, 0))" if axis.log else "v"
    # Rounding must not move a value on an edge below it: the limits are edges.
    place = f"floor(({scaled} - {axis.start!r}) / {axis.width!r} + 1e-9)"
    rows = tables.query(
        f"SELECT greatest(0, least({place}, {axis.bins - 1}))::INTEGER AS bin, ({fault}) AS fault, "  # noqa: S608
        f"count(*) AS n FROM {source} WHERE v IS NOT NULL GROUP BY ALL"
    )
    counts = {(row["bin"], row["fault"]): row["n"] for row in rows}
    passed, failed = ([counts.get((n, beyond), 0) for n in range(axis.bins)] for beyond in (False, True))
    return Histogram(axis, passed, failed, limits, float(span["low"]), float(span["high"]))


def measure_column(name: str) -> str:
    """Return the ledger's column of a measure as an SQL name."""
    return '"{}"'.format(name.replace('"', '""'))
