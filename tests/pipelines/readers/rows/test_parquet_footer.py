"""Where the rows lie is what Arrow says, for every file that it writes, and an error for what is no footer."""

from __future__ import annotations

import contextlib
import io
import signal
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.readers.rows.parquet_footer import TAIL_BYTES, Group, row_groups
from tests.fuzz.readers import crashers

CONTRADICTORY = crashers("parquet") / "ce7751c1162c5600"
"""A file whose size statistics contradict its schema, found by fuzzing."""

TABLE = pa.table(
    {
        "text": ["a text", None, "another", "a text"] * 25,
        "meta": [{"tags": ["x", "y"], "n": n, "ok": n % 2 == 0} for n in range(100)],
        "map": pa.array([[("k", n / 3)] for n in range(100)], pa.map_(pa.string(), pa.float64())),
        "nothing": pa.nulls(100),
    }
)
OPTIONS = (
    {},
    {"use_dictionary": False, "write_statistics": False, "compression": "zstd"},
    {"write_page_index": True, "write_page_checksum": True, "store_schema": False, "version": "1.0"},
    {"sorting_columns": [pq.SortingColumn(0)], "data_page_size": 64},
)


def as_arrow_says(data: bytes) -> list[Group]:
    """Return the same from Arrow's own metadata."""
    groups = []
    metadata = pq.read_metadata(io.BytesIO(data))
    for ordinal in range(metadata.num_row_groups):
        group = metadata.row_group(ordinal)
        columns = [group.column(index) for index in range(group.num_columns)]
        starts = [column.dictionary_page_offset or column.data_page_offset for column in columns]
        ends = [start + column.total_compressed_size for start, column in zip(starts, columns, strict=True)]
        groups.append(Group(ordinal, min(starts), max(ends) - min(starts), group.num_rows))
    return groups


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("rows", [7, 100])
def test_row_groups_are_where_arrow_says(options: dict[str, object], rows: int) -> None:
    sink = io.BytesIO()
    pq.write_table(TABLE, sink, row_group_size=rows, **options)
    data = sink.getvalue()
    found = row_groups(io.BytesIO(data), len(data))
    assert found == as_arrow_says(data)
    assert len(found) == -(-100 // rows)


def test_a_table_without_rows_has_no_groups() -> None:
    sink = io.BytesIO()
    pq.write_table(TABLE.slice(0, 0), sink)
    assert row_groups(sink, len(sink.getvalue())) == []


@given(st.binary(max_size=200))
def test_what_is_no_footer_is_an_error(footer: bytes) -> None:
    data = b"PAR1" + footer + len(footer).to_bytes(4, "little") + b"PAR1"
    assert len(data) >= TAIL_BYTES
    with contextlib.suppress(ValueError):
        row_groups(io.BytesIO(data), len(data))


def test_a_footer_nested_without_end_is_an_error() -> None:
    footer = b"\x1c" * 100_000
    data = footer + len(footer).to_bytes(4, "little") + b"PAR1"
    with pytest.raises(ValueError, match="cannot be read"):
        row_groups(io.BytesIO(data), len(data))


@pytest.mark.integration
def test_arrow_still_ends_the_process_on_such_a_footer() -> None:
    """When this fails, pyarrow raises an exception instead: then `row_groups` can ask Arrow, and `_Compact` can go."""
    code = "import sys, pyarrow.parquet as pq; pq.read_metadata(sys.argv[1]).row_group(0).column(0)"
    done = subprocess.run([sys.executable, "-c", code, str(CONTRADICTORY)], capture_output=True, text=True)
    assert done.returncode == -signal.SIGABRT, done.stderr
    assert "histogram size mismatch" in done.stderr


def test_the_same_footer_is_read_here() -> None:
    data = CONTRADICTORY.read_bytes()
    assert len(row_groups(io.BytesIO(data), len(data))) > 0
