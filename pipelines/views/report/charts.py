"""Charts as SVG: colours come from the style sheet, so they follow dark mode; every bar says its figures on hover."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from markupsafe import Markup, escape

from pipelines.views.report.histograms import Histogram
from pipelines.views.report.shown import number

WIDTH, HEIGHT = 340, 138
TOP, BOTTOM = 20, 18
"""Units of the drawing: room for the names of limits above, and for the axis below."""


def histogram_chart(counted: Histogram, other: Histogram | None = None, what: str = "documents") -> Markup:
    """Draw a histogram; heights are square roots of counts, so that rare values stay visible.

    Args:
        counted: bars, with the part beyond the limits in the colour of faults.
        other: another run on the same axis, drawn as an outline, scaled to as many documents.
        what: what is counted.
    """
    totals = [a + b for a, b in zip(counted.passed, counted.failed, strict=True)]
    outline: list[float] = []
    if other is not None and other.measured:
        scale = counted.measured / other.measured
        outline = [scale * (a + b) for a, b in zip(other.passed, other.failed, strict=True)]
    top = math.sqrt(max([1, *totals, *outline]))
    parts = [*_bars(counted, totals, top, what), *_outline(outline, top), *_limits(counted), *_ticks(counted)]
    label = f"histogram of {number(counted.measured)} {what}"
    return _svg(parts, label)


def layers_chart(layers: Sequence[tuple[str, Histogram]], what: str) -> Markup:
    """Draw histograms on the same axis one before the other: all, then those that went on, and so on."""
    counts = [[a + b for a, b in zip(h.passed, h.failed, strict=True)] for _, h in layers]
    top = math.sqrt(max(1, *map(max, counts)))
    first = layers[0][1]
    parts: list[str] = []
    for level, row in enumerate(counts):
        for n, count in enumerate(row):
            parts += _bar(
                first, n, 0, count, top, f"layer{level}", f"{layers[level][0]}: {number(count)} {what}"
            )
    return _svg([*parts, *_limits(first), *_ticks(first)], f"histograms of {what}")


def bar(part: float, whole: float, kind: str = "") -> Markup:
    """Return a horizontal bar that fills its share of a cell; nothing for nothing."""
    if not part or not whole:
        return Markup()
    width = 100 * part / whole
    return Markup('<span class="bar {}" style="--w:{}%"></span>').format(kind, f"{width:.2f}")


def _svg(parts: Sequence[str], label: str) -> Markup:
    head = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}">'
    return Markup(f"{head}{''.join(parts)}</svg>")  # noqa: S704 - parts hold numbers and escaped names


def _x(position: float, bins: int) -> float:
    return 1 + (WIDTH - 2) * position / bins


def _y(count: float, top: float) -> float:
    floor = HEIGHT - BOTTOM
    return floor if count <= 0 else floor - max(1.5, (floor - TOP) * math.sqrt(count) / top)


def _bars(counted: Histogram, totals: Sequence[int], top: float, what: str) -> Iterator[str]:
    for n, total in enumerate(totals):
        failed = counted.failed[n]
        said = f"{number(total)} {what}" + (f", {number(failed)} beyond the limit" if failed else "")
        # Both kinds meet only in the bin that a limit divides; there the faults stand at the foot.
        yield from _bar(counted, n, 0, total, top, "fault" if failed == total else "fine", said)
        if 0 < failed < total:
            yield from _bar(counted, n, 0, failed, top, "fault", said)


def _bar(
    axis_of: Histogram, n: int, low: float, high: float, top: float, kind: str, said: str
) -> Iterator[str]:
    if high <= low:
        return
    axis = axis_of.axis
    left, right = _x(n, axis.bins), _x(n + 1, axis.bins)
    y = _y(high, top)
    first = "≤ " if n == 0 and axis_of.low < axis.edge(0) else ""
    last = " or more" if n == axis.bins - 1 and axis_of.high > axis.edge(axis.bins) else ""
    span = f"{first}{number(_round(axis.edge(n)))} to {number(_round(axis.edge(n + 1)))}{last}"
    gap = 0.6 if axis.bins > 12 else 1.5
    yield (
        f'<rect class="{kind}" x="{left:.1f}" y="{y:.1f}" width="{max(right - left - gap, 0.8):.1f}" '
        f'height="{HEIGHT - BOTTOM - y:.1f}"><title>{escape(span)}: {escape(said)}</title></rect>'
    )


def _outline(counts: Sequence[float], top: float) -> Iterator[str]:
    if not counts:
        return
    points = []
    for n, count in enumerate(counts):
        y = _y(count, top)
        points += [f"{_x(n, len(counts)):.1f},{y:.1f}", f"{_x(n + 1, len(counts)):.1f},{y:.1f}"]
    yield f'<polyline class="other" points="{" ".join(points)}"/>'


def _limits(counted: Histogram) -> Iterator[str]:
    for row, limit in enumerate(counted.limits):
        x = _x(counted.axis.place(limit.value), counted.axis.bins)
        side = "end" if x > WIDTH / 2 else "start"
        shift = -4 if side == "end" else 4
        y = 9 + 10 * (row % 2)
        yield (
            f'<line class="limit" x1="{x:.1f}" x2="{x:.1f}" y1="2" y2="{HEIGHT - BOTTOM}"/>'
            f'<text class="limit" x="{x + shift:.1f}" y="{y}" text-anchor="{side}">'
            f"{escape(limit.field)} {number(limit.value)}</text>"
        )


def _ticks(counted: Histogram) -> Iterator[str]:
    floor = HEIGHT - BOTTOM
    yield f'<line class="axis" x1="0" x2="{WIDTH}" y1="{floor}" y2="{floor}"/>'
    for position, value, side in _labels(counted):
        x = _x(position, counted.axis.bins)
        yield f'<text class="tick" x="{x:.1f}" y="{HEIGHT - 5}" text-anchor="{side}">{value}</text>'


def _labels(counted: Histogram) -> Iterator[tuple[float, str, str]]:
    """Yield position, text and side of the labels of an axis."""
    axis = counted.axis
    more = "+" if counted.high > axis.edge(axis.bins) else ""
    if axis.width == 1 and not axis.log:  # a bin for each whole number: its value stands below its middle
        for n in sorted({0, (axis.bins - 1) // 2, axis.bins - 1}):
            yield n + 0.5, number(axis.edge(n)) + (more if n == axis.bins - 1 else ""), "middle"
        return
    # The axis may begin before the first value and end behind the last, so that a limit falls on an edge.
    marks = [limit.value for limit in counted.limits]
    first, last = min([counted.low, *marks]), max([counted.high, *marks])
    yield 0, number(_round(max(axis.edge(0), first))), "start"
    yield axis.bins / 2, number(_round(axis.edge(axis.bins / 2))), "middle"
    yield axis.bins, number(_round(min(axis.edge(axis.bins), last))) + more, "end"


def _round(value: float) -> float:
    """Return a value with three significant digits."""
    return float(f"{value:.3g}")
