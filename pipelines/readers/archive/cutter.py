"""Cut a run of bytes into WARC or ARC records by their length, and find the next one where that is wrong.

Only the header block is parsed by warcio; everything else is done here. A declared length is believed only if a
record, or the end, follows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from pipelines.readers.archive.header_block import HeaderError, Headers
from pipelines.readers.archive.layout import Layout
from pipelines.readers.reasons import ReadReason
from pipelines.readers.spans.chunk_buffer import ChunkBuffer

HEADER_BYTES: Final = 1 << 20
"""Bytes of the longest header block."""

_PLAUSIBLE_BYTES: Final = 64
_LENGTH: Final = re.compile(r"[ \t]*([0-9]{1,18})[ \t\r]*")
_NEWLINES: Final = re.compile(rb"[\r\n]*")


class WholeRecord(NamedTuple):
    """One record, as it was written.

    Attributes:
        start: number of its first byte in the run.
        end: number of the byte behind it and the newlines that follow it.
        headers: its WARC headers, names in lower case.
        block: its content block, not copied.
    """

    start: int
    end: int
    headers: Headers
    block: memoryview


class BadRecord(NamedTuple):
    """A record with a header, whose block is broken or larger than asked for; see `WholeRecord`."""

    start: int
    end: int
    headers: Headers
    reason: ReadReason
    message: str


class Junk(NamedTuple):
    """Bytes that belong to no record; see `WholeRecord`."""

    start: int
    end: int
    reason: ReadReason
    message: str


Cut = WholeRecord | BadRecord | Junk


class RecordCutter:
    """Cuts the records of one run."""

    def __init__(self, buffer: ChunkBuffer, layout: Layout, max_block: int, size: int | None) -> None:
        """Prepare to cut.

        Args:
            buffer: the run.
            layout: how its records are laid out.
            max_block: bytes of the largest block to hold in memory.
            size: bytes of the run where that is known (a plain file).
        """
        self._buffer = buffer
        self._layout = layout
        self._start_bytes = max(map(len, layout.starts))
        self._max_block = max_block
        self._size = size

    def cuts(self) -> Iterator[Cut]:
        """Yield the records from the cutter on, and the junk between them, to the end of the run."""
        buffer = self._buffer
        while buffer.fill(1):
            self._skip_newlines()
            if buffer.at == len(buffer.data):
                continue
            buffer.fill(self._start_bytes, cross=False)
            starts = buffer.data.startswith(self._layout.starts, buffer.at)
            yield self._record(buffer.position) if starts else self._junk(buffer.position)

    def _junk(self, start: int) -> Junk:
        seen = self._buffer.data[self._buffer.at : self._buffer.at + 40]
        self._buffer.at += 1
        self._skip_to_plausible()
        message = f"no {self._layout.name} record starts with {seen!r}"
        return Junk(start, self._buffer.position, "not_a_record", message)

    def _record(self, start: int) -> Cut:
        buffer = self._buffer
        header_bytes = self._header_bytes()
        if header_bytes is None:
            message = f"the {self._layout.name} header does not end"
            return self._faulty(start, None, self._start_bytes, "bad_header", message)
        try:
            headers = self._layout.parse(buffer.data[buffer.at : buffer.at + header_bytes])
        except HeaderError as error:
            return self._faulty(start, None, header_bytes, "bad_header", str(error))
        declared = headers.get("content-length")
        digits = _LENGTH.fullmatch(declared or "")
        if digits is None:
            message = f"Content-Length is {declared!r}" if declared else "there is no Content-Length"
            return self._faulty(start, headers, header_bytes, "content_length", message)
        length = int(digits[1])
        follow = length if self._size is None else min(length, self._size - start - header_bytes)
        if length > self._max_block and follow == length:
            return self._too_big(start, headers, header_bytes, length)
        if follow == length and not buffer.fill(header_bytes + length, cross=False):
            follow = len(buffer.data) - buffer.at - header_bytes
        if follow < length:
            message = f"Content-Length is {length}, but only {follow} bytes follow"
            return self._faulty(start, headers, header_bytes, "content_length", message)
        return self._whole(start, headers, header_bytes, length)

    def _whole(self, start: int, headers: Headers, header_bytes: int, length: int) -> Cut:
        """Cut a record whose block is held, if the bytes behind it show that its length is right."""
        buffer = self._buffer
        block_at, end_at = buffer.at + header_bytes, buffer.at + header_bytes + length
        if len(buffer.data) - end_at < _PLAUSIBLE_BYTES and not buffer.span_ended():
            buffer.fill(header_bytes + length + _PLAUSIBLE_BYTES, cross=False)
            block_at, end_at = buffer.at + header_bytes, buffer.at + header_bytes + length
        follows = buffer.data[end_at : end_at + _PLAUSIBLE_BYTES].lstrip(b"\r\n")
        if follows and not self._layout.may_start(follows):
            message = f"Content-Length is {length}, but no record follows there"
            return self._faulty(start, headers, header_bytes, "content_length", message)
        block = memoryview(buffer.data)[block_at:end_at]
        buffer.at = end_at
        self._skip_newlines()
        return WholeRecord(start, buffer.position, headers, block)

    def _too_big(self, start: int, headers: Headers, header_bytes: int, length: int) -> BadRecord:
        dropped = self._buffer.drop(header_bytes + length) - header_bytes
        if dropped < length:
            message = f"Content-Length is {length}, but only {dropped} bytes follow"
            return BadRecord(start, self._buffer.position, headers, "content_length", message)
        self._skip_newlines()
        message = f"the record has {length} bytes; max_record_mb sets the limit"
        return BadRecord(start, self._buffer.position, headers, "too_big", message)

    def _faulty(
        self, start: int, headers: Headers | None, skip: int, reason: ReadReason, message: str
    ) -> BadRecord | Junk:
        """Cut a record without a believable end at the next plausible one behind its first `skip` bytes."""
        self._buffer.at += min(skip, len(self._buffer.data) - self._buffer.at)
        self._skip_to_plausible()
        if headers is None:
            return Junk(start, self._buffer.position, reason, message)
        return BadRecord(start, self._buffer.position, headers, reason, message)

    def _header_bytes(self) -> int | None:
        """Return how long the header block at the cutter is, with its blank line; None = it does not end."""
        buffer = self._buffer
        while True:
            match = self._layout.header_end.search(buffer.data, buffer.at, buffer.at + HEADER_BYTES)
            if match:
                return match.end() - buffer.at
            held = len(buffer.data) - buffer.at
            if held >= HEADER_BYTES or not buffer.fill(held + 1, cross=False):
                return None

    def _skip_to_plausible(self) -> None:
        """Move to where the next record plausibly starts, but not into another span."""
        buffer = self._buffer
        while True:
            match = self._layout.plausible.search(buffer.data, buffer.at)
            if match:
                buffer.at = match.start()
                return
            buffer.at = max(buffer.at, len(buffer.data) - _PLAUSIBLE_BYTES)
            if buffer.span_ended() or not buffer.fill(len(buffer.data) - buffer.at + 1):
                buffer.at = len(buffer.data)
                return

    def _skip_newlines(self) -> None:
        """Move over newlines, but not into another span."""
        buffer = self._buffer
        while True:
            match = _NEWLINES.match(buffer.data, buffer.at)
            buffer.at = match.end() if match else buffer.at
            if buffer.at < len(buffer.data) or buffer.span_ended() or not buffer.fill(1):
                return
