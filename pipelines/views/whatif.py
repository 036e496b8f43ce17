"""``corpusmill whatif``: the funnel under other limits, from the ledger alone.

The checks of the steps become one SQL expression over the ledger's columns, so a million rows are judged in a second
and no text is read. It decides exactly as `filters.judge` does (a test re-runs the stage and compares). A record that
gets past the step that dropped it is ``unknown`` where later steps did not measure it; ``ledger: full`` in the recipe
makes them measure all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from filters.language_codes import BEFORE_SCRIPT, UNDETERMINED
from filters.step import Check, Step
from pipelines.store.manifest import manifest_path, read_current, read_manifest
from pipelines.store.storage import Storage
from pipelines.views.whatif_steps import Change

BYTES_PER_TOKEN = 4.0
"""Bytes of text per token where nothing is packed yet: English in a vocabulary of 32,768 has 3.8 to 3.9."""

UNKNOWN = "unknown"


@dataclass(frozen=True)
class Move:
    """Documents that one fate lost to another: ``kept``, ``dropped STEP.REASON``, ``error …``, ``unknown``."""

    old: str
    new: str
    documents: int
    bytes: int

    @property
    def changes_side(self) -> bool:
        """Whether the documents are kept before or after, but not both."""
        return (self.old == "kept") != (self.new == "kept")


@dataclass(frozen=True)
class Answer:
    """What other limits would have done.

    Attributes:
        moves: every pair of fates that documents have, those that keep theirs included.
        bytes_per_token: by which bytes become estimated tokens.
        estimated: whether that ratio is a guess, because the run has counted no tokens.
        examples: documents that change sides: id, url, bytes, old, new.
    """

    moves: tuple[Move, ...]
    bytes_per_token: float
    estimated: bool
    examples: tuple[dict[str, Any], ...]

    def funnel(self, old: bool) -> dict[str, int]:
        """Return documents by fate, before (`old`) or after."""
        found: dict[str, int] = {}
        for move in self.moves:
            fate = move.old if old else move.new
            found[fate] = found.get(fate, 0) + move.documents
        return found

    def gained(self) -> tuple[int, int]:
        """Return documents and bytes that are dropped now and kept then."""
        return _total(move for move in self.moves if move.changes_side and move.new == "kept")

    def lost(self) -> tuple[int, int]:
        """Return documents and bytes that are kept now and dropped then."""
        return _total(move for move in self.moves if move.changes_side and move.old == "kept")


def _total(moves: Iterator[Move]) -> tuple[int, int]:
    found = list(moves)
    return sum(move.documents for move in found), sum(move.bytes for move in found)


def whatif(storage: Storage, steps: Sequence[Change], examples: int = 10) -> Answer:
    """Judge the whole ledger again.

    Args:
        storage: the run.
        steps: its steps under other limits, see `pipelines.views.whatif_steps`.
        examples: how many documents that change sides to name.
    """
    manifest = read_current(storage, "filtered")
    database = duckdb.connect()
    paths = [str(storage.path(file.path)) for file in manifest.folder("ledger")]
    database.read_parquet(paths).create_view("ledger")
    judged = f"SELECT id, url, bytes, {_old_fate()} AS old, {_new_fate(steps, database)} AS new FROM ledger"  # noqa: S608 - built from checks
    counted = database.execute(
        f"SELECT old, new, count(*), coalesce(sum(bytes), 0)::BIGINT FROM ({judged}) GROUP BY ALL ORDER BY ALL"  # noqa: S608
    ).fetchall()
    moves = tuple(Move(*row) for row in counted)
    named: list[dict[str, Any]] = []
    if examples and any(move.changes_side for move in moves):
        found = database.execute(
            f"SELECT * FROM ({judged}) WHERE (old = 'kept') <> (new = 'kept') ORDER BY id LIMIT {int(examples)}"  # noqa: S608
        )
        names = [column[0] for column in found.description]
        named = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    ratio = _bytes_per_token(storage, database)
    return Answer(moves, ratio or BYTES_PER_TOKEN, ratio is None, tuple(named))


def _old_fate() -> str:
    return "CASE WHEN decision = 'kept' THEN 'kept' ELSE decision || ' ' || step || '.' || reason END"


def _new_fate(steps: Sequence[Change], database: duckdb.DuckDBPyConnection) -> str:
    """Return the expression that gives a record its fate under the new limits."""
    cases = [f"WHEN applied IS NULL THEN {_old_fate()}"]
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
        fault = _fault(change, check)
        if fault is None:
            continue
        was_off = getattr(change.old.step, check.field) is None
        if was_off and _never_measured(position, change, check, database):
            yield f"WHEN applied > {position} THEN '{UNKNOWN}'"
        else:
            yield f"WHEN applied > {position} AND {fault} THEN {_text(f'dropped {change.name}.{check.reason}')}"
    yield f"WHEN applied = {position} AND decision = 'error' THEN {_old_fate()}"


def _active(step: Step | None) -> bool:
    """Say whether a step could drop anything."""
    return step is not None and any(
        getattr(step, check.field) is not None and not (check.op == "and" and not getattr(step, check.field))
        for check in step.CHECKS
    )


def _never_measured(position: int, change: Change, check: Check, database: duckdb.DuckDBPyConnection) -> bool:
    """Say whether a step that ran has left out a measure whose limit was off."""
    column = _column(change, check.measure)
    sql = f"SELECT count(*), count({column}) FROM ledger WHERE applied > {position}"  # noqa: S608
    rows, measured = database.execute(sql).fetchall()[0]
    return bool(rows) and not measured


def _fault(change: Change, check: Check) -> str | None:
    """Return the condition under which a check fails, as `filters.step.is_fault` has it; None = never."""
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
    """Return the limit of a record's language, as `filters.step.limit_for` has it."""
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


