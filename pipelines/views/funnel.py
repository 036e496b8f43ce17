"""The funnel of a run as a table: what was read, what each reason took, what is left."""

from __future__ import annotations

from dataclasses import dataclass

from rich.table import Table

from pipelines.store.balance import by_fate, in_shards, kept
from pipelines.store.manifest import Balance


@dataclass(frozen=True, slots=True)
class Line:
    """One line: a stage's total, or (indented) one of the reasons below it."""

    name: str
    count: int
    share: float | None
    level: int


def funnel(counted: Balance) -> list[Line]:
    """Return the lines of the funnel from the balance of a run; shares are of all records read."""
    seen = (counted.extract or {}).get("seen", 0)
    lines = [Line("records read", seen, 1.0 if seen else None, 0)]
    # The ledger holds the reader's and the extractor's decisions as well as the steps'.
    decisions = counted.decisions
    for title, fate in (("dropped", "dropped"), ("errors", "error")):
        reasons = by_fate(decisions, fate)
        lines.append(_line(title, sum(reasons.values()), seen, 0))
        lines += [_line(name, count, seen, 1) for name, count in reasons.items() if count]
    if counted.filter is not None:
        lines.append(_line("kept by the steps", kept(decisions), seen, 0))
    if counted.dedup:
        removed = by_fate(counted.dedup, "removed")
        lines.append(_line("duplicates removed", sum(removed.values()), seen, 0))
        lines += [_line(name, count, seen, 1) for name, count in removed.items() if count]
        lines.append(_line("documents", kept(counted.dedup), seen, 0))
    for name, what, lost in (
        ("lines removed that many documents had", "lines", counted.removed_lines),
        ("substrings removed that a document had before", "substrings", counted.removed_substrings),
    ):
        if lost:
            lines.append(Line(name, lost[what], None, 1))
    tokens = counted.tokens
    if tokens is not None:
        lines.append(Line("tokens", tokens["document_tokens"], None, 0))
        over = tokens.get("tokens_over_budget", 0)
        if over:
            whole = tokens["document_tokens"] + tokens["separators"]
            lines.append(Line("over the token budget", over, over / whole, 1))
        packed = in_shards(tokens)
        lines.append(Line("rows", packed["rows"], None, 0))
        lines.append(Line("padding", packed["padding"], packed["padding"] / max(packed["slots"], 1), 1))
    return lines


def funnel_table(counted: Balance) -> Table:
    """Return the funnel for a terminal."""
    table = Table("", "count", "share", box=None, pad_edge=False)
    table.columns[1].justify = table.columns[2].justify = "right"
    for line in funnel(counted):
        share = "" if line.share is None else f"{line.share:.1%}" if line.level == 0 else f"{line.share:.2%}"
        table.add_row("  " * line.level + line.name, f"{line.count:,}", share)
    return table


def _line(name: str, count: int, seen: int, level: int) -> Line:
    return Line(name, count, count / seen if seen else None, level)
