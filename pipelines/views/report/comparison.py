"""Two runs side by side: their figures, the differences of their recipes, and the documents that only one has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pipelines.store.balance import balance
from pipelines.store.fate import ERROR, total
from pipelines.store.manifest import read_run_manifest
from pipelines.store.stage_key import explain_change
from pipelines.views.report.funnel import Level, levels
from pipelines.views.report.samples import Sample
from pipelines.views.rows import LedgerRow
from pipelines.views.run_tables import EMPTIED, RunTables

EXAMPLES: Final = 5


@dataclass(frozen=True)
class Figure:
    """One line of the comparison; shares are of `here_of` and `there_of`, None = no shares."""

    name: str
    here: float | None
    there: float | None
    here_of: float | None = None
    there_of: float | None = None

    @property
    def change(self) -> float | None:
        """Relative change from the other run to this one."""
        return None if self.here is None or not self.there else self.here / self.there - 1


@dataclass(frozen=True)
class Comparison:
    """This run against another.

    Attributes:
        name: of the other run.
        figures: line by line.
        recipe: differences of the recipes, ``key: other -> this``.
        both, only_here, only_there: finished documents by id.
        examples: documents only here, documents only there.
    """

    name: str
    figures: Sequence[Figure]
    recipe: Sequence[str]
    both: int
    only_here: int
    only_there: int
    examples: tuple[Sequence[Sample], Sequence[Sample]]


def compare(here: RunTables, there: RunTables) -> Comparison:
    """Compare two runs. Documents are the same if they come from the same bytes of the input."""
    manifests = [read_run_manifest(tables.storage) for tables in (here, there)]
    ids = [{row["id"] for row in tables.query("SELECT id FROM documents")} for tables in (here, there)]
    return Comparison(
        str(manifests[1].recipe["name"]),
        _figures(here, there),
        explain_change(manifests[1].recipe, manifests[0].recipe),
        len(ids[0] & ids[1]),
        len(ids[0] - ids[1]),
        len(ids[1] - ids[0]),
        (
            _examples(here, ids[0] - ids[1], there, "in the other run"),
            _examples(there, ids[1] - ids[0], here, "in this run"),
        ),
    )


def _figures(here: RunTables, there: RunTables) -> list[Figure]:
    by_name = [{level.name: level for level in levels(tables)} for tables in (here, there)]
    seen = [float(next(iter(found.values())).documents) for found in by_name]
    figures = [Figure("records read", *seen)]
    for name in dict.fromkeys([*by_name[0], *by_name[1]]):
        pair = [found.get(name) for found in by_name]
        if any(level is not None and level.taken for level in pair):
            lost = [None if level is None else float(level.lost) for level in pair]
            figures.append(Figure(f"dropped in: {name}", lost[0], lost[1], *seen))
    last = [found.get("finished documents") for found in by_name]
    figures.append(Figure("finished documents", *(_of(level, "documents") for level in last), *seen))
    figures.append(Figure("bytes of text", *(_of(level, "bytes") for level in last)))
    figures.append(Figure("tokens", *(_of(level, "tokens") for level in last)))
    counted = [balance(tables.manifests) for tables in (here, there)]
    errors = [float(total(c.decisions, ERROR)) for c in counted]
    figures.append(Figure("errors", *errors, *seen))
    padding = [(c.tokens or {}).get("padding") for c in counted]
    slots = [(c.tokens or {}).get("slots") for c in counted]
    figures.append(Figure("padding", *padding, *slots))
    return figures


def _of(level: Level | None, name: str) -> float | None:
    value = getattr(level, name, None)
    return None if value is None else float(value)


def _examples(tables: RunTables, ids: set[str], other: RunTables, where: str) -> list[Sample]:
    """Return the first documents of `ids`, each with its fate in the run that lacks it."""
    chosen = sorted(ids)[:EXAMPLES]
    rows, others, texts = _by_id(tables, chosen), _by_id(other, chosen), tables.texts(chosen)
    return [
        Sample(rows[identity], f"{_what_became(others.get(identity))} {where}", texts.get(identity))
        for identity in chosen
    ]


@dataclass(frozen=True, kw_only=True)
class _Row(LedgerRow):
    """A record, and what dedup did with it."""

    kept_copy: bool | None
    emptied: str | None


def _by_id(tables: RunTables, ids: Sequence[str]) -> dict[str, _Row]:
    sql = (
        "SELECT l.*, u.kept AS kept_copy, e.layer AS emptied "
        "FROM ledger l LEFT JOIN duplicates u USING (id) LEFT JOIN emptied e USING (id) WHERE id IN (SELECT unnest(?))"
    )
    return {row["id"]: _Row.of(row) for row in tables.query(sql, [list(ids)])}


def _what_became(row: _Row | None) -> str:
    if row is None:
        return "not read"
    if row.step is not None:
        return f"{row.decision} by {row.step}.{row.reason}"
    if row.emptied:
        return f"removed because it has only {EMPTIED[row.emptied]}"
    return "removed as a duplicate" if row.kept_copy is False else "kept"