def _bytes_per_token(storage: Storage, database: duckdb.DuckDBPyConnection) -> float | None:
    """Return the bytes of extracted text per token of the packed documents; None before they are packed."""
    if not storage.exists(manifest_path("shards")):
        return None
    counts = read_manifest(storage, "shards").folder("token_counts")
    paths = [str(storage.path(file.path)) for file in counts[:SAMPLED_PARTS]]
    if not paths:
        return None
    database.read_parquet(paths).create_view("token_counts")
    sql = "SELECT sum(bytes), sum(token_count) FROM token_counts JOIN ledger USING (id)"
    size, tokens = database.execute(sql).fetchall()[0]
    return size / tokens if tokens else None


SAMPLED_PARTS = 8
"""Parts of ``token_counts/`` that the ratio is taken from."""


def as_json(answer: Answer, steps: Sequence[Change]) -> Mapping[str, Any]:
    """Return the answer for machines."""
    per_token = answer.bytes_per_token
    sides = {"gained": answer.gained(), "lost": answer.lost()}
    return {
        "changed": changes(steps),
        "now": answer.funnel(old=True),
        "then": answer.funnel(old=False),
        "moves": [vars(move) for move in answer.moves if move.old != move.new],
        **{
            side: {"documents": documents, "bytes": size, "tokens": round(size / per_token)}
            for side, (documents, size) in sides.items()
        },
        "bytes_per_token": per_token,
        "documents": list(answer.examples),
    }


def changes(steps: Sequence[Change]) -> list[str]:
    """Return one line per limit that differs: ``gopher_quality.min_words: 50 -> 100``."""
    lines = []
    for change in steps:
        if change.new is None:
            lines.append(f"{change.name}: left out")
            continue
        for field in dict.fromkeys(check.field for check in change.old.step.CHECKS):
            before, after = getattr(change.old.step, field), getattr(change.new, field)
            if before != after:
                lines.append(f"{change.name}.{field}: {before} -> {after}")
    return lines
