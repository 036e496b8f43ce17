"""``corpusmill show``: look at documents, kept or dropped, with the decision and every measure behind it.

Rows come from the ledger, texts from ``documents/`` (as finished) or ``extracted/`` (as the steps saw them). Both
are read a page at a time, so that the first page of a large run appears at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

import duckdb

from pipelines.errors import InputError, RecipeError
from pipelines.store.fate import Fate
from pipelines.store.storage import Storage
from pipelines.views.found import DamagedSpan, Found, RemovedPiece
from pipelines.views.query import Query, condition
from pipelines.views.reasons import meaning
from pipelines.views.report.steps import RunStep, run_steps
from pipelines.views.run_tables import RunTables

PAGE_ROWS = 50
"""Records that are read at a time."""
_DAMAGED: Final = 'SELECT * FROM errors WHERE id IS NULL ORDER BY source, file, "offset"'
_LANGUAGES: Final = """
    SELECT language FROM ledger WHERE language IS NOT NULL GROUP BY language ORDER BY count(*) DESC, language
"""


def show(storage: Storage, query: Query) -> Iterator[Found | DamagedSpan]:
    """Yield the records that match a query, in the order of the inputs; if it asks for errors, damaged spans first.

    Raises:
        VerificationError: the run has no finished stage yet.
        RecipeError: the condition is not valid SQL, or a measure is unknown.
        InputError: no record matches.
    """
    damaged: list[DamagedSpan] = []
    if query.errors and query.skip == 0:
        damaged = RunTables(storage).rows(DamagedSpan, _DAMAGED)[: query.limit]
    yield from damaged
    try:
        yield from records(storage, query)
    except InputError:
        if not damaged:
            raise


def records(storage: Storage, query: Query) -> Iterator[Found]:
    """Yield the records that match a query, in the order of the inputs.

    Raises:
        VerificationError: the run has no finished stage yet.
        RecipeError: the condition is not valid SQL, or a measure is unknown.
        InputError: no record matches.
    """
    tables = RunTables(storage)
    _check_measures(tables, query)
    steps = {step.name: step for step in run_steps(tables)}
    end = None if query.limit is None else query.skip + query.limit
    first = query.skip
    while end is None or first < end:
        rows = _page(tables, query, first, PAGE_ROWS if end is None else min(PAGE_ROWS, end - first))
        if not rows and first == query.skip:
            raise InputError(f"no record matches; {_instead(tables, query)}")
        ids = [row.id for row in rows]
        texts, removed = tables.texts(ids), _removed(tables, ids)
        for row in rows:
            text, pieces = texts.get(row.id), removed.get(row.id, [])
            yield replace(row, why=_why(row, steps), text=text, removed=pieces)
        if len(rows) < PAGE_ROWS:
            return
        first += len(rows)


def _removed(tables: RunTables, ids: Sequence[str]) -> dict[str, list[RemovedPiece]]:
    found: dict[str, list[RemovedPiece]] = {}
    for table, columns in (
        ("removed_lines", "place, text, documents"),
        ("removed_substrings", "start AS place, text, first, first_start"),
    ):
        sql = f"SELECT id, {columns} FROM {table} WHERE id IN (SELECT unnest(?)) ORDER BY id, place"  # noqa: S608
        for row in tables.query(sql, [list(ids)]):
            found.setdefault(row.pop("id"), []).append(RemovedPiece(**row))
    return found


def _instead(tables: RunTables, query: Query) -> str:
    """Return a better query, in words."""
    languages = [row["language"] for row in tables.query(_LANGUAGES)]
    if query.language is not None and query.language not in languages:
        return f"the languages of the run, most frequent first, are {', '.join(languages) or 'not labelled'}"
    if query.dropped is None:
        return "`corpusmill show OUT` without options shows kept documents"
    rows = tables.query("SELECT DISTINCT step FROM ledger WHERE decision = 'dropped' ORDER BY step")
    if not rows:
        return "no step dropped anything"
    return f"the steps that dropped something are {', '.join(row['step'] for row in rows)}"


def _why(row: Found, steps: Mapping[str, RunStep]) -> str:
    step = steps.get(row.step or "")
    measured = step.explain(row) if step is not None else ""
    return measured or meaning(Fate(row.decision, row.step, row.reason), step)


def _check_measures(tables: RunTables, query: Query) -> None:
    known = ["language_score", "bytes", *tables.measures()]
    for bound in query.between:
        if bound.column not in known:
            raise RecipeError(
                f"--between: this run has no measure {bound.column!r}; it has {', '.join(known)}"
            )


def _page(tables: RunTables, query: Query, first: int, number: int) -> list[Found]:
    matching, values = condition(query)
    sql = f"""
        SELECT l.*, u.cluster, u.keeper, u.similarity, u.layer, u.kept AS kept_copy,
               (SELECT e.layer FROM emptied e WHERE e.id = l.id) AS emptied,
               (SELECT min(e.message) FROM errors e WHERE e.id = l.id) AS message
        FROM ledger l LEFT JOIN duplicates u USING (id)
        WHERE {matching} ORDER BY l.source, l.file, l.offset, l.index LIMIT {number} OFFSET {first}
    """  # noqa: S608 - the condition is the user's own, run on the user's own files
    try:
        return [Found.of(row) for row in tables.query(sql, values)]
    except duckdb.Error as error:
        raise RecipeError(f"--where {query.where!r}: {error}") from error
