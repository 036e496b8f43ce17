"""JSON lines: a record a line, ranges cut anywhere, bad lines counted, columns by name."""

from __future__ import annotations

import bz2
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.document import Place
from pipelines.errors import InputError
from pipelines.readers.find import find_reader
from pipelines.readers.jsonl import Jsonl
from pipelines.readers.record import Record, Span

READER = Jsonl()
ROWS = [
    {
        "id": f"row-{number}",
        "text": f"Text {number} äöü",
        "url": f"https://x.example/{number}",
        "date": "2024-01-01",
    }
    for number in range(6)
]
LINES = [json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in ROWS]
DATA = b"".join(LINES)
TEXTS = [row["text"].encode() for row in ROWS]


def test_a_line_becomes_a_record(read: Any) -> None:
    assert read(READER, DATA).records[1] == Record(
        place=Place(len(LINES[0]), len(LINES[1]), 0),
        payload=TEXTS[1],
        media="text",
        charset="utf-8",
        record_id="row-1",
        url="https://x.example/1",
        date="2024-01-01",
    )
    assert find_reader("jsonl") is Jsonl


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress, bz2.compress])
def test_compressed_files_give_the_same_texts(pack: Any, read: Any) -> None:
    """There the span is the file, and the index the ordinal of the line."""
    data = pack(DATA)
    events = read(READER, data)
    assert events.payloads == TEXTS
    assert [record.place for record in events.records] == [Place(0, len(data), number) for number in range(6)]
    assert not READER.splits(io.BytesIO(data))


def test_lines_may_cross_members(read: Any) -> None:
    """A line lies in the member in which it starts."""
    first, second = gzip.compress(DATA[:200]), gzip.compress(DATA[200:])
    records = read(READER, first + second).records
    assert [record.payload for record in records] == TEXTS
    assert [record.place.offset for record in records] == [0] * 3 + [len(first)] * 3
    assert [record.place.index for record in records] == [0, 1, 2, 0, 1, 2]


@settings(max_examples=150, deadline=None)
@given(
    lines=st.lists(
        st.one_of(st.binary(max_size=30), st.sampled_from([LINES[0][:-1], b"", b"\r", b" "])), max_size=8
    ),
    cuts=st.lists(st.integers(0, 400), max_size=5),
    end=st.sampled_from([b"", b"\n"]),
)
def test_ranges_join_to_the_whole(
    lines: list[bytes], cuts: list[int], end: bytes, read: Any, ranges: Any
) -> None:
    """Any bytes, cut anywhere, give the events of one read, and nothing raises."""
    data = b"\n".join(lines) + end
    if READER.splits(io.BytesIO(data)):
        assert ranges(READER, data, cuts) == read(READER, data).all


def test_every_range_of_two_gives_each_line_once(ranges: Any, read: Any) -> None:
    whole = read(READER, DATA).all
    assert all(ranges(READER, DATA, [cut]) == whole for cut in range(len(DATA)))


@pytest.mark.parametrize(
    ("line", "reason", "error"),
    [
        (b'{"text": "no end', "bad_json", True),
        (b'"a string"', "bad_json", True),
        (b'{"text": "\xff\xfe"}', "bad_json", True),
        (b"[" * 100_000, "bad_json", True),
        (b'{"text": ' + b"9" * 5000 + b"}", "bad_json", True),
        (b'{"id": "1"}', "no_text", False),
        (b'{"text": null}', "no_text", False),
        (b'{"text": 3}', "no_text", False),
        (b'{"text": ""}', "empty_payload", False),
    ],
    ids=lambda value: value[:12] if isinstance(value, bytes) else value,
)
def test_a_bad_line_is_counted(line: bytes, reason: str, error: bool, read: Any) -> None:
    events = read(READER, LINES[0] + line + b"\n" + LINES[1])
    assert events.payloads == TEXTS[:2]
    assert [(event.reason, event.error) for event in events.rejected] == [(reason, error)]
    assert events.rejected[0].place.offset == len(LINES[0])


