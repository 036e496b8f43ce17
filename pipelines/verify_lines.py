"""Part of ``corpusmill verify``: the finished text is the filtered one without the lines that dedup removed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from filters.dedup.lines import Lines
from pipelines.manifest import folder_files
from pipelines.stages.dedup_lines import REMOVED_LINES, without
from pipelines.storage import Storage

Manifest = Mapping[str, Any]


def emptied(storage: Storage, documents: Manifest, unit: str) -> set[str]:
    """Return the ids of documents of a unit of which no line was left."""
    edited = _column(storage, documents, REMOVED_LINES.name, unit)
    return edited - _column(storage, documents, "documents", unit) if edited else edited


def line_faults(storage: Storage, filtered: Manifest, documents: Manifest) -> Iterator[str]:
    """Yield a line for each unit whose finished text is not what its removed lines leave."""
    settings = documents["key_parts"]["settings"].get("lines")
    if settings is None:
        return
    rule = Lines(**settings)
    for file in folder_files(documents, REMOVED_LINES.name):
        path, places = storage.path(file["path"]), defaultdict[str, dict[int, str]](dict)
        for row in pq.read_table(path).to_pylist():
            places[row["id"]][row["place"]] = row["text"]
        before = _texts(storage, filtered, "filtered", file["unit"], places)
        after = _texts(storage, documents, "documents", file["unit"], places)
        for identity, removed in places.items():
            lines = rule.cut(before.get(identity, ""))
            if any(lines[place : place + 1] != [text] for place, text in removed.items()):
                yield f"{path}: {identity} has no such lines in filtered/"
            elif without(rule, lines, removed) != after.get(identity, ""):
                yield f"{path}: {identity} in documents/ is not its text in filtered/ without these lines"


def _column(storage: Storage, manifest: Manifest, folder: str, unit: str) -> set[str]:
    files = [file["path"] for file in folder_files(manifest, folder) if file["unit"] == unit]
    return {
        name for path in files for name in pq.read_table(storage.path(path), columns=["id"])["id"].to_pylist()
    }


def _texts(
    storage: Storage, manifest: Manifest, folder: str, unit: str, ids: Mapping[str, object]
) -> dict[str, str]:
    """Return texts of documents of a unit by id."""
    found: dict[str, str] = {}
    for file in folder_files(manifest, folder):
        if file["unit"] == unit:
            table = pq.read_table(storage.path(file["path"]), columns=["id", "text"])
            wanted = table.filter(pc.is_in(table["id"], pa.array(list(ids), pa.string())))
            found.update(zip(wanted["id"].to_pylist(), wanted["text"].to_pylist(), strict=True))
    return found
