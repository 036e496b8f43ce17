"""The columns of every table of a run, in one place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from filters.document import Document, Origin, Place

_WHERE = [
    pa.field("file", pa.string(), nullable=False),
    pa.field("offset", pa.int64(), nullable=False),
    pa.field("length", pa.int64(), nullable=False),
    pa.field("index", pa.int32(), nullable=False),
]
_ID = pa.field("id", pa.string(), nullable=False)
_RECORD_ID = pa.field("record_id", pa.string())
_URL = pa.field("url", pa.string())
_SOURCE = pa.field("source", pa.string(), nullable=False)
_LANGUAGE = [pa.field("language", pa.string()), pa.field("language_score", pa.float64())]
_DATE = pa.field("date", pa.string())
_DECISION = [
    pa.field("decision", pa.string(), nullable=False),
    pa.field("step", pa.string()),
    pa.field("reason", pa.string()),
]

EXTRACTED = pa.schema(
    [
        _ID,
        _RECORD_ID,
        _URL,
        _SOURCE,
        pa.field("language", pa.string()),
        _DATE,
        *_WHERE,
        pa.field("text", pa.string()),
        *_DECISION,
    ]
)
"""One row per content record. `language` is what the input states; `text` is null where there is none."""

FILTERED = pa.schema(
    [
        _ID,
        _RECORD_ID,
        pa.field("text", pa.string(), nullable=False),
        _URL,
        _SOURCE,
        *_LANGUAGE,
        _DATE,
        *_WHERE,
    ]
)
"""One row per document that all steps kept, with its edited text."""

DOCUMENTS = FILTERED.append(pa.field("cluster_size", pa.int32(), nullable=False))
"""The finished text. `cluster_size` counts the document and its removed copies; 1 = it had none."""

ERRORS = pa.schema(
    [
        pa.field("id", pa.string()),
        _SOURCE,
        *_WHERE[:3],
        pa.field("step", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("error", pa.string(), nullable=False),
        pa.field("message", pa.string(), nullable=False),
    ]
)
"""Detail of error rows and of damaged spans; a damaged span has no id."""

DUPLICATES = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("cluster", pa.string(), nullable=False),
        pa.field("size", pa.int32(), nullable=False),
        pa.field("keeper", pa.string(), nullable=False),
        pa.field("against", pa.string()),
        pa.field("similarity", pa.float64(), nullable=False),
        pa.field("layer", pa.string()),
        pa.field("kept", pa.bool_(), nullable=False),
    ]
)
"""One row per document in a cluster of `size`. The one that is kept has itself as `keeper`, similarity 1, and no
`layer`; the others name their keeper, their Jaccard similarity to it, and how they were found. Where the keeper is
a document of an older run, `against` is the name of that run."""

REMOVED_LINES = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("place", pa.int32(), nullable=False),
        pa.field("text", pa.string(), nullable=False),
        pa.field("documents", pa.int32(), nullable=False),
    ]
)
"""One row per line that was removed from a document: its `place` among the lines of the text in ``filtered/``, from 0,
and how many `documents` have it. A document that has rows here and none in ``documents/`` had nothing else."""

REMOVED_SUBSTRINGS = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("start", pa.int32(), nullable=False),
        pa.field("text", pa.string(), nullable=False),
        pa.field("first", pa.string(), nullable=False),
        pa.field("first_start", pa.int32(), nullable=False),
    ]
)
"""One row per span that was removed from a document, and the document where the same words stand first. `start` and
`first_start` count characters of their texts in ``filtered/``, removed lines left out. Spans of a document do not
overlap; two that touch are parts of passages that overlap. A document that has rows here and none in ``documents/``
had nothing else."""

TOKEN_COUNTS = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("token_count", pa.int32(), nullable=False),
        pa.field("copies", pa.int32(), nullable=False),
    ]
)
"""Tokens of each document without its EOS, and how often it was packed; parts and rows as in ``documents/``."""

_MEASURE_TYPES: Final = {int: pa.int64(), float: pa.float64(), bool: pa.bool_(), str: pa.string()}

Row = Mapping[str, Any]
"""One row of a table, as pyarrow gives and takes it; the table's schema says which values it has."""

