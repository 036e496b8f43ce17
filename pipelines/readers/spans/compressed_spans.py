"""A compressed file as a chain of independently decodable spans, with byte offsets; no byte is left out.

One walk serves gzip members, bzip2 streams and zstd frames. Every span is decoded to its end, so that its checksum is
verified before its length is believed. Bytes that cannot be decoded are damage, up to the next place where a span
plausibly starts. Nothing here knows the meaning of the decoded bytes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from pipelines.readers.reasons import ReadReason
from pipelines.readers.record import Damaged, Span
from pipelines.readers.spans.compression import MAGIC_BYTES, Codec, DecodeError, skippable_bytes
from pipelines.readers.spans.file_window import READ_BYTES, FileWindow

PIECE_BYTES: Final = 1 << 15
"""Compressed bytes given to a decoder at once: about one page of a crawl, so that little is copied back."""
PROBE_BYTES: Final = 1 << 12
"""Compressed bytes that are decoded to see how a span starts."""

SURE_RUN: Final = 1 << 17
"""Bytes of undamaged spans in a row that cannot lie inside the stored data of another span, as the members of an
archived archive may: a stored deflate block holds at most 65,535 bytes (RFC 1951, 3.2.4), a raw block of zstd 128 KiB
(RFC 8878, 3.1.1.2.4)."""
LOOK_BACK: Final = 1 << 18
"""Bytes before the start of a range at which the walk to it begins."""

MEASURE_FACTOR: Final = 64
"""A span that is not salvaged is followed until it has inflated to this many times `hold`."""

DOUBTED_PARTS: Final = 2
"""Parts of output before a decoding error that are not believed. A bzip2 block (900 kB) comes as one or two parts and
is checked after them; gzip notices damage late, and says so only at the end of the member."""

Starts = bytes | tuple[bytes, ...]
"""How decoded bytes may start; any of them counts."""

_MISSING: Final[dict[str, ReadReason]] = {"gzip": "not_gzip", "bzip2": "not_bzip2", "zstd": "not_zstd"}
"""The reason of bytes at which no span of a codec starts."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Decoded bytes, all or part of the content of one span; `offset` and `length` are those of the span."""

    offset: int
    length: int
    data: bytes


@dataclass(frozen=True, slots=True)
class _Intact:
    """An undamaged span; `data` is None where it decodes to more than is held in memory."""

    offset: int
    length: int
    data: bytes | None


@dataclass(frozen=True, slots=True)
class _Fault:
    """Why a span cannot be decoded."""

    reason: ReadReason
    message: str


