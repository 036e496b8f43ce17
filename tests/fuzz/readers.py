"""What a reader must do with any bytes, and files to begin with."""

from __future__ import annotations

import bz2
import gzip
import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.readers.find import find_reader
from pipelines.readers.record import Damaged, Record, Rejected, Span

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "tests" / "sample"


def parquet_bytes() -> bytes:
    """A small table of texts in several row groups."""
    sink = io.BytesIO()
    texts = [f"A text of its own, number {n}, long enough to be one." for n in range(60)]
    pq.write_table(pa.table({"text": texts, "id": [str(n) for n in range(60)]}), sink, row_group_size=20)
    return sink.getvalue()


WET = (
    b"WARC/1.0\r\nWARC-Type: conversion\r\nWARC-Target-URI: http://a.example/\r\nContent-Type: text/plain\r\n"
    b"WARC-Record-ID: <urn:uuid:1>\r\nContent-Length: 5\r\n\r\nhello\r\n\r\n"
)
PAGE = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"8\r\n<p>Hello\r\n5\r\n</p>\n\r\n0\r\n\r\n"
)
RESPONSE = (
    b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://a.example/\r\nWARC-Date: 2026-01-02T03:04:05Z\r\n"
    b"Content-Type: application/http; msgtype=response\r\nWARC-Record-ID: <urn:uuid:2>\r\n"
    b"Content-Length: %d\r\n\r\n%s\r\n\r\n" % (len(PAGE), PAGE)
)
WIKI = (
    b'<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" xml:lang="en"><siteinfo><dbname>enwiki</dbname>'
    b'<namespaces><namespace key="0" /><namespace key="6">File</namespace></namespaces></siteinfo>\n'
    b"<page><title>A &amp; B</title><ns>0</ns><id>1</id><revision><id>2</id>"
    b"<timestamp>2026-01-02T03:04:05Z</timestamp><model>wikitext</model><text>''A'' is a [[letter]].</text>"
    b"</revision></page>\n"
    b'<page><title>C</title><ns>0</ns><id>3</id><redirect title="A" /><revision><id>4</id><text>#x</text></revision>'
    b"</page>\n</mediawiki>\n"
)
LINES = b"".join(json.dumps({"text": f"line {n}", "id": n}).encode() + b"\n" for n in range(50))

SEEDS = {
    "warc": (SAMPLE / "web.warc.gz").read_bytes()[:40_000],
    "wet": WET * 5,
    "wikipedia": (SAMPLE / "wiki.xml.bz2").read_bytes()[:60_000],
    "jsonl": LINES,
    "parquet": parquet_bytes(),
}
"""A file of each reader, as they are found in the world."""

SMALL_SEEDS = {
    "warc": (RESPONSE * 2, gzip.compress(RESPONSE, mtime=0) * 2, bz2.compress(RESPONSE)),
    "wet": (WET * 2, gzip.compress(WET, mtime=0) * 2),
    "wikipedia": (WIKI, bz2.compress(WIKI)),
    "jsonl": (LINES[:200], gzip.compress(LINES[:200], mtime=0)),
    "parquet": (parquet_bytes(),),
}
"""Files to mutate a thousand times a second; bare ones too, so that the parsers behind the compression are reached."""


def crashers(reader: str) -> Path:
    """Return the folder of files that once broke a reader."""
    return Path(__file__).parent / "crashers" / reader


def accounted(reader: str, data: bytes) -> None:
    """Read it all; every byte belongs to one span, in order, and every event is one that may come."""
    position = 0
    for event in find_reader(reader)().read(io.BytesIO(data), 0, len(data)):
        assert isinstance(event, Record | Rejected | Span | Damaged)
        if isinstance(event, Span | Damaged):
            assert event.offset == position
            position += event.length
    assert position == len(data)
