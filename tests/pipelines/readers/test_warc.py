"""WARC files: every layout, every kind of damage, and no record or byte lost in any of them."""

from __future__ import annotations

import bz2
import gzip
import io
import itertools
import random
import zlib
from typing import Any

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from warcio.warcwriter import WARCWriter

from filters.document import Place
from pipelines.readers.find import find_reader
from pipelines.readers.record import Damaged, Record, Rejected, Span
from pipelines.readers.warc import Warc

PAGES = [
    f"<html><body><p>Page {number} {'text ' * number * 9}</p></body></html>".encode() for number in range(5)
]
READER = Warc()


@pytest.fixture(scope="module")
def members(warc: Any, response: Any) -> tuple[bytes, list[int]]:
    """Five pages, one gzip member each."""
    return warc([response(page) for page in PAGES])


@pytest.fixture(scope="module")
def plain(warc: Any, response: Any) -> tuple[bytes, list[int]]:
    """The same pages, uncompressed."""
    return warc([response(page) for page in PAGES], gzip=False)


def in_blocks(data: bytes, size: int) -> bytes:
    """Compress in members that end where records do not."""
    return b"".join(gzip.compress(data[start : start + size]) for start in range(0, len(data), size))


def test_a_page_becomes_a_record(members: Any, read: Any) -> None:
    """Every field of a record is what the archive states."""
    data, offsets = members
    records = read(READER, data).records
    assert records[3] == Record(
        place=Place(offsets[3], offsets[4] - offsets[3], 0),
        payload=PAGES[3],
        media="html",
        charset=None,
        record_id="record-3",
        url="https://site.example/3",
        date="2024-01-01T00:00:03Z",
    )
    assert [record.payload for record in records] == PAGES
    assert find_reader("warc") is Warc


@pytest.mark.parametrize(
    "pack",
    [
        pytest.param(lambda data: data, id="plain"),
        pytest.param(gzip.compress, id="one gzip member"),
        pytest.param(lambda data: in_blocks(data, 300), id="gzip blocks"),
        pytest.param(lambda data: in_blocks(data, 64), id="tiny gzip blocks"),
        pytest.param(bz2.compress, id="bzip2"),
        pytest.param(zstandard.compress, id="zstd"),
    ],
)
def test_every_layout_gives_the_same_records(pack: Any, plain: Any, read: Any) -> None:
    """How a file is compressed changes where records lie, not what they are; such files are not split."""
    data = pack(plain[0])
    events = read(READER, data)
    assert events.payloads == PAGES
    assert events.kinds.count("response") == len(PAGES)
    assert events.reports == []
    assert not READER.splits(io.BytesIO(data))
    places = [(record.place.offset, record.place.index) for record in events.records]
    assert len(set(places)) == len(PAGES)


