"""Charts as SVG: the style sheet gives the colours, so they follow dark mode; bars show their numbers in a tooltip.

This module places the marks, the template ``chart.html`` draws them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from pipelines.views.report.histograms import Histogram
from pipelines.views.report.shown import number

WIDTH: Final = 340
HEIGHT: Final = 138
TOP: Final = 20
BOTTOM: Final = 18
"""Units of the drawing: room for the names of limits above, and for the axis below."""
FLOOR: Final = HEIGHT - BOTTOM
"""Where bars stand."""


@dataclass(frozen=True)
class Bar:
    """One bar: its class in the style sheet, where it is, and the text of its tooltip."""

    kind: str
    x: float
    y: float
    width: float
    said: str


@dataclass(frozen=True)
class Label:
    """A text at a position of the axis; `side` of it is at `x`: ``start``, ``middle`` or ``end``."""

    x: float
    y: float
    text: str
    side: str


@dataclass(frozen=True)
class Chart:
    """The marks of one chart.

    Attributes:
        label: for readers who cannot see it.
        bars: from the back to the front.
        outline: corners of the outline of another run; empty = no outline.
        limits: names and values of the limits; each has a line at `Label.x`, beside which the name stands.
        ticks: values of the axis.
    """

    label: str
    bars: Sequence[Bar]
    outline: Sequence[tuple[float, float]]
    limits: Sequence[Label]
    ticks: Sequence[Label]


def histogram_chart(counted: Histogram, other: Histogram | None = None, what: str = "documents") -> Chart:
    """Place a histogram. Heights are square roots of counts, so that rare values stay visible.

    Args:
        counted: its bars; the part beyond the limits has the colour of faults.
        other: another run on the same axis, drawn as an outline, scaled to as many documents.
        what: the word for the things counted.
    """
    totals = [a + b for a, b in zip(counted.passed, counted.failed, strict=True)]
    outline: list[float] = []
    if other is not None and other.measured:
        scale = counted.measured / other.measured
        outline = [scale * (a + b) for a, b in zip(other.passed, other.failed, strict=True)]
    top = math.sqrt(max([1, *totals, *outline]))
    bars = list(_bars(counted, totals, top, what))
    label = f"histogram of {number(counted.measured)} {what}"
    return Chart(label, bars, _outline(outline, top), _limits(counted), _ticks(counted))


def layers_chart(layers: Sequence[tuple[str, Histogram]], what: str) -> Chart:
    """Place histograms on one axis, each in front of the one before."""
    counts = [[a + b for a, b in zip(h.passed, h.failed, strict=True)] for _, h in layers]
    top = math.sqrt(max(1, *map(max, counts)))
    first = layers[0][1]
    bars = [
        _bar(first, n, count, top, f"layer{level}", f"{layers[level][0]}: {number(count)} {what}")
        for level, row in enumerate(counts)
        for n, count in enumerate(row)
        if count
    ]
    return Chart(f"histograms of {what}", bars, (), _limits(first), _ticks(first))


def bar(part: float, whole: float, kind: str = "") -> Markup:
    """Return a horizontal bar that fills its share of a cell; empty for a share of 0."""
    if not part or not whole:
        return Markup()
    width = 100 * part / whole
    return Markup('<span class="bar {}" style="--w:{}%"></span>').format(kind, f"{width:.2f}")


def _x(position: float, bins: int) -> float:
    return 1 + (WIDTH - 2) * position / bins


def _y(count: float, top: float) -> float:
    return FLOOR if count <= 0 else FLOOR - max(1.5, (FLOOR - TOP) * math.sqrt(count) / top)


def _bars(counted: Histogram, totals: Sequence[int], top: float, what: str) -> Iterator[Bar]:
    for n, total in enumerate(totals):
        failed = counted.failed[n]
        said = f"{number(total)} {what}" + (f", {number(failed)} beyond the limit" if failed else "")
        # Only a bin that a limit divides has both colours; there the faults are at the foot.
        if total:
            yield _bar(counted, n, total, top, "fault" if failed == total else "fine", said)
        if 0 < failed < total:
            yield _bar(counted, n, failed, top, "fault", said)


def _bar(counted: Histogram, n: int, count: float, top: float, kind: str, said: str) -> Bar:
    axis = counted.axis
    left, right = _x(n, axis.bins), _x(n + 1, axis.bins)
    first = "≤ " if n == 0 and counted.low < axis.edge(0) else ""
    last = " or more" if n == axis.bins - 1 and counted.high > axis.edge(axis.bins) else ""
    span = f"{first}{number(_round(axis.edge(n)))} to {number(_round(axis.edge(n + 1)))}{last}"
    gap = 0.6 if axis.bins > 12 else 1.5
    return Bar(kind, left, _y(count, top), max(right - left - gap, 0.8), f"{span}: {said}")


def _outline(counts: Sequence[float], top: float) -> list[tuple[float, float]]:
    bins = len(counts)
    return [(_x(n + side, bins), _y(count, top)) for n, count in enumerate(counts) for side in (0, 1)]


def _limits(counted: Histogram) -> list[Label]:
    found = []
    for row, limit in enumerate(counted.limits):
        x = _x(counted.axis.place(limit.value), counted.axis.bins)
        side = "end" if x > WIDTH / 2 else "start"
        found.append(Label(x, 9 + 10 * (row % 2), f"{limit.field} {number(limit.value)}", side))
    return found


def _ticks(counted: Histogram) -> list[Label]:
    bins = counted.axis.bins
    return [Label(_x(at, bins), HEIGHT - 5, text, side) for at, text, side in _values(counted)]


def _values(counted: Histogram) -> Iterator[tuple[float, str, str]]:
    """Yield position, text and side of the values of an axis."""
    axis = counted.axis
    more = "+" if counted.high > axis.edge(axis.bins) else ""
    if axis.width == 1 and not axis.log:  # a bin for each whole number: its value stands below its middle
        for n in sorted({0, (axis.bins - 1) // 2, axis.bins - 1}):
            yield n + 0.5, number(axis.edge(n)) + (more if n == axis.bins - 1 else ""), "middle"
        return
    # The axis may begin before the first value and end after the last, so that a limit falls on an edge.
    marks = [limit.value for limit in counted.limits]
    first, last = min([counted.low, *marks]), max([counted.high, *marks])
    yield 0, number(_round(max(axis.edge(0), first))), "start"
    yield axis.bins / 2, number(_round(axis.edge(axis.bins / 2))), "middle"
    yield axis.bins, number(_round(min(axis.edge(axis.bins), last))) + more, "end"


def _round(value: float) -> float:
    """Return a value with three significant digits."""
    return float(f"{value:.3g}")