class CompressedSpans:
    """The spans of one compressed file.

    Attributes:
        size: bytes of the file.
    """

    def __init__(
        self, stream: BinaryIO, codec: Codec, hold: int, *, starts_with: Starts = b"", salvage: bool = True
    ) -> None:
        """Prepare to walk a file.

        Args:
            stream: the file.
            codec: its format.
            hold: decoded bytes of one span to keep in memory; a longer span is decoded a second time.
            starts_with: how the decoded bytes of a span start, to find the next one after damage.
            salvage: yield the bytes that decode before the damage in a damaged span.
        """
        self._window = FileWindow(stream)
        self.size = self._window.size
        self._codec = codec
        self._hold = hold
        self._starts_with = starts_with
        self._salvage = salvage
        self._measure = None if salvage else hold * MEASURE_FACTOR

    def boundary(self, start: int) -> int:
        """Return the offset of the first span or damage that starts at or after `start`.

        The answer is the same as that of a walk from the beginning of the file. It comes from a shorter walk that
        begins `LOOK_BACK` bytes before `start` and is believed if it followed `SURE_RUN` bytes of undamaged spans;
        otherwise from a longer one.
        """
        reach = LOOK_BACK
        while start < self.size:
            base = max(0, start - reach)
            first = self._next_start(base) if base else 0
            position, sure = self._walk(first, start)
            if base == 0 or sure:
                return position
            reach *= 8
        return self.size

    def chunks(self, position: int) -> Iterator[Chunk | Span | Damaged]:
        """Yield everything from a boundary on: the chunks of each span, then the span; damage; padding."""
        while (found := self._at(position)) is not None:
            if isinstance(found, _Intact) and found.data is None:
                for event in self._stream(found.offset, found.length):
                    yield event
                    position = event.offset + event.length
                continue
            if isinstance(found, _Intact):
                if found.data:
                    yield Chunk(found.offset, found.length, found.data)
                yield Span(found.offset, found.length, self._codec.name if found.data else "padding")
            else:
                if isinstance(found, Damaged) and self._salvage:
                    parts = self._stream(found.offset, found.length)
                    yield from (part for part in parts if isinstance(part, Chunk))
                yield found
            position = found.offset + found.length

    def samples(self, count: int) -> Iterator[bytes]:
        """Yield the decoded bytes of the first undamaged spans, up to a span that is too long to hold."""
        position = self._next_start(0)
        while count > 0 and position < self.size:
            found = self._decode(position, measure=0)
            if isinstance(found, _Intact) and found.data is not None:
                yield found.data
                count -= 1
                position = self._next_start(position + found.length)
            elif isinstance(found, _Fault) and found.reason != "too_big":
                position = self._next_start(position + 1)
            else:
                return

    def head(self, count: int, until: bytes | None = None) -> bytes:
        """Return the first decoded bytes of the file: up to `count` bytes, to the bytes `until`, or to damage."""
        data, position = bytearray(), 0
        while position < self.size:
            for event in self._stream(position, self.size - position):
                if isinstance(event, Damaged):
                    return bytes(data)
                if isinstance(event, Span):
                    position = event.offset + event.length
                    continue
                data += event.data
                if len(data) >= count or (until is not None and until in data):
                    return bytes(data[:count])
        return bytes(data)

    def _walk(self, first: int, start: int) -> tuple[int, bool]:
        """Follow spans up to `start`; return also if the run before the first damage is at least `SURE_RUN` long."""
        position, run_ends = first, None
        for event in self.chunks(first):
            if position >= start:
                break
            if isinstance(event, Chunk):
                continue
            if isinstance(event, Damaged) and run_ends is None:
                run_ends = position
            position = event.offset + event.length
        return position, (position if run_ends is None else run_ends) - first >= SURE_RUN

    def _at(self, position: int) -> _Intact | Span | Damaged | None:
        """Return the span or damage that starts at a boundary; None at the end of the file."""
        head = self._window.read(position, MAGIC_BYTES)
        if not head:
            return None
        if head[0] == 0:
            return Span(position, self._zeros(position), "padding")
        if self._codec.skips and self._codec.skips.match(head):
            length = skippable_bytes(head)
            if position + length <= self.size:
                return Span(position, length, "padding" if position else "dictionary")
        found: _Intact | _Fault = _Fault(_MISSING[self._codec.name], f"no {self._codec.member} starts here")
        if self._codec.magic.match(head):
            found = self._decode(position, self._measure)
        if isinstance(found, _Intact):
            return found
        length = self._next_start(position + 1) - position
        return Damaged(position, length, found.reason, found.message)

    def _decode(self, position: int, measure: int | None) -> _Intact | _Fault:
        """Decode one span to its end, keeping at most `hold` bytes of it.

        Args:
            position: where it starts.
            measure: decoded bytes up to which a span longer than `hold` is followed; None = to its end.
        """
        decoder = self._codec.open()
        parts: list[bytes] = []
        size, at = 0, position
        while not decoder.ended:
            piece = self._window.read(at, PIECE_BYTES)
            if not piece:
                return _Fault(
                    "truncated", f"the file ends inside a {self._codec.member}; fetch the file again"
                )
            try:
                for output in decoder.feed(piece):
                    size += len(output)
                    parts.append(output)
                    if size > self._hold:
                        parts.clear()
            except DecodeError as error:
                return _Fault("corrupt", self._corrupt(error, at + len(piece)))
            at += len(piece)
            if size > self._hold and self._codec.sure and not decoder.ended:
                return _Intact(position, self._next_start(at) - position, None)
            if measure is not None and size > max(self._hold, measure):
                return _Fault("too_big", f"a {self._codec.member} holds more than {size} bytes")
        length = at - decoder.unused - position
        return _Intact(position, length, None if size > self._hold else b"".join(parts))

    def _stream(self, offset: int, length: int) -> Iterator[Chunk | Span | Damaged]:
        """Yield a span of which `length` bytes may be read, part by part, then the span itself or its damage.

        A decoder notices damage late, so the last parts before an error are held back. If the bytes just end, all
        parts are good.
        """
        decoder = self._codec.open()
        doubted: deque[bytes] = deque()
        at, limit = offset, offset + length
        while not decoder.ended and at < limit:
            piece = self._window.read(at, min(PIECE_BYTES, limit - at))
            at += len(piece)
            try:
                for output in decoder.feed(piece):
                    doubted.append(output)
                    if len(doubted) > DOUBTED_PARTS:
                        yield Chunk(offset, length, doubted.popleft())
            except DecodeError as error:
                yield Damaged(offset, length, "corrupt", self._corrupt(error, at))
                return
        for output in doubted:
            yield Chunk(offset, length, output)
        if decoder.ended:
            yield Span(offset, at - decoder.unused - offset, self._codec.name)
        else:
            yield Damaged(
                offset, length, "truncated", f"a {self._codec.member} ends early; fetch the file again"
            )

    def _corrupt(self, error: DecodeError, before: int) -> str:
        advice = "fetch the file again, or recompress it if its source is damaged"
        return f"{self._codec.member}: {error} (before byte {before}); {advice}"

    def _next_start(self, position: int) -> int:
        """Return the first offset from `position` on where a span plausibly starts; else the file's size."""
        while position < self.size:
            block = self._window.read(position, READ_BYTES)
            for match in self._codec.magic.finditer(block):
                if self._plausible(position + match.start()):
                    return position + match.start()
            position += max(1, len(block) - MAGIC_BYTES + 1)
        return self.size

    def _plausible(self, position: int) -> bool:
        if self._codec.sure:
            return True
        piece = self._window.read(position, PROBE_BYTES)
        try:
            output = next(self._codec.open().feed(piece), b"")
        except DecodeError:
            return False
        return output.startswith(self._starts_with)

    def _zeros(self, position: int) -> int:
        """Return how many NUL bytes follow from a position on."""
        count = 0
        while block := self._window.read(position + count, READ_BYTES):
            rest = len(block.lstrip(b"\0"))
            count += len(block) - rest
            if rest:
                break
        return count
