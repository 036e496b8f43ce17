"""JSON lines: one object a line, plain, or compressed with gzip, Zstandard or bzip2."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, ClassVar, Final

from filters.document import Place
from pipelines.readers.record import Damaged, Event, Record, Rejected, Span
from pipelines.readers.rows.columns import MISSING, Row, check_columns, columns_of, row_record, value_at
from pipelines.readers.rows.json_lines import Line, lines, parse_line, span_lines
from pipelines.readers.spans.chunk_buffer import ChunkBuffer, plain_chunks
from pipelines.readers.spans.compressed_spans import CompressedSpans
from pipelines.readers.spans.compression import Codec, refusal, sniff, sniff_behind_damage
from pipelines.readers.spans.file_window import READ_BYTES

HOLD_BYTES: Final = 32 << 20
"""Decoded bytes of one span to keep in memory."""

SAMPLE_BYTES: Final = 1 << 20
"""Bytes at the start of a file in which a row with the recipe's text key must appear."""
SAMPLE_LINES: Final = 1000
"""Lines of the sample."""
SAMPLE_DEPTH: Final = 3
"""Levels of nested keys that the message about a missing key lists."""

_NEAR_BYTES: Final = 64  # a plain line of JSON has its first key within so many bytes


@dataclass(frozen=True)
class Jsonl:
    """Reads the text of each object.

    In a plain file each line is a span, and several workers can read ranges of it. In a compressed file each gzip
    member, zstd frame or bzip2 stream is a span, and `index` is the number of the line in it.

    Attributes:
        text: key of the text; ``meta.text`` is the key ``text`` in the object at ``meta``.
        id: key of the identifier; None = no key has it.
        url: key of the address; None = no key has it.
        date: key of the ISO 8601 time; None = no key has it.
        language: key of the language code; None = no key has it.
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
        """Return True if the file is not compressed, so that it can be read in byte ranges."""
        head = _head(stream)
        return _codec(head) is None and refusal(head) is None

    def read(self, stream: BinaryIO, start: int, end: int) -> Iterator[Event]:
        """Yield the events of all spans that start in ``[start, end)``.

        Raises:
            InputError: no object near the start of the file has the text key that the recipe names.
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
        """Check that one of the first objects has the text key: a wrong name would cost every row of the file."""
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
        """Return the event of a line; None if the line is blank."""
        row = parse_line(line, place)
        return row if row is None or isinstance(row, Rejected) else row_record(place, row, columns_of(self))


def _objects(start: bytes) -> list[Row]:
    """Return the objects of the first lines; the last line may be cut and is then left out."""
    rows: list[Row] = []
    for line in start.split(b"\n", SAMPLE_LINES)[:SAMPLE_LINES]:
        try:
            row = json.loads(line.decode("utf-8-sig"))
        except (ValueError, RecursionError):  # reported when the line is read
            continue
        if isinstance(row, dict):
            rows.append(row)
    return rows


def _names(prefix: str, row: Row) -> Iterator[str]:
    """Yield the keys of an object, and those of nested objects as paths with dots."""
    for name, value in row.items():
        yield f"{prefix}{name}"
        if isinstance(value, dict) and prefix.count(".") < SAMPLE_DEPTH:
            yield from _names(f"{prefix}{name}.", value)


def _head(stream: BinaryIO) -> bytes:
    stream.seek(0)
    return stream.read(READ_BYTES)


def _codec(head: bytes) -> Codec | None:
    """Return the codec of the file, even if its first bytes are damaged; None = it is plain."""
    return sniff(head) or (None if b'"' in head[:_NEAR_BYTES] else sniff_behind_damage(head, b"{"))


def _line_start(stream: BinaryIO, start: int) -> int:
    """Return where the first line at or behind `start` begins: after the first newline from ``start - 1`` on."""
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
