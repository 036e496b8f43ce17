"""What a reader must do with any bytes, and files to begin with."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.readers.record import Damaged, Record, Rejected, Span, find_reader

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
SEEDS = {
    "warc": (SAMPLE / "web.warc.gz").read_bytes()[:40_000],
    "wet": WET * 5,
    "wikipedia": (SAMPLE / "wiki.xml.bz2").read_bytes()[:60_000],
    "jsonl": b"".join(json.dumps({"text": f"line {n}", "id": n}).encode() + b"\n" for n in range(50)),
    "parquet": parquet_bytes(),
}


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
