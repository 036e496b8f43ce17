"""``corpusmill show``: look at documents, kept or dropped, with the decision and every measure behind it.

Rows come from the ledger, texts from ``documents/`` (as finished) or ``extracted/`` (as the steps saw them). Both
are read a page at a time, so that paging through a large run begins at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import duckdb

from pipelines.errors import InputError, RecipeError
from pipelines.store.storage import Storage
from pipelines.terminal import escape
from pipelines.views.query import Query, condition
from pipelines.views.report.steps import RunStep, run_steps
from pipelines.views.run_tables import EMPTIED, RunTables

TEXT_CHARACTERS = 1500
_LANGUAGES = "SELECT language FROM ledger WHERE language IS NOT NULL GROUP BY language ORDER BY count(*) DESC, language"
PAGE_ROWS = 50
MOST_PIECES, PIECE_CHARACTERS = 10, 80


def show(storage: Storage, query: Query) -> Iterator[dict[str, Any]]:
    """Yield the matching records: the ledger's columns, ``text``, ``why``, and duplicate columns where there are any.

    ``why`` is the measure that decided about a dropped document, and its limit; ``message`` what an error said;
    ``removed`` what dedup took out of the text, from its start on: rows of ``text``, and of ``documents``, in how many
    a line is, or ``first`` and ``first_start``, the document and the character where a passage stands first. With
    ``errors`` the damaged spans come first: rows of the table ``errors``, with the decision ``damaged``.

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
    damaged = _damaged_spans(tables) if query.errors and first == 0 else []
    yield from damaged[:end]
    while end is None or first < end:
        rows = _page(tables, query, first, PAGE_ROWS if end is None else min(PAGE_ROWS, end - first))
        if not rows and first == query.skip and not damaged:
            raise InputError(f"no record matches; {_instead(tables, query)}")
        ids = [row["id"] for row in rows]
        texts, removed = tables.texts(ids), _removed(tables, ids)
        for row in rows:
            told = {"why": _why(row, steps), "text": texts.get(row["id"])}
            yield {**row, **told, "removed": removed.get(row["id"], [])}
        if len(rows) < PAGE_ROWS:
            return
        first += len(rows)


def _removed(tables: RunTables, ids: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for table, columns in (
        ("removed_lines", "place, text, documents"),
        ("removed_substrings", "start AS place, text, first, first_start"),
    ):
        sql = f"SELECT id, {columns} FROM {table} WHERE id IN (SELECT unnest(?)) ORDER BY id, place"  # noqa: S608
        for row in tables.query(sql, [list(ids)]):
            found.setdefault(row.pop("id"), []).append(row)
    return found


def _damaged_spans(tables: RunTables) -> list[dict[str, Any]]:
    rows = tables.query('SELECT * FROM errors WHERE id IS NULL ORDER BY source, file, "offset"')
    return [{**row, "decision": "damaged"} for row in rows]


def _instead(tables: RunTables, query: Query) -> str:
    """Return what could be asked for instead."""
    languages = [row["language"] for row in tables.query(_LANGUAGES)]
    if query.language is not None and query.language not in languages:
        return f"the languages of the run, most frequent first, are {', '.join(languages) or 'not labelled'}"
    if query.dropped is None:
        return "`corpusmill show OUT` without options shows kept documents"
    rows = tables.query("SELECT DISTINCT step FROM ledger WHERE decision = 'dropped' ORDER BY step")
    if not rows:
        return "no step dropped anything"
    return f"the steps that dropped something are {', '.join(row['step'] for row in rows)}"


def _why(row: Mapping[str, Any], steps: Mapping[str, RunStep]) -> str:
    step = steps.get(row["step"] or "")
    return step.explain(row) if step is not None else ""


def _check_measures(tables: RunTables, query: Query) -> None:
    known = ["language_score", "bytes", *tables.measures()]
    for bound in query.between:
        if bound.column not in known:
            raise RecipeError(
                f"--between: this run has no measure {bound.column!r}; it has {', '.join(known)}"
            )


def _page(tables: RunTables, query: Query, first: int, number: int) -> list[dict[str, Any]]:
    matching, values = condition(query)
    sql = f"""
        SELECT l.*, u.cluster, u.keeper, u.similarity, u.layer, u.kept AS kept_copy,
               (SELECT e.layer FROM emptied e WHERE e.id = l.id) AS emptied,
               (SELECT min(e.message) FROM errors e WHERE e.id = l.id) AS message
        FROM ledger l LEFT JOIN duplicates u USING (id)
        WHERE {matching} ORDER BY l.source, l.file, l.offset, l.index LIMIT {number} OFFSET {first}
    """  # noqa: S608 - the condition is the user's own, run on the user's own files
    try:
        return tables.query(sql, values)
    except duckdb.Error as error:
        raise RecipeError(f"--where {query.where!r}: {error}") from error


def as_text(row: Mapping[str, Any], whole: bool = False) -> str:
    """Return a record for a terminal: decision, where it is from, measures, text; nothing in it can act."""
    if row["decision"] == "damaged":
        place = f"{row['source']}:{row['file']}, {row['length']} bytes at byte {row['offset']}"
        return escape(f"{place}  damaged: {row['reason']}\n{row['message']}")
    why = f" by {row['step']}: {row['reason']}" if row["step"] else ""
    why += f" ({row['why']})" if row.get("why") else ""
    copy = ""
    if row["cluster"] is not None and not row["kept_copy"]:
        copy = (
            f" by the steps, removed as {row['layer']} duplicate of {row['keeper']} ({row['similarity']:.2f})"
        )
    elif row.get("emptied"):
        copy = f" by the steps, removed because it has only {EMPTIED[row['emptied']]}"
    text = str(row["text"] or "")
    shown = text if whole else text[:TEXT_CHARACTERS]
    more = f"\n[{len(text) - len(shown)} more characters]" if len(shown) < len(text) else ""
    lines = [
        f"{row['id']}  {row['decision']}{why}{copy}",
        f"{row['url'] or '-'}",
        f"{row['source']}:{row['file']} at byte {row['offset']}, record {row['index']}, "
        f"language {row['language'] or '-'} {_short(row['language_score'])}, {row['bytes'] or 0} bytes",
        row.get("message") or "",
    ]
    removed = "\n".join(_pieces(row))
    measured = "\n".join(_measures(row))
    head = "\n".join(line for line in lines if line)
    tail = "".join(f"\n\n{part}" for part in (removed, measured) if part)
    return escape(f"{head}\n\n{shown}") + more + escape(tail)


def _pieces(row: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each piece that was removed from the text: how it begins, how long it is, where else it is."""
    removed = row.get("removed") or []
    for piece in removed[:MOST_PIECES]:
        begins = " ".join(piece["text"][: 2 * PIECE_CHARACTERS].split())[:PIECE_CHARACTERS]
        where = (
            f"in {piece['documents']} documents"
            if "documents" in piece
            else f"first at character {piece['first_start']} of {piece['first']}"
        )
        yield f"  [removed: {len(piece['text'])} characters, {where}] {begins}"
    if len(removed) > MOST_PIECES:
        yield f"  [{len(removed) - MOST_PIECES} more removed]"


def _measures(row: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each step: its name, and what it measured."""
    by_step: dict[str, list[str]] = {}
    for column, value in row.items():
        step, dot, name = column.partition(".")
        if dot and value is not None:
            by_step.setdefault(step, []).append(f"{name} {_short(value)}")
    width = max(map(len, by_step), default=0)
    yield from (f"  {step:<{width}}  {', '.join(measured)}" for step, measured in by_step.items())


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else "" if value is None else str(value)