def test_blank_lines_and_byte_order_mark_are_no_records(read: Any) -> None:
    events = read(READER, b"\xef\xbb\xbf" + LINES[0] + b"\r\n\n" + LINES[1].rstrip())
    assert events.payloads == TEXTS[:2]
    assert events.kinds == ["line", "padding", "padding", "line"]


def test_columns_are_named_by_the_recipe(read: Any) -> None:
    reader = Jsonl(text="content", id="n", url=None, date=None, language="lang")
    row = {"content": "Hallo", "n": 12, "url": "https://x.example", "date": "2024-01-01", "lang": "deu"}
    record = read(reader, json.dumps(row).encode()).records[0]
    assert (record.payload, record.record_id, record.language) == (b"Hallo", "12", "de")
    assert (record.url, record.date) == (None, None)


def test_a_path_leads_into_nested_objects(read: Any) -> None:
    reader = Jsonl(text="page.text", id="page.ids.main", url="a.b")
    row = {"page": {"text": "Hallo", "ids": {"main": 7}}, "a.b": "https://x.example", "a": {"b": "no"}}
    record = read(reader, json.dumps(row).encode()).records[0]
    assert (record.payload, record.record_id, record.url) == (b"Hallo", "7", "https://x.example")


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, zstandard.compress])
def test_a_text_that_is_nowhere_is_an_error_that_names_what_there_is(pack: Any, tmp_path: Path) -> None:
    path = tmp_path / "renamed.jsonl"
    path.write_bytes(pack(b'{"content": "a", "meta": {"raw": "b"}}\n{"key": 1}\n'))
    with (
        path.open("rb") as stream,
        pytest.raises(InputError, match=r"content, meta, meta\.raw, key") as caught,
    ):
        list(READER.read(stream, 0, 99))
    assert "renamed.jsonl" in str(caught.value)
    assert "`text:`" in str(caught.value)
    with path.open("rb") as stream:
        events = list(Jsonl(text="meta.raw").read(stream, 0, 99))
    assert [event.payload for event in events if isinstance(event, Record)] == [b"b"]


def test_odd_values_do_not_cost_the_text(read: Any) -> None:
    """A lone surrogate becomes U+FFFD; values of the wrong type are left out."""
    line = rb'{"text": "a\ud800b", "id": {"x": 1}, "url": 5, "date": "soon"}'
    record = read(READER, line).records[0]
    assert record.payload.decode() == "a\ufffdb"
    assert (record.record_id, record.url, record.date) == (None, None, None)


def test_a_line_longer_than_the_limit_is_an_error(read: Any, ranges: Any) -> None:
    reader = Jsonl(max_line_mb=1)
    long = b'{"text": "' + b"x" * (3 << 20) + b'"}\n'
    data = LINES[0] + long + LINES[1]
    events = read(reader, data)
    assert events.payloads == TEXTS[:2]
    assert [(event.reason, event.error) for event in events.rejected] == [("too_big", True)]
    assert [event.length for event in events.all if isinstance(event, Span)][1] == len(long)
    assert ranges(reader, data, [2 << 20]) == events.all


def test_damage_in_a_compressed_file_is_reported(read: Any) -> None:
    """Lines of other members are kept, also the first one behind the damage."""
    members = [gzip.compress(line) for line in LINES]
    members[2] = members[2][:20] + b"\xff" * (len(members[2]) - 20)
    events = read(READER, b"".join(members))
    assert events.payloads == [*TEXTS[:2], *TEXTS[3:]]
    assert [event.offset for event in events.damaged] == [len(members[0] + members[1])]
    first = b"\xff" * 3 + b"".join(members)[3:]
    assert read(READER, first).payloads == [TEXTS[1], *TEXTS[3:]]


def test_a_cut_file_keeps_the_lines_before_the_cut(read: Any) -> None:
    events = read(READER, gzip.compress(DATA)[:-12])
    assert events.payloads[:4] == TEXTS[:4]
    assert [event.reason for event in events.damaged] == ["truncated"]


def test_a_file_of_an_unread_format_is_damage(read: Any) -> None:
    assert read(READER, b"PK\x03\x04" + bytes(30)).damaged[0].reason == "unsupported_format"