def test_gzip_blocks_name_the_member_in_which_a_record_starts(plain: Any, read: Any) -> None:
    data, offsets = plain
    packed = in_blocks(data, 700)
    starts = [0]
    while starts[-1] < len(packed):
        member = zlib.decompressobj(31)
        member.decompress(packed[starts[-1] :])
        starts.append(len(packed) - len(member.unused_data))
    wanted = [starts[offset // 700] for offset in offsets[:-1]]
    assert [record.place.offset for record in read(READER, packed).records] == wanted


def test_records_of_other_types_are_spans_of_their_type(warc: Any, response: Any, read: Any) -> None:
    """They are counted, by type, and a DNS lookup is none of the pages."""

    def other(kind: str, url: str = "urn:x", mime: str = "text/plain") -> Any:
        def make(writer: WARCWriter, number: int) -> Any:
            return writer.create_warc_record(
                url, kind, payload=io.BytesIO(b"content"), warc_content_type=mime, length=7
            )

        return make

    kinds = ["warcinfo", "metadata", "revisit", "continuation"]
    data, _ = warc(
        [*map(other, kinds), other("response", "dns:site.example", "text/dns"), response(b"<p>page")]
    )
    events = read(READER, data)
    assert events.kinds == [*kinds, "dns", "response"]
    assert events.payloads == [b"<p>page"]


def test_resource_and_conversion_are_content(warc: Any, read: Any) -> None:
    def make(kind: str, mime: str) -> Any:
        return lambda writer, number: writer.create_warc_record(
            "file:///a", kind, payload=io.BytesIO(b"some text"), warc_content_type=mime, length=9
        )

    data, _ = warc(
        [make("resource", "text/html"), make("conversion", "text/plain"), make("resource", "image/png")]
    )
    events = read(READER, data)
    assert [record.media for record in events.records] == ["html", "text"]
    assert events.reasons == ["mime_type"]


def test_damage_says_where_and_why(members: Any, read: Any) -> None:
    data, offsets = members
    broken = data[: offsets[2]] + b"\0\1\2\3" * 5 + data[offsets[2] + 20 :]
    damaged = read(READER, broken).damaged
    assert [event.reason for event in damaged][-1:] == ["not_gzip"]
    assert damaged[-1].offset + damaged[-1].length == offsets[3]


@settings(max_examples=120, deadline=None)
@given(
    cuts=st.lists(st.integers(0, 4000), max_size=4),
    holes=st.lists(st.tuples(st.integers(0, 3000), st.binary(min_size=1, max_size=60)), max_size=3),
    lost=st.integers(0, 200),
)
def test_ranges_join_to_the_whole(
    members: Any, read: Any, ranges: Any, cuts: list[int], holes: list[tuple[int, bytes]], lost: int
) -> None:
    """However a file is cut into ranges, and however damaged it is, the events are those of one read."""
    data = bytearray(members[0])
    for position, junk in holes:
        data[position : position + len(junk)] = junk
    del data[len(data) - lost :]
    assert ranges(READER, bytes(data), cuts) == read(READER, bytes(data)).all


def test_ranges_join_where_an_archive_lies_in_an_archive(
    warc: Any, response: Any, read: Any, ranges: Any
) -> None:
    """Members inside a page that did not compress belong to the page, even for a range that starts in it."""
    generator = random.Random(3)
    inner, _ = warc([response(generator.randbytes(900)) for _ in range(100)])
    page = ("Content-Type", "application/gzip")
    data, _offsets = warc(
        [response(PAGES[1]), response(inner, page), response(PAGES[2]), response(inner, page)]
    )
    whole = read(READER, data)
    assert len(whole.records) + len(whole.rejected) == 4
    for cut in range(100, len(data), 6_000):
        assert ranges(READER, data, [cut]) == whole.all


def test_splits_where_members_are_records(members: Any, response: Any, warc: Any) -> None:
    """Damage at the head of the file does not change the answer."""
    data, offsets = members
    assert READER.splits(io.BytesIO(data))
    assert READER.splits(io.BytesIO(b"\x1f\x8b\x08\0" + b"\xff" * (offsets[1] - 4) + data[offsets[1] :]))
    assert not READER.splits(io.BytesIO(b""))


def test_zeros_and_empty_members_are_padding(members: Any, read: Any) -> None:
    data, offsets = members
    events = read(READER, data[: offsets[2]] + gzip.compress(b"") + data[offsets[2] :] + bytes(512))
    assert events.payloads == PAGES
    assert events.kinds.count("padding") == 2
    assert events.reports == []


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"Content-Length: ", b"Content-Laenge: ", "content_length"),
        (b"Content-Length: ", b"Content-Length: -", "content_length"),
        (b"Content-Length: ", b"Content-Length: 1", "content_length"),
        (b"Content-Length: ", b"Content-Length: 999999999999", "content_length"),
        (b"HTTP/1.1 200", b"no status li", "bad_http"),
        (b"HTTP/1.1 200", b"HTTP/1.1 2x0", "bad_http"),
    ],
)
@pytest.mark.parametrize("packed", [True, False])
def test_a_broken_header_costs_its_record(
    old: bytes, new: bytes, reason: str, packed: bool, plain: Any, read: Any
) -> None:
    """A wrong length neither swallows the next record nor allocates what it promises."""
    data, offsets = plain
    parts = [data[start:end] for start, end in itertools.pairwise(offsets)]
    parts[2] = parts[2].replace(old, new, 1)
    assert parts[2] != data[offsets[2] : offsets[3]]
    events = read(READER, b"".join(gzip.compress(part) if packed else part for part in parts))
    assert events.payloads == [*PAGES[:2], *PAGES[3:]]
    assert [(event.reason, event.error) for event in events.rejected] == [(reason, True)]
    assert events.rejected[0].record_id == "record-2"


