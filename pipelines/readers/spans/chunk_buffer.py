"""Decoded chunks as one run of bytes from which records are cut; the buffer knows in which span each record starts.

Records need not end where spans end. A cutter pulls as many bytes as it needs. The spans passed on the way are handed
out later, each behind the records that start in it, so that the order of events does not depend on where a range
of the file begins.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from filters.document import Place
from pipelines.readers.record import Damaged, Span
from pipelines.readers.spans.compressed_spans import Chunk
from pipelines.readers.spans.file_window import READ_BYTES

_ENDING_BYTES: Final = 32
"""Bytes kept of the end of a run: enough to recognise an end tag."""


@dataclass(slots=True)
class _Mark:
    """The first chunk of a span: its position in the run, its span, and the records seen in the span so far."""

    position: int
    offset: int
    length: int
    records: int = 0


class ChunkBuffer:
    """The bytes of a run of chunks: from one damaged span, or an end of the file, to the next.

    Attributes:
        data: bytes pulled and not dropped.
        at: index of the cutter in `data`.
        after_damage: the run starts behind damage, not at the start of the file or of the range.
    """

    def __init__(
        self, events: Iterator[Chunk | Span | Damaged], position: int = 0, barrier: tuple[bytes, ...] = ()
    ) -> None:
        """Wrap a walk over spans.

        Args:
            events: chunks, each span behind its chunks.
            position: number of the first byte.
            barrier: starts of records; a span that starts with one of them never completes the record before it.
        """
        self._events = events
        self._barrier = barrier
        self._next: Chunk | Damaged | None = None
        self._passed: deque[Span | Damaged] = deque()
        self._marks: deque[_Mark] = deque()
        self._base = position
        self.data = b""
        self.at = 0
        self.after_damage = False
        self._ending = b""

    @property
    def position(self) -> int:
        """Number of the byte at the cutter."""
        return self._base + self.at

    def fill(self, count: int, *, cross: bool = True) -> bool:
        """Pull until `count` bytes follow the cutter; return False if the run ends before.

        Args:
            count: bytes wanted.
            cross: pull also a span that starts with the barrier, because no record is open.
        """
        have = len(self.data) - self.at
        if have >= count:
            return True
        parts = [self.data[self.at :]]
        while have < count and (chunk := self._pull(cross)) is not None:
            self._mark(chunk, self.position + have)
            parts.append(chunk.data)
            have += len(chunk.data)
        self._base, self.at, self.data = self.position, 0, b"".join(parts) if len(parts) > 1 else parts[0]
        return have >= count

    def drop(self, count: int) -> int:
        """Move the cutter over up to `count` bytes without holding them; return how many were passed."""
        dropped = 0
        while dropped < count and self.fill(1, cross=False):
            step = min(count - dropped, len(self.data) - self.at)
            self.at += step
            dropped += step
        return dropped

    def span_ended(self) -> bool:
        """Return True if the span at the end of `data` is pulled to its end; pull nothing."""
        self._look()
        return not isinstance(self._next, Chunk) or self._starts_span(self._next)

    def place(self, position: int) -> Place:
        """Return the place of the record that starts at a position; each call counts one record."""
        while len(self._marks) > 1 and self._marks[1].position <= position:
            self._marks.popleft()
        mark = self._marks[0]
        mark.records += 1
        return Place(mark.offset, mark.length, mark.records - 1)

    def tail(self) -> tuple[int, bytes] | None:
        """Return the offset of the last span pulled in this run, and the last bytes of the run; None = no span was.

        White space at the end is left out. The bytes are known even after they were dropped.
        """
        return (self._marks[-1].offset, self._ending) if self._marks else None

    def passed(self, before: int | None = None) -> Iterator[Span | Damaged]:
        """Hand out the spans that were passed and start before an offset; None = all."""
        while self._passed and (before is None or self._passed[0].offset < before):
            yield self._passed.popleft()

    def next_run(self) -> bool:
        """Go past the damage at which the run ended; return False at the end of the file."""
        self._look()
        if not isinstance(self._next, Damaged):
            return False
        self._passed.append(self._next)
        self._next = None
        self._base, self.data, self.at = self._base + len(self.data), b"", 0
        self._marks.clear()
        self._ending = b""
        self.after_damage = True
        return True

    def _pull(self, cross: bool) -> Chunk | None:
        self._look()
        chunk = self._next
        if not isinstance(chunk, Chunk):
            return None
        barred = chunk.data.startswith(self._barrier)
        if barred and not cross and self._starts_span(chunk):
            return None
        self._next = None
        if ending := chunk.data.rstrip():
            self._ending = (self._ending + ending)[-_ENDING_BYTES:]
        return chunk

    def _starts_span(self, chunk: Chunk) -> bool:
        return not self._marks or self._marks[-1].offset != chunk.offset

    def _mark(self, chunk: Chunk, position: int) -> None:
        if self._starts_span(chunk):
            self._marks.append(_Mark(position, chunk.offset, chunk.length))

    def _look(self) -> None:
        """Fetch the next chunk or damage; spans before it are passed."""
        while self._next is None and (event := next(self._events, None)) is not None:
            if isinstance(event, Span):
                self._passed.append(event)
            else:
                self._next = event


def plain_chunks(stream: BinaryIO, position: int = 0) -> Iterator[Chunk]:
    """Yield the bytes of an uncompressed file from a position on, as chunks of one span from there."""
    stream.seek(position)
    while data := stream.read(READ_BYTES):
        yield Chunk(position, 0, data)
