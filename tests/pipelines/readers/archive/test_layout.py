"""ARC headers in the forms that crawlers wrote them, and Zstandard files with their dictionary."""

from __future__ import annotations

import gzip
import io
from typing import Any

import pytest
import zstandard

from pipelines.readers.archive.header_block import HeaderError
from pipelines.readers.archive.layout import ARC, WARC
from pipelines.readers.record import Record
from pipelines.readers.spans.compression import DecodeError, dictionary_codec
from pipelines.readers.warc import Warc

READER = Warc()
HEAD = (
    b"filedesc://x.arc 0.0.0.0 20060101000000 text/plain 69\n"
    b"1 0 Crawler\nURL IP-address Archive-date Content-type Archive-length\n\n"
)


def arc(line: bytes, payload: bytes = b"<p>x") -> bytes:
    block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + payload
    return line % len(block) + b"\n" + block + b"\n"


@pytest.mark.parametrize(
    ("line", "url", "time"),
    [
        (b"http://e.com/ 1.2.3.4 20060102030405 text/html 7\n", "http://e.com/", "2006-01-02T03:04:05Z"),
        (b"http://e.com/a b 1.2.3.4 200601020304 text/html 7\n", "http://e.com/a b", "2006-01-02T03:04:00Z"),
        (b"https://e.com/ 1.2.3.4 200601020304050000 no-type 7\n", "https://e.com/", "2006-01-02T03:04:05Z"),
        (
            b"http://e.com/ 1.2.3.4 20060102030405 text/html 200 abcdef - 120 x.arc 7\n",
            "http://e.com/",
            "2006-01-02T03:04:05Z",
        ),
        (
            "http://e.com/ä 1.2.3.4 20060102030405 text/html; x 7\n".encode(),
            "http://e.com/ä",
            "2006-01-02T03:04:05Z",
        ),
    ],
    ids=["1.0", "space and short time", "long time", "2.0", "no ASCII"],
)
def test_an_arc_line_says_what_a_warc_header_says(line: bytes, url: str, time: str) -> None:
    headers = ARC.parse(line)
    assert (headers["warc-target-uri"], headers["warc-date"]) == (url, time)
    assert (headers["warc-type"], headers["content-length"]) == ("response", "7")


def test_what_is_no_arc_line_is_an_error() -> None:
    with pytest.raises(HeaderError, match="null text/html"):
        ARC.parse(b"http://e.com/ 1.2.3.4 null text/html 680\n")


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_an_arc_file_is_read_like_a_warc_file(pack: Any, read: Any) -> None:
    dns = b"dns:e.com 1.2.3.4 20060102030405 text/dns 3\nabc\n"
    page = arc(b"http://e.com/ 1.2.3.4 20060102030405 text/html %d")
    events = read(READER, b"".join(map(pack, (HEAD, dns, page))))
    record = events.records[0]
    assert events.kinds == ["warcinfo", "dns", "response"]
    assert events.reports == []
    assert isinstance(record, Record)
    assert (record.payload, record.media, record.charset) == (b"<p>x", "html", "utf-8")
    assert (record.url, record.date) == ("http://e.com/", "2006-01-02T03:04:05Z")


def test_an_arc_without_its_head_is_still_one(read: Any) -> None:
    pages = [
        gzip.compress(arc(b"http://e.com/ 1.2.3.4 20060102030405 text/html %d", b"<p>%d" % n)) for n in (1, 2)
    ]
    events = read(READER, b"\xff" * 30 + b"".join(pages))
    assert events.payloads == [b"<p>1", b"<p>2"]
    assert [(event.offset, event.length) for event in events.damaged] == [(0, 30)]


def test_a_lying_length_costs_its_arc_record_only(read: Any) -> None:
    good = arc(b"http://e.com/ 1.2.3.4 20060102030405 text/html %d")
    for length in (b"99999", b"-1", b"3", b"7\x1e"):
        bad = good.replace(b" %d\n" % (len(good) - good.index(b"\n") - 2), b" " + length + b"\n", 1)
        assert bad != good
        for pack in (bytes, gzip.compress):
            events = read(READER, b"".join(map(pack, (HEAD, good, bad, good))))
            assert len(events.records) == 2
            assert [(event.reason, event.error) for event in events.rejected] == [("content_length", True)]


def test_a_start_may_be_cut_off() -> None:
    assert WARC.may_start(b"WA")
    assert WARC.may_start(b"WARC/1.0")
    assert not WARC.may_start(b"WARM")
    assert not ARC.may_start(b"WARC/1.0")


def frame(dictionary: bytes) -> bytes:
    return b"\x5d\x2a\x4d\x18" + len(dictionary).to_bytes(4, "little") + dictionary


@pytest.mark.parametrize("packed", [False, True])
def test_the_dictionary_may_be_compressed(packed: bool, warc: Any, response: Any, read: Any) -> None:
    record = warc([response(b"<p>page")], gzip=False)[0]
    content = zstandard.ZstdCompressor(dict_data=zstandard.ZstdCompressionDict(record)).compress(record)
    data = frame(zstandard.compress(record) if packed else record) + content
    events = read(READER, data)
    assert events.payloads == [b"<p>page"]
    assert events.kinds == ["dictionary", "response"]
    assert READER.splits(io.BytesIO(data))


def test_frames_without_content_are_padding(warc: Any, response: Any, read: Any) -> None:
    record = zstandard.compress(warc([response(b"<p>page")], gzip=False)[0])
    events = read(READER, record + b"\x50\x2a\x4d\x18\x04\0\0\0abcd" + record)
    assert events.kinds == ["response", "padding", "response"]
    assert events.reports == []


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (frame(b"x" * 99)[:50], "cut off"),
        (frame(zstandard.compress(b"dictionary" * 50)[:-3]), "damaged"),
        (b"\x5d\x2a\x4d\x18\xff\xff\xff\xff", "64 MiB"),
    ],
)
def test_a_damaged_dictionary_is_damage_of_the_file(data: bytes, message: str, read: Any) -> None:
    with pytest.raises(DecodeError, match=message):
        dictionary_codec(io.BytesIO(data))
    damaged = read(READER, data).damaged
    assert [(event.offset, event.length, event.reason) for event in damaged] == [
        (0, len(data), "bad_dictionary")
    ]
    assert not READER.splits(io.BytesIO(data))
