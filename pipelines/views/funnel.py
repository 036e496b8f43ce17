"""The funnel of a run as a table: records read, records that each reason took, documents left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rich.table import Table

from pipelines.store.balance import in_shards, kept
from pipelines.store.fate import DROPPED, ERROR, REMOVED, Decision, fates
from pipelines.store.manifest import Balance


@dataclass(frozen=True, slots=True)
class Line:
    """One line: the total of a stage, or one of the reasons below it (`level` 1, indented)."""

    name: str
    count: int
    share: float | None
    level: int


def funnel_lines(counted: Balance) -> list[Line]:
    """Return the lines of the funnel from the balance of a run; shares are of all records read."""
    seen = (counted.extract or {}).get("seen", 0)
    lines = [Line("records read", seen, 1.0 if seen else None, 0)]
    # The ledger holds the reader's and the extractor's decisions as well as the steps'.
    decisions = counted.decisions
    lines += [*_decided("dropped", decisions, DROPPED, seen), *_decided("errors", decisions, ERROR, seen)]
    if counted.filter is not None:
        lines.append(_line("kept by the steps", kept(decisions), seen, 0))
    if counted.dedup:
        lines += _decided("duplicates removed", counted.dedup, REMOVED, seen)
        lines.append(_line("documents", kept(counted.dedup), seen, 0))
    if counted.removed_lines:
        lines.append(Line("repeated lines removed", counted.removed_lines["lines"], None, 1))
    if counted.removed_substrings:
        lines.append(Line("repeated passages removed", counted.removed_substrings["substrings"], None, 1))
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
    for line in funnel_lines(counted):
        share = "" if line.share is None else f"{line.share:.1%}" if line.level == 0 else f"{line.share:.2%}"
        table.add_row("  " * line.level + line.name, f"{line.count:,}", share)
    return table


def _decided(title: str, records: Mapping[str, int], decision: Decision, seen: int) -> list[Line]:
    """Return a line for all records with a decision, and one for each reason."""
    found = fates(records, decision)
    reasons = [_line(fate.name, count, seen, 1) for fate, count in found.items() if count]
    return [_line(title, sum(found.values()), seen, 0), *reasons]


def _line(name: str, count: int, seen: int, level: int) -> Line:
    return Line(name, count, count / seen if seen else None, level)
