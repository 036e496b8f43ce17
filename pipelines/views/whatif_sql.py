"""The checks of steps as SQL over the columns of a ledger: what `filters.judge` would decide under other limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import duckdb

from filters.language_codes import BEFORE_SCRIPT, UNDETERMINED
from filters.step import Check, Step
from pipelines.store.fate import DROPPED, FATE_SQL, UNKNOWN, Fate
from pipelines.views.whatif_steps import Change


def new_fate(steps: Sequence[Change], database: duckdb.DuckDBPyConnection) -> str:
    """Return the expression that gives a record of the ledger its fate under the new limits.

    Args:
        steps: the steps of the ledger, in order, with their new limits.
        database: where the ledger is a view.
    """
    cases = [f"WHEN applied IS NULL THEN {FATE_SQL}"]
    for position, change in enumerate(steps):
        cases += _cases(position, change, database)
        if any(_active(later.new) for later in steps[position:]):
            cases.append(f"WHEN applied <= {position} THEN '{UNKNOWN}'")
    return f"CASE {' '.join(cases)} ELSE 'kept' END"


def _cases(position: int, change: Change, database: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """Yield the ways in which a record can end at one step, in order."""
    if change.new is None:
        return
    for check in change.new.CHECKS:
        failed = fault(change, check)
        if failed is None:
            continue
        was_off = getattr(change.old.step, check.field) is None
        if was_off and _never_measured(position, change, check, database):
            yield f"WHEN applied > {position} THEN '{UNKNOWN}'"
        else:
            yield f"WHEN applied > {position} AND {failed} THEN {_text(str(Fate(DROPPED, change.name, check.reason)))}"
    yield f"WHEN applied = {position} AND decision = 'error' THEN {FATE_SQL}"


def _active(step: Step | None) -> bool:
    """Return True if a step could drop anything."""
    return step is not None and any(
        getattr(step, check.field) is not None and not (check.op == "and" and not getattr(step, check.field))
        for check in step.CHECKS
    )


def _never_measured(position: int, change: Change, check: Check, database: duckdb.DuckDBPyConnection) -> bool:
    """Return True if a step that ran has left out a measure whose limit was off."""
    column = _column(change, check.measure)
    sql = f"SELECT count(*), count({column}) FROM ledger WHERE applied > {position}"  # noqa: S608
    rows, measured = database.execute(sql).fetchall()[0]
    return bool(rows) and not measured


def fault(change: Change, check: Check) -> str | None:
    """Return the condition under which a document fails a check, the same as in `filters.step.is_fault`.

    None = the check is off.
    """
    limit = getattr(change.new, check.field)
    column = _column(change, check.measure)
    if limit is None:
        return None
    if check.op in ("not in", "outside"):
        listed = ", ".join(_text(str(value)) for value in limit)
        absent = f"{column} NOT IN ({listed})" if limit else f"{column} IS NOT NULL"
        return (
            f"{absent} AND {_language(column)} NOT IN ({listed})"
            if check.op == "outside" and limit
            else absent
        )
    if check.op == "and":
        kind = change.old.step.MEASURES[check.measure]
        truth = column if kind is bool else f"{column} <> ''" if kind is str else f"{column} <> 0"
        return truth if limit else None
    if isinstance(limit, Mapping):
        return f"{column} {check.op} {_limit_by_language(limit, _column(change, check.by))}"
    return f"{column} {check.op} {_number(limit)}"


def _limit_by_language(limits: Mapping[str, float | None], column: str) -> str:
    """Return the limit of a record's language, the same as in `filters.step.limit_for`."""
    label = f"coalesce({column}, {_text(UNDETERMINED)})"
    named = [(name, _number(limit)) for name, limit in limits.items()]
    cases = [f"WHEN {label} = {_text(name)} THEN {limit}" for name, limit in named]
    cases += [f"WHEN {_language(label)} = {_text(name)} THEN {limit}" for name, limit in named]
    return f"CASE {' '.join(cases)} ELSE {_number(limits.get('default'))} END"


def _language(label: str) -> str:
    return f"regexp_extract({label}, {_text(BEFORE_SCRIPT)})"


def _number(limit: float | None) -> str:
    return "NULL::DOUBLE" if limit is None else f"'{float(limit)!r}'::DOUBLE"


def _column(change: Change, measure: str) -> str:
    return '"' + f"{change.name}.{measure}".replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
