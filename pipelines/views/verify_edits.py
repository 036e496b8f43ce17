"""Part of ``corpusmill verify``: a finished text is the filtered one without the removed pieces, which are copies."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from filters.dedup.lines import Lines, without
from filters.dedup.tokens import without_spans
from pipelines.store.folders import EDITS
from pipelines.store.manifest import Manifest
from pipelines.store.storage import Storage
from pipelines.store.tables import FILTERED
from pipelines.views.run_tables import create_view

Pieces = Sequence[Mapping[str, Any]]
"""The pieces removed from one document: rows of a folder."""

_FETCHED: Final = 64
_FIRSTS: Final = """
    SELECT f.id, f.text, s.copies, l.lines FROM filtered f
    JOIN (
        SELECT first, list(struct_pack(id, text, first_start)) AS copies FROM removed_substrings GROUP BY first
    ) s ON s.first = f.id
    LEFT JOIN (SELECT id, list(struct_pack(place, text)) AS lines FROM removed_lines GROUP BY id) l ON l.id = f.id
"""


def emptied(storage: Storage, documents: Manifest, unit: str) -> set[str]:
    """Return the ids of the documents of a unit that lost all of their text."""
    edited = {one for folder in EDITS for one in _pieces(storage, documents, folder.name, unit)}
    return edited - _texts(storage, documents, "documents", unit, edited).keys()


def edit_faults(storage: Storage, filtered: Manifest, documents: Manifest) -> Iterator[str]:
    """Yield a line for each document whose finished text is not its filtered text without the removed pieces.

    And one for each removed span that is not in the text that should have it first.
    """
    rule = _rule(documents)
    removed = [file for folder in EDITS for file in documents.folder(folder.name)]
    for unit in sorted({file.unit for file in removed}):
        lines, spans = (_pieces(storage, documents, folder.name, unit) for folder in EDITS)
        ids = lines.keys() | spans.keys()
        before = _texts(storage, filtered, "filtered", unit, ids)
        after = _texts(storage, documents, "documents", unit, ids)
        for identity in sorted(ids):
            left = _edited(before.get(identity, ""), rule, lines.get(identity, ()), spans.get(identity, ()))
            if left is None:
                yield f"{storage.root}: what was removed from {identity} in unit {unit} is not in its text in filtered/"
            elif left != after.get(identity, ""):
                yield f"{storage.root}: {identity} in documents/ is not its text in filtered/ without what was removed"
    yield from _first_faults(storage, filtered, documents)


def _first_faults(storage: Storage, filtered: Manifest, documents: Manifest) -> Iterator[str]:
    """Check the removed spans against the texts that have them first; each text is read once."""
    rule, database = _rule(documents), duckdb.connect()
    for manifest, folder, schema in (
        (filtered, "filtered", FILTERED),
        *((documents, folder.name, folder.schema) for folder in EDITS),
    ):
        files = [str(storage.path(file.path)) for file in manifest.folder(folder)]
        create_view(database, folder, files, schema)
    found, known = database.execute(_FIRSTS), set[str]()
    while rows := found.fetchmany(_FETCHED):
        for identity, text, copies, lines in rows:
            known.add(identity)
            whole = _edited(text, rule, lines or (), ()) or ""
            for copy in copies:
                first = whole[copy["first_start"] :]
                if not "".join(first.split()).startswith("".join(copy["text"].split())):
                    yield f"{storage.root}: a span removed from {copy['id']} does not stand first in {identity}"
    named = database.execute("SELECT DISTINCT first FROM removed_substrings").fetchall()
    for identity in sorted({one for (one,) in named} - known):
        yield f"{storage.root}: removed_substrings/ names {identity}, which is not in filtered/"


def _edited(text: str, rule: Lines | None, lines: Pieces, spans: Pieces) -> str | None:
    """Return a text without some pieces; None if it does not have them."""
    if lines and rule is not None:
        cut = rule.cut(text)
        if any(cut[row["place"] : row["place"] + 1] != [row["text"]] for row in lines):
            return None
        text = without(rule, cut, [row["place"] for row in lines])
    ends = [(row["start"], row["start"] + len(row["text"])) for row in spans]
    if any(text[start:end] != row["text"] for (start, end), row in zip(ends, spans, strict=True)):
        return None
    return without_spans(text, ends) if spans else text


def _rule(documents: Manifest) -> Lines | None:
    settings = documents.settings.get("lines")
    return None if settings is None else Lines(**settings)


def _pieces(storage: Storage, documents: Manifest, folder: str, unit: str) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of a folder about one unit, by document."""
    found: dict[str, list[dict[str, Any]]] = {}
    for file in documents.folder(folder):
        if file.unit == unit:
            for row in pq.read_table(storage.path(file.path), page_checksum_verification=True).to_pylist():
                found.setdefault(row["id"], []).append(row)
    return found


def _texts(
    storage: Storage, manifest: Manifest, folder: str, unit: str, ids: Collection[str]
) -> dict[str, str]:
    """Return texts of documents of a unit by id."""
    found: dict[str, str] = {}
    for file in manifest.folder(folder):
        if ids and file.unit == unit:
            table = pq.read_table(
                storage.path(file.path), columns=["id", "text"], page_checksum_verification=True
            )
            wanted = table.filter(pc.is_in(table["id"], pa.array(list(ids), pa.string())))
            found.update(zip(wanted["id"].to_pylist(), wanted["text"].to_pylist(), strict=True))
    return found
