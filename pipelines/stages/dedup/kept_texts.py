"""The texts that steps 5 and 6 of the dedup stage work on: those of the documents of a unit that stay."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.stages.dedup.records import Array
from pipelines.stages.dedup.search import Search, SearchUnit, table_path
from pipelines.stages.dedup.signatures import scope_hash

BATCH_ROWS: Final = 1024


def kept_texts(unit: SearchUnit, search: Search) -> Iterator[tuple[int, str, int]]:
    """Yield the row in ``filtered/``, the text and the scope of each document of a unit that is not a duplicate."""
    gone, start = _removed_rows(unit, search), 0
    scope = search.dedup.scope
    columns = ["text", *(() if scope == "global" else (scope,))]
    with pq.ParquetFile(unit.text, page_checksum_verification=True) as part:
        for batch in part.iter_batches(BATCH_ROWS, columns=columns, use_threads=False):
            rows = np.setdiff1d(np.arange(start, start + batch.num_rows), gone)
            kept = pa.Table.from_batches([batch]).take(pa.array(rows - start))
            yield from zip(rows.tolist(), kept["text"].to_pylist(), seeds(kept, scope), strict=True)
            start += batch.num_rows


def seeds(table: pa.Table, scope: str) -> list[int]:
    """Return the number of each document's scope: only documents of one number are compared.

    Args:
        table: documents, with the column that `scope` names.
        scope: the recipe's ``dedup.scope``.
    """
    values = [""] * len(table) if scope == "global" else table[scope].to_pylist()
    return [scope_hash(value) for value in values]


def with_texts(documents: pa.Table, texts: Sequence[str]) -> pa.Table:
    """Return rows of ``documents/`` with other texts, without the rows whose text is empty."""
    place, field = documents.column_names.index("text"), documents.schema.field("text")
    edited = documents.set_column(place, field, pa.array(texts, pa.string()))
    return edited.filter(pa.array([bool(text) for text in texts], pa.bool_()))


def _removed_rows(unit: SearchUnit, search: Search) -> Array:
    path = table_path("decisions", unit.name)
    if not search.storage.exists(path):
        return np.empty(0, dtype=np.uint32)
    decisions = pq.read_table(search.storage.path(path), columns=["row", "layer"], use_threads=False)
    return decisions.filter(pc.is_valid(decisions["layer"]))["row"].to_numpy()  # type: ignore[no-any-return]
