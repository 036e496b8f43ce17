"""``corpusmill show``: look at documents, kept or dropped, with the decision and every measure behind it.

Rows come from the ledger, texts from ``documents/`` (as finished) or ``extracted/`` (as the steps saw them).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from pipelines.errors import InputError, RecipeError
from pipelines.manifest import folder_files, manifest_path, read_sealed
from pipelines.storage import Storage
from pipelines.terminal import escape

TEXT_CHARACTERS = 1500


@dataclass(frozen=True)
class Query:
    """What to show.

    Attributes:
        dropped: name of a step, or ``step.reason``; documents it dropped.
        errors: only records that are errors.
        cluster: id of a duplicate cluster; its members.
        doc: id, or its first characters; that record.
        where: an SQL condition on the ledger's columns: ``"gopher_quality.words" > 500``.
        limit: show at most so many.
    """

    dropped: str | None = None
    errors: bool = False
    cluster: str | None = None
    doc: str | None = None
    where: str | None = None
    limit: int = 10


def show(storage: Storage, query: Query) -> Iterator[dict[str, Any]]:
    """Yield the matching records: the ledger's columns, ``text``, and duplicate columns where there are any.

    Raises:
        VerificationError: the run has no ledger yet.
        RecipeError: the condition is not valid SQL.
    """
    database = duckdb.connect()
    _tables(storage, database)
    condition, values = _condition(query)
    sql = f"""
        SELECT l.*, u.cluster, u.keeper, u.similarity, u.layer, u.kept AS kept_copy
        FROM ledger l LEFT JOIN duplicates u USING (id)
        WHERE {condition} ORDER BY l.source, l.file, l.offset, l.index LIMIT {int(query.limit)}
    """  # noqa: S608 - the condition is the user's own, run on the user's own files
    try:
        found = database.execute(sql, values)
    except duckdb.Error as error:
        raise RecipeError(f"--where {query.where!r}: {error}") from error
    names = [column[0] for column in found.description]
    rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    if not rows:
        raise InputError("no record matches; `corpusmill show OUT` without options shows kept documents")
    texts = _texts(database, [row["id"] for row in rows])
    yield from ({**row, "text": texts.get(row["id"])} for row in rows)


def _texts(database: duckdb.DuckDBPyConnection, ids: list[str]) -> dict[str, str]:
    """Return texts by id: finished ones where there are, else as extracted. Reads only the rows asked for."""
    found: dict[str, str] = {}
    for table in ("extracted", "documents"):  # the later one wins
        sql = f"SELECT id, text FROM {table} WHERE id IN (SELECT unnest(?)) AND text IS NOT NULL"  # noqa: S608
        found.update(dict(database.execute(sql, [ids]).fetchall()))
    return found


def as_text(row: Mapping[str, Any], whole: bool = False) -> str:
    """Return a record for a terminal: decision, where it is from, measures, text; nothing in it can act."""
    measures = [f"{name}={_short(value)}" for name, value in row.items() if "." in name and value is not None]
    why = f" by {row['step']}: {row['reason']}" if row["step"] else ""
    removed = row["cluster"] is not None and not row["kept_copy"]
    copy = f", {row['layer']} duplicate of {row['keeper']} ({row['similarity']:.2f})" if removed else ""
    text = str(row["text"] or "")
    shown = text if whole else text[:TEXT_CHARACTERS]
    more = f"\n[{len(text) - len(shown)} more characters]" if len(shown) < len(text) else ""
    lines = [
        f"{row['id']}  {row['decision']}{why}{copy}",
        f"{row['url'] or '-'}",
        f"{row['source']}:{row['file']} at byte {row['offset']}, record {row['index']}, "
        f"language {row['language'] or '-'} {_short(row['language_score'])}, {row['bytes'] or 0} bytes",
        "  ".join(measures),
    ]
    return escape("\n".join(line for line in lines if line) + f"\n\n{shown}") + more


def _condition(query: Query) -> tuple[str, list[str]]:
    """Return the SQL condition of a query and its values."""
    parts, values = [], []
    if query.dropped is not None:
        step, _, reason = query.dropped.partition(".")
        parts.append("l.decision = 'dropped' AND l.step = ?")
        values.append(step)
        if reason:
            parts.append("l.reason = ?")
            values.append(reason)
    if query.errors:
        parts.append("l.decision = 'error'")
    if query.cluster is not None:
        parts.append("starts_with(u.cluster, ?)")
        values.append(query.cluster)
    if query.doc is not None:
        parts.append("starts_with(l.id, ?)")
        values.append(query.doc)
    if query.where is not None:
        parts.append(f"({query.where})")
    return " AND ".join(parts) or "l.decision = 'kept'", values


def _tables(storage: Storage, database: duckdb.DuckDBPyConnection) -> None:
    """Define the run's tables as views over the files that the manifests name."""
    extracted = read_sealed(storage, manifest_path("extracted"))
    filtered = read_sealed(storage, manifest_path("filtered"))
    database.read_parquet(_paths(storage, extracted, "extracted")).create_view("extracted")
    database.read_parquet(_paths(storage, filtered, "ledger")).create_view("ledger")
    finished = storage.exists(manifest_path("documents"))
    documents = read_sealed(storage, manifest_path("documents")) if finished else {"files": ()}
    texts = _paths(storage, documents, "documents") or _paths(storage, filtered, "filtered")
    database.read_parquet(texts).create_view("documents")
    copies = _paths(storage, documents, "duplicates")
    if copies:
        database.read_parquet(copies).create_view("duplicates")
    else:
        columns = "NULL::VARCHAR AS {}".format
        strings = ", ".join(columns(name) for name in ("id", "cluster", "keeper", "layer"))
        database.execute(
            f"CREATE VIEW duplicates AS SELECT {strings}, NULL::DOUBLE AS similarity, NULL::BOOLEAN AS kept WHERE false"
        )


def _paths(storage: Storage, manifest: Mapping[str, Any], folder: str) -> Sequence[str]:
    return [str(storage.path(file["path"])) for file in folder_files(manifest, folder)]


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else "" if value is None else str(value)