def test_too_short_length_is_noticed(plain: Any, read: Any) -> None:
    """A record followed by more than newlines is not a record one can trust."""
    data, offsets = plain
    length = f"Content-Length: {len(PAGES[2])}".encode()
    block = next(line for line in data[offsets[2] :].split(b"\r\n") if line.startswith(b"Content-Length"))
    assert block != length
    broken = data[: offsets[2]] + data[offsets[2] :].replace(block, b"Content-Length: 60", 1)
    events = read(READER, broken)
    assert events.payloads == [*PAGES[:2], *PAGES[3:]]
    assert [(event.reason, event.error) for event in events.rejected] == [("content_length", True)]


def test_headers_that_never_end_are_damage(members: Any, read: Any) -> None:
    data, offsets = members
    endless = gzip.compress(b"WARC/1.0\r\nWARC-Type: response\r\n" + b"X: y\r\n" * 300_000)
    events = read(READER, data[: offsets[2]] + endless + data[offsets[2] :])
    assert events.payloads == PAGES
    assert [event.reason for event in events.damaged] == ["bad_header"]


def test_oversized_records_are_errors_and_the_next_is_read(warc: Any, response: Any, read: Any) -> None:
    """Neither a large record nor one that inflates without end is held in memory."""
    large = b"<p>" + bytes(3 << 20)
    data, _offsets = warc([response(PAGES[1]), response(large), response(PAGES[2])])
    for file in (data, warc([response(PAGES[1]), response(large), response(PAGES[2])], gzip=False)[0]):
        events = read(Warc(max_record_mb=1), file)
        assert events.payloads == PAGES[1:3]
        assert [(event.reason, event.error) for event in events.rejected] == [("too_big", True)]
        assert events.kinds == ["response"] * 3


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"payload": b"<p>x", "status": "404 Not Found"}, "http_status"),
        ({"payload": b"<p>x", "status": "206 Partial Content"}, "http_status"),
        ({"payload": b""}, "empty_payload"),
    ],
)
def test_pages_are_dropped_by_reason(record: Any, reason: str, warc: Any, response: Any, read: Any) -> None:
    events = read(READER, warc([response(**record)])[0])
    assert [(event.reason, event.error) for event in events.rejected] == [(reason, False)]
    assert events.rejected[0].url == "https://site.example/0"


@pytest.mark.parametrize(
    ("sent", "identified", "payload", "media"),
    [
        ("text/html; charset=UTF-8", None, b"x", "html"),
        ("TEXT/HTML,text/html", None, b"x", "html"),
        ("application/xhtml+xml", None, b"x", "html"),
        ("text/plain", None, b"x", "text"),
        ("application/pdf", None, b"<html>", None),
        ("application/octet-stream", "text/html", b"x", "html"),
        ("text/html", "image/png", b"<html>", None),
        (None, None, b"\xef\xbb\xbf <!DOCTYPE html><p>", "html"),
        (None, None, b"%PDF-1.4", None),
    ],
)
def test_the_media_type_decides(
    sent: str | None,
    identified: str | None,
    payload: bytes,
    media: str | None,
    warc: Any,
    response: Any,
    read: Any,
) -> None:
    """What the crawler identified goes before what the server sent, and that before what it looks like."""
    http = [("Content-Type", sent)] if sent else [("Server", "x")]
    extra = {"WARC-Identified-Payload-Type": identified} if identified else {}
    events = read(READER, warc([response(payload, *http, warc=extra)])[0])
    assert [record.media for record in events.records] == ([media] if media else [])
    assert events.reasons == ([] if media else ["mime_type"])