BATCH_ROWS: Final = 1024
"""Rows that are worked on at a time: some megabytes of text."""


def ledger_schema(measures: Mapping[str, type]) -> pa.Schema:
    """Return the columns of the ledger: identity, decision, then one typed column per measure.

    ``applied`` counts the steps that measured the record, from the first; null where there was no text to measure.

    Args:
        measures: Python type of each ``step.measure``, in order.
    """
    columns = [_ID, _RECORD_ID, _URL, _SOURCE, *_WHERE, pa.field("bytes", pa.int64()), *_LANGUAGE, *_DECISION]
    columns.append(pa.field("applied", pa.int16()))
    return pa.schema([*columns, *(pa.field(name, _MEASURE_TYPES[kind]) for name, kind in measures.items())])


def to_table(rows: Sequence[Row], schema: pa.Schema) -> pa.Table:
    """Return rows as a table of exactly this schema; a key that a row lacks is null."""
    columns = [pa.array([row.get(name) for row in rows], schema.field(name).type) for name in schema.names]
    return pa.Table.from_arrays(columns, schema=schema)


def open_part(path: Path | str) -> pq.ParquetFile:
    """Open a part of a run; use it as a context manager.

    Tables of a run are read through this function or `batches` only: a damaged page is then an error and never a wrong
    value.
    """
    return pq.ParquetFile(path, page_checksum_verification=True)


def batches(
    path: Path | str, columns: Sequence[str] | None = None, rows: int = BATCH_ROWS
) -> Iterator[pa.RecordBatch]:
    """Yield all rows of a part in order, a batch at a time; one thread reads.

    Args:
        path: of the part.
        columns: those to read; None = all.
        rows: of one batch at most.
    """
    with open_part(path) as part:
        yield from part.iter_batches(rows, columns=columns, use_threads=False)


def text_bytes(path: Path) -> int:
    """Return about how many bytes the ``text`` of a part has: what it was before compression."""
    metadata = pq.read_metadata(path)
    text = metadata.schema.to_arrow_schema().get_field_index("text")
    groups = range(metadata.num_row_groups)
    return sum(metadata.row_group(group).column(text).total_uncompressed_size for group in groups)


def read_rows(path: str, rows: npt.NDArray[np.int64]) -> pa.Table:
    """Return some rows of a part as a table; see `row_tables`."""
    return pa.concat_tables([pq.read_schema(path).empty_table(), *row_tables(path, rows)])


def row_tables(
    path: str, rows: npt.NDArray[np.int64], columns: Sequence[str] | None = None
) -> Iterator[pa.Table]:
    """Yield some rows of a part, by row group; only the row groups that hold one are read.

    Args:
        path: of the part.
        rows: int64, ascending.
        columns: those to read; None = all.
    """
    with open_part(path) as part:
        sizes = [part.metadata.row_group(group).num_rows for group in range(part.num_row_groups)]
        ends = np.cumsum(sizes)
        groups = np.searchsorted(ends, rows, side="right")
        for group in np.unique(groups).tolist():
            table = part.read_row_group(group, columns=columns, use_threads=False)
            yield table.take(rows[groups == group] - (ends[group] - sizes[group]))


def document_row(document: Document) -> Row:
    """Return a document as a row of FILTERED."""
    place = document.origin.place
    return {
        "id": document.id,
        "record_id": document.record_id,
        "text": document.text,
        "url": document.url,
        "source": document.source,
        "language": document.language,
        "language_score": document.language_score,
        "date": document.date,
        "file": document.origin.file,
        "offset": place.offset,
        "length": place.length,
        "index": place.index,
    }


def row_document(row: Row) -> Document:
    """Return the document of a row that has the columns of EXTRACTED or FILTERED and a text."""
    return Document(
        id=row["id"],
        record_id=row["record_id"],
        text=row["text"],
        url=row["url"],
        source=row["source"],
        language=row["language"],
        language_score=row.get("language_score"),
        date=row["date"],
        origin=Origin(row["file"], Place(row["offset"], row["length"], row["index"])),
    )
