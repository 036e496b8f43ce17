"""Parquet tables: a record a row, damage by row group, columns checked against the recipe."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.document import Place
from pipelines.errors import InputError
from pipelines.readers.find import find_reader
from pipelines.readers.parquet import Parquet
from pipelines.readers.record import Record, Span

READER = Parquet()
ROWS = 40
PER_GROUP = 10
TEXTS = [f"Text {number} äöü " * 9 for number in range(ROWS)]


def write(columns: dict[str, Any], **options: Any) -> bytes:
    """Write a table with checksums and small row groups."""
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file, row_group_size=PER_GROUP, write_page_checksum=True, **options)
    return file.getvalue()


DATA = write(
    {
        "text": TEXTS,
        "id": list(range(ROWS)),
        "url": [f"https://x.example/{number}" for number in range(ROWS)],
        "date": [datetime(2024, 1, 1, tzinfo=UTC)] * ROWS,
        "unused": ["x" * 50] * ROWS,
    }
)


def groups(data: bytes) -> list[Span]:
    """Return the row groups of an undamaged file."""
    events = READER.read(io.BytesIO(data), 0, len(data))
    return [event for event in events if isinstance(event, Span) and event.kind == "row_group"]


def test_a_row_becomes_a_record(read: Any) -> None:
    events = read(READER, DATA)
    group = groups(DATA)[1]
    assert events.records[13] == Record(
        place=Place(group.offset, group.length, 3),
        payload=TEXTS[13].encode(),
        media="text",
        charset="utf-8",
        record_id="13",
        url="https://x.example/13",
        date="2024-01-01T00:00:00+00:00",
    )
    assert events.kinds == ["header", *["row_group"] * 4, "footer"]
    assert find_reader("parquet") is Parquet


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(cuts=st.lists(st.integers(0, len(DATA)), max_size=5), hole=st.integers(0, len(DATA) - 20))
def test_ranges_join_to_the_whole(cuts: list[int], hole: int, read: Any, ranges: Any) -> None:
    """Row groups go to the range in which they start, also when something is damaged."""
    damaged = DATA[:hole] + b"\xff" * 20 + DATA[hole + 20 :]
    for data in (DATA, damaged):
        assert ranges(READER, data, cuts) == read(READER, data).all


def test_a_flipped_bit_in_a_page_costs_its_row_group(read: Any) -> None:
    """Checksums catch what decodes to other values; the message names the row group."""
    for group_number, group in enumerate(groups(DATA)):
        for position in range(group.offset + 30, group.offset + group.length, 37):
            mutant = bytearray(DATA)
            mutant[position] ^= 4
            events = read(READER, bytes(mutant))
            assert set(events.payloads) <= {text.encode() for text in TEXTS}
            assert len(events.records) >= ROWS - PER_GROUP
            if len(events.records) < ROWS:
                assert f"row group {group_number}" in events.damaged[0].message
                assert events.damaged[0].offset == group.offset


def test_damage_in_an_unused_column_costs_nothing(read: Any) -> None:
    metadata = pq.ParquetFile(io.BytesIO(DATA)).metadata.row_group(0).column(4)
    mutant = bytearray(DATA)
    mutant[metadata.data_page_offset + 20] ^= 255
    assert len(read(READER, bytes(mutant)).records) == ROWS


@pytest.mark.parametrize(
    "data", [b"<html>404</html>", DATA[:-8], DATA[:-3000], b"PAR1" + bytes(20) + b"PAR1"]
)
def test_a_file_without_a_footer_is_damage_as_a_whole(data: bytes, read: Any) -> None:
    events = read(READER, data)
    assert [(event.offset, event.length, event.reason) for event in events.damaged] == [
        (0, len(data), "not_parquet")
    ]
    assert len(events.all) == 1
    assert not READER.splits(io.BytesIO(data))


def test_empty_files_and_tables(read: Any) -> None:
    assert read(READER, b"").all == []
    assert read(READER, write({"text": pa.array([], pa.string())})).kinds == ["header", "footer"]


def test_a_missing_column_says_which_there_are(tmp_path: Any) -> None:
    """One that the recipe names must be there; a default one need not."""
    path = tmp_path / "renamed.parquet"
    path.write_bytes(write({"content": ["a"], "key": ["b"]}))
    with path.open("rb") as stream, pytest.raises(InputError, match="content, key") as caught:
        list(READER.read(stream, 0, 10))
    assert "renamed.parquet" in str(caught.value)
    assert "`text:`" in str(caught.value)
    with path.open("rb") as stream:
        assert sum(isinstance(event, Record) for event in Parquet(text="content").read(stream, 0, 9999)) == 1
        with pytest.raises(InputError, match="`url:`"):
            list(Parquet(text="content", url="link").read(stream, 0, 10))
        with pytest.raises(InputError, match="`id:`"):
            list(Parquet(text="content", id="identifier").read(stream, 0, 10))


def test_a_path_leads_into_structs(read: Any) -> None:
    """Also where the struct, or a field in it, is null; a column whose name has a dot is that column."""
    rows = [
        {"text": "Hallo", "info": {"url": "https://x.example", "more": {"id": 7}}},
        {"text": None, "info": {"url": None, "more": None}},
        None,
        {"text": "Welt", "info": None},
    ]
    data = write({"page": rows, "a.b": ["de", "en", "fr", "es"]})
    reader = Parquet(text="page.text", url="page.info.url", id="page.info.more.id", language="a.b")
    events = read(reader, data)
    assert [(r.payload, r.url, r.record_id, r.language) for r in events.records] == [
        (b"Hallo", "https://x.example", "7", "de"),
        (b"Welt", None, None, "es"),
    ]
    assert events.reasons == ["no_text", "no_text"]
    with pytest.raises(InputError, match=r"page, page\.text, page\.info, page\.info\.url, .*a\.b"):
        list(Parquet(text="page.txt").read(io.BytesIO(data), 0, 10))


def test_a_text_column_of_numbers_is_refused() -> None:
    with pytest.raises(InputError, match="int64, not text"):
        list(READER.read(io.BytesIO(write({"text": [1, 2]})), 0, 10))


@pytest.mark.parametrize(
    "kind",
    [pa.string(), pa.large_string(), pa.binary(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())],
    ids=str,
)
def test_text_of_every_arrow_type_is_read(kind: pa.DataType, read: Any) -> None:
    table = {"text": pa.array(["one", "two", "two"]).cast(kind), "lang": ["deu", "en", None]}
    records = read(Parquet(language="lang"), write(table)).records
    assert [(record.payload, record.language) for record in records] == [
        (b"one", "de"),
        (b"two", "en"),
        (b"two", None),
    ]


def test_rows_without_sound_text_are_counted(read: Any) -> None:
    events = read(
        READER, write({"text": pa.array([b"good", None, b"", b"\xff\xfe"]), "id": ["a", "b", "c", "d"]})
    )
    assert events.payloads == [b"good"]
    assert [(event.reason, event.error, event.record_id) for event in events.rejected] == [
        ("no_text", False, "b"),
        ("empty_payload", False, "c"),
        ("bad_utf8", True, "d"),
    ]