def test_cut_pages_are_kept_unless_asked_otherwise(warc: Any, response: Any, read: Any) -> None:
    data, _ = warc([response(PAGES[1], warc={"WARC-Truncated": "length"})])
    assert read(READER, data).payloads == [PAGES[1]]
    dropped = read(Warc(truncated="drop"), data).rejected
    assert [(event.reason, event.error, event.message) for event in dropped] == [
        ("truncated", False, "length")
    ]


def test_odd_metadata_is_no_reason_to_lose_a_page(plain: Any, read: Any) -> None:
    """No address, an impossible date, an identifier in another form, repeated headers, bare newlines."""
    data, offsets = plain
    page = data[offsets[2] : offsets[3]]
    for old, new in (
        (b"WARC-Target-URI: https://site.example/2\r\n", b""),
        (b"2024-01-01T00:00:02Z", b"2024-13-41T00:00:02Z"),
        (b"<urn:uuid:record-2>", b"plain-id"),
        (b"WARC-Type: response\r\n", b"WARC-Type: response\r\nWARC-Type: metadata\r\n"),
    ):
        assert old in page
        page = page.replace(old, new)
    head, _, rest = page.partition(b"\r\n\r\n")
    record = read(READER, gzip.compress(head.replace(b"\r\n", b"\n") + b"\n\n" + rest)).records[0]
    assert (record.payload, record.url, record.date, record.record_id) == (PAGES[2], None, None, "plain-id")


def test_wget_writes_addresses_in_angle_brackets(plain: Any, read: Any) -> None:
    data = plain[0].replace(b"https://site.example/2", b"<https://site.example/2>")
    assert read(READER, data).records[2].url == "https://site.example/2"


@pytest.mark.parametrize(
    ("data", "reason", "message"),
    [
        (b"<html>403 Access Denied</html>", "not_a_record", "403 Access"),
        (gzip.compress(b"something else"), "not_a_record", "something else"),
        (b"\x04\x22\x4d\x18" + bytes(50), "unsupported_format", "lz4 -d"),
    ],
)
def test_a_file_that_is_no_warc_is_damage_with_a_clear_message(
    data: bytes, reason: str, message: str, read: Any
) -> None:
    events = read(READER, data)
    assert [event.reason for event in events.all if isinstance(event, Damaged)] == [reason]
    assert message in events.damaged[0].message
    assert not any(isinstance(event, Record | Rejected) for event in events.all)


def test_an_empty_file_has_no_events(read: Any) -> None:
    assert read(READER, b"").all == []


def test_after_damage_in_a_file_compressed_in_blocks_the_next_record_is_found(plain: Any, read: Any) -> None:
    """The rest of the record that the damage cost is not taken for anything."""
    packed = in_blocks(plain[0], 300)
    third = [at for at in range(len(packed)) if packed.startswith(b"\x1f\x8b\x08", at)][2]
    events = read(READER, packed[: third + 15] + b"\xff" * 30 + packed[third + 45 :])
    assert third in [event.offset for event in events.damaged]
    assert events.payloads == [PAGES[0], *PAGES[3:]]


def test_junk_between_plain_records_is_damage(plain: Any, read: Any) -> None:
    """Records that state their length and are followed by junk are errors; the rest is kept."""
    data, offsets = plain
    events = read(READER, b"junk at the head\n" + data[: offsets[1]] + data[offsets[1] :])
    assert events.payloads == PAGES
    assert [(event.offset, event.length) for event in events.damaged] == [(0, 17)]


def test_spans_of_plain_records_hold_their_newlines(plain: Any, read: Any) -> None:
    data, offsets = plain
    spans = [event for event in read(READER, data).all if isinstance(event, Span)]
    assert [span.offset for span in spans] == offsets[:-1]
