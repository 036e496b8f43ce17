"""Step 7 of the dedup stage: the decisions about a unit become its finished text and its list of duplicates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from filters.dedup.lines import Lines
from filters.dedup.substrings import SPAN
from pipelines.stages.dedup.counts import FREQUENT
from pipelines.stages.dedup.decisions import DECISIONS, LAYERS
from pipelines.stages.dedup.lines import remove_lines
from pipelines.stages.dedup.records import Array
from pipelines.stages.dedup.substrings import remove_substrings
from pipelines.store.fate import REMOVED, Fate
from pipelines.store.folders import EDITS, REMOVED_LINES, REMOVED_SUBSTRINGS, Folder
from pipelines.store.manifest import Totals
from pipelines.store.tables import DOCUMENTS, DUPLICATES
from pipelines.work.marks import UNWATCHED, Watch
from pipelines.work.task import Batch, Counts

BATCH_ROWS: Final = 1024


FOLDERS: Final = (Folder("duplicates", DUPLICATES), Folder("documents", DOCUMENTS))

Edit = Callable[[pa.Table, pa.Array, int], tuple[pa.Table, pa.Table]]
"""From documents, the ids of the rows of ``filtered/`` that they were taken from, and the number of the first of these
rows, to the documents with what is left of them, and the rows about what was removed."""


@dataclass(frozen=True)
class Settings:
    """What shapes the finished text besides the decisions.

    Attributes:
        older: names of the older runs, oldest first.
        lines: the rule for lines that many documents have; None = off.
        substrings: remove passages that an earlier text has.
        scope: the recipe's ``dedup.scope``.
    """

    older: tuple[str, ...]
    lines: Lines | None
    substrings: bool
    scope: str

    @property
    def folders(self) -> tuple[Folder, ...]:
        """The folders that a unit writes a part into."""
        wanted = (self.lines is not None, self.substrings)
        return (*FOLDERS, *(folder for folder, is_on in zip(EDITS, wanted, strict=True) if is_on))


@dataclass(frozen=True)
class Payload:
    """The files of a unit.

    Attributes:
        text: path of its part of ``filtered/``.
        decisions: path of the decisions about its documents; None = no document has a copy.
        lines: path of the lines to remove from them; None = no line goes.
        substrings: path of the spans to remove from them; None = no span goes.
    """

    text: str
    decisions: str | None
    lines: str | None
    substrings: str | None


def process_unit(payload: Payload, settings: Settings, _: Watch = UNWATCHED) -> Iterator[Batch | Counts]:
    """Divide the rows of one part of ``filtered/``, in order, into documents that stay and what is removed.

    Args:
        payload: the files of the unit.
        settings: of the stage.
    """
    edits = dict(_edits(payload, settings))
    lost = {name: Counter[str]() for name in edits}
    decisions = _read_decisions(payload.decisions)
    clustered = decisions.filter(pc.greater(decisions["size"], 1))
    rows, start = clustered["row"].to_numpy(), 0
    with pq.ParquetFile(payload.text, page_checksum_verification=True) as part:
        for batch in part.iter_batches(BATCH_ROWS, use_threads=False):
            first, last = np.searchsorted(rows, (start, start + batch.num_rows))
            here = clustered.slice(first, last - first)
            places = rows[first:last] - np.uint32(start)
            documents, duplicates = _divide(batch, here, places, settings.older)
            tables = {"duplicates": duplicates}
            for name, edit in edits.items():
                left, tables[name] = edit(documents, batch["id"], start)
                lost[name].update(_lost(name, tables[name], len(documents) - len(left)))
                documents = left
            tables["documents"] = documents
            yield from (Batch(name, table) for name, table in tables.items() if table.num_rows)
            start += batch.num_rows
    yield Counts(_counts(start, clustered, decisions, lost))


def _edits(payload: Payload, settings: Settings) -> Iterator[tuple[str, Edit]]:
    """Yield the edits of documents, in order, each with the name of the folder that lists what it removed."""
    if settings.lines is not None:
        frequent = _read(payload.lines, FREQUENT)
        edit = partial(remove_lines, rule=settings.lines, scope=settings.scope, frequent=frequent)
        yield REMOVED_LINES.name, lambda documents, _, __: edit(documents)
    if settings.substrings:
        spans = _read(payload.substrings, SPAN)
        yield (
            REMOVED_SUBSTRINGS.name,
            lambda documents, ids, start: remove_substrings(documents, ids, start, spans),
        )


def _read_decisions(path: str | None) -> pa.Table:
    return pq.read_table(path, use_threads=False) if path else DECISIONS.empty_table()


def _read(path: str | None, dtype: np.dtype[Any]) -> Array:
    return np.frombuffer(Path(path).read_bytes() if path else b"", dtype=dtype)


def _divide(
    batch: pa.RecordBatch, decided: pa.Table, rows: Any, older: Sequence[str]
) -> tuple[pa.Table, pa.Table]:
    """Return the documents that stay and the rows about duplicates.

    Args:
        batch: rows of ``filtered/``.
        decided: the decisions about some of them.
        rows: their places in `batch`.
        older: names of the older runs; the run itself is younger than all.
    """
    stays = pc.is_null(decided["layer"])
    sizes, keep = np.ones(batch.num_rows, dtype=np.int32), np.ones(batch.num_rows, dtype=np.bool_)
    sizes[rows], keep[rows] = decided["size"].to_numpy(), stays.to_numpy()
    documents = pa.Table.from_arrays([*batch.columns, pa.array(sizes)], schema=DOCUMENTS).filter(
        pa.array(keep)
    )
    keepers = pa.array([keeper.hex() for keeper in decided["keeper"].to_pylist()], pa.string())
    names = (*older, None)
    duplicates = pa.Table.from_arrays(
        [
            batch["id"].take(pa.array(rows)),
            keepers,
            decided["size"],
            keepers,
            pa.array([names[age] for age in decided["age"].to_pylist()], pa.string()),
            decided["similarity"],
            decided["layer"],
            stays,
        ],
        schema=DUPLICATES,
    )
    return documents, duplicates


def _lost(folder: str, removed: pa.Table, emptied: int) -> dict[str, int]:
    """Return the totals of rows about what an edit removed."""
    return {
        _layer(folder): removed.num_rows,
        "characters": _count(pc.utf8_length(removed["text"])),
        "documents_edited": pc.count_distinct(removed["id"]).as_py(),
        "documents_emptied": emptied,
    }


def _counts(
    seen: int, clustered: pa.Table, decisions: pa.Table, lost: Mapping[str, Mapping[str, int]]
) -> Totals:
    counted = {layer: _count(pc.equal(clustered["layer"], layer)) for layer in LAYERS if layer}
    for name, pieces in lost.items():
        counted[_layer(name)] = pieces.get("documents_emptied", 0)
    removed = {str(Fate(REMOVED, None, layer)): number for layer, number in counted.items() if number}
    records = {"seen": seen, "kept": seen - sum(removed.values()), **removed}
    edits = {name: dict(pieces) for name, pieces in lost.items()}
    return {"records": records, **edits, "capped": _count(decisions["capped"])}


def _layer(folder: str) -> str:
    """Return the layer that removed the pieces of text in a folder."""
    return folder.removeprefix("removed_")


def _count(marks: Any) -> int:
    return int(pc.sum(marks).as_py() or 0)
