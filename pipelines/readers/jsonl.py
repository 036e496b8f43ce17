"""JSON lines: one object a line, plain, or compressed with gzip, Zstandard or bzip2."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, ClassVar

from pipelines.readers.record import Damaged, Event, Record, Rejected, Span
from pipelines.readers.rows.json_lines import Line, lines, parse_line, span_lines
from pipelines.readers.rows.rows import (
    MISSING,
    check_columns,
    columns_of,
    row_record,
    value_at,
)
from pipelines.readers.spans.chunk_buffer import ChunkBuffer, Place, plain_chunks
from pipelines.readers.spans.compressed_spans import CompressedSpans
from pipelines.readers.spans.compression import Codec, refusal, sniff, sniff_behind_damage
from pipelines.readers.spans.file_window import READ_BYTES

HOLD_BYTES = 32 << 20

# A plain line of JSON has its first key within so many bytes.
_NEAR_BYTES = 64

# What is looked at to see whether the text is where the recipe says: more than enough to meet a row with one.
SAMPLE_BYTES = 1 << 20
SAMPLE_LINES = 1000
SAMPLE_DEPTH = 3


@dataclass(frozen=True)
class Jsonl:
    """Reads the text of each object.

    In a plain file a line is a span and ranges can be read apart; in a compressed one a gzip member, zstd
    frame or bzip2 stream is, and `index` is the line's ordinal there.

    Attributes:
        text: key of the text; ``meta.text`` is the key ``text`` in the object at ``meta``.
        id: key of the identifier; None = there is none.
        url: key of the address; None = there is none.
        date: key of the ISO 8601 time; None = there is none.
        language: key of the language code; None = there is none.
        max_line_mb: MiB of the longest line.
    """

    SOURCE: ClassVar[str] = "jsonl"

    text: str = "text"
    id: str | None = "id"
    url: str | None = "url"
    date: str | None = "date"
    language: str | None = None
    max_line_mb: int = 64

    def splits(self, stream: BinaryIO) -> bool:
        """Say whether this file may be read in byte ranges: whether it is plain."""
        head = _head(stream)
        return _codec(head) is None and refusal(head) is None

    def read(self, stream: BinaryIO, start: int, end: int) -> Iterator[Event]:
        """Yield the events of all spans that start in ``[start, end)``.

        Raises:
            InputError: no object near the start of the file has the text that the recipe names.
        """
        head = _head(stream)
        size = stream.seek(0, 2)
        if objection := refusal(head):
            if start == 0:
                yield Damaged(0, size, "unsupported_format", objection)
            return
        codec = _codec(head)
        if start == 0:
            self._check_text(stream, head, codec)
        if codec:
            yield from self._read_compressed(stream, codec, start, end)
        else:
            yield from self._read_plain(stream, start, end)

    def _check_text(self, stream: BinaryIO, head: bytes, codec: Codec | None) -> None:
        """Look whether any of the first objects has the text: a wrong name would cost every row of the file."""
        start = CompressedSpans(stream, codec, HOLD_BYTES).head(SAMPLE_BYTES) if codec else head
        rows = _objects(start[:SAMPLE_BYTES])
        if rows and all(value_at(row, self.text) is MISSING for row in rows):
            there = dict.fromkeys(name for row in rows for name in _names("", row))
            file = str(getattr(stream, "name", "the file"))
            check_columns(columns_of(self), columns_of(self), there.__contains__, there, file)

    def _read_plain(self, stream: BinaryIO, start: int, end: int) -> Iterator[Event]:
        position = _line_start(stream, start)
        buffer = ChunkBuffer(plain_chunks(stream, position), position)
        for line in lines(buffer, self.max_line_mb << 20):
            if line.start >= end:
                return
            length = line.end - line.start
            event = self._event(line, Place(line.start, length, 0))
            if event is not None:
                yield event
            yield Span(line.start, length, "padding" if event is None else "line")

    def _read_compressed(self, stream: BinaryIO, codec: Codec, start: int, end: int) -> Iterator[Event]:
        spans = CompressedSpans(stream, codec, HOLD_BYTES)
        position = spans.boundary(start)
        if position >= min(end, spans.size):
            return
        yield from span_lines(spans.chunks(position), end, self.max_line_mb << 20, self._event)

    def _event(self, line: Line, place: Place) -> Record | Rejected | None:
        """Return the record of a line; None where the line is blank."""
        row = parse_line(line, place)
        return row_record(place, row, columns_of(self)) if isinstance(row, dict) else row


def _objects(start: bytes) -> list[dict[str, object]]:
    """Return the objects of the first lines; one that is cut is no object."""
    rows = []
    for line in start.split(b"\n", SAMPLE_LINES)[:SAMPLE_LINES]:
        try:
            row = json.loads(line.decode("utf-8-sig"))
        except (ValueError, RecursionError):  # counted where the line is read
            continue
        if isinstance(row, dict):
            rows.append(row)
    return rows


def _names(prefix: str, row: Mapping[str, object]) -> Iterator[str]:
    """Yield the keys of an object, those of objects in it behind a dot."""
    for name, value in row.items():
        yield f"{prefix}{name}"
        if isinstance(value, dict) and prefix.count(".") < SAMPLE_DEPTH:
            yield from _names(f"{prefix}{name}.", value)


def _head(stream: BinaryIO) -> bytes:
    stream.seek(0)
    return stream.read(READ_BYTES)


def _codec(head: bytes) -> Codec | None:
    """Return the codec of the file, also where its first bytes are damaged; None = it is plain."""
    return sniff(head) or (None if b'"' in head[:_NEAR_BYTES] else sniff_behind_damage(head, b"{"))


def _line_start(stream: BinaryIO, start: int) -> int:
    """Return where the first line at or behind `start` begins: behind the newline at or behind the byte before."""
    if start == 0:
        return 0
    position = start - 1
    stream.seek(position)
    while data := stream.read(READ_BYTES):
        at = data.find(b"\n")
        if at >= 0:
            return position + at + 1
        position += len(data)
    return position
