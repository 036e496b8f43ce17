"""The events of a range of a WARC or ARC file, whatever its compression: shared by the readers of WARC and WET.

Most such files hold one record per gzip member or Zstandard frame. Then the member is the record's span, several
workers can read ranges of the file, and reading goes on after damage at the next member that decodes to a record.
Other files (compressed as a whole, in blocks, or with bzip2) are read by one worker as one run of records.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from filters.document import Place
from pipelines.readers.archive.block_digest import digest_fault
from pipelines.readers.archive.content import Content, content_record, kind_of
from pipelines.readers.archive.cutter import BadRecord, Cut, Junk, RecordCutter, WholeRecord
from pipelines.readers.archive.format import Format, format_of, head_of
from pipelines.readers.archive.layout import Layout
from pipelines.readers.reasons import ReadReason
from pipelines.readers.record import MESSAGE_CHARACTERS, Damaged, Event, Span
from pipelines.readers.spans.chunk_buffer import ChunkBuffer, plain_chunks
from pipelines.readers.spans.compressed_spans import CompressedSpans
from pipelines.readers.spans.compression import Codec, DecodeError, refusal

HEADER_MARGIN: Final = 2 << 20
"""Bytes of a record's WARC and HTTP headers, on top of the largest payload."""


def splits(stream: BinaryIO) -> bool:
    """Return True if each gzip member or Zstandard frame of the file is one record, so that ranges can be read."""
    try:
        return format_of(stream, head_of(stream)).aligned
    except DecodeError:
        return False


def read(stream: BinaryIO, start: int, end: int, content: Content) -> Iterator[Event]:
    """Yield the events of all spans that start in ``[start, end)``; see `pipelines.readers.record.Reader`."""
    head = head_of(stream)
    size = stream.seek(0, 2)
    try:
        form = format_of(stream, head)
    except DecodeError as error:
        if start == 0:
            yield Damaged(0, size, "bad_dictionary", str(error))
        return
    objection = refusal(head) if form.codec is None else None
    if objection is not None:
        if start == 0:
            yield Damaged(0, size, "unsupported_format", objection)
    elif form.codec is not None:
        yield from _read_compressed(stream, form.codec, form, start, end, content)
    elif start == 0 and size > 0:
        yield from _read_plain(stream, size, form.layout, content)


_Fault = tuple[ReadReason, str]
"""Reason and message."""


@dataclass
class _SpanNotes:
    """Record types and faults that were seen in spans, by offset, until the spans are handed out."""

    kinds: dict[int, list[str]] = field(default_factory=dict)
    faults: dict[int, list[_Fault]] = field(default_factory=dict)

    def add_kind(self, offset: int, kind: str) -> None:
        """Note the type of a record that starts in a span."""
        self.kinds.setdefault(offset, []).append(kind)

    def add_fault(self, offset: int, fault: _Fault) -> None:
        """Note a fault in a span."""
        self.faults.setdefault(offset, []).append(fault)

    def hand_out(self, span: Span | Damaged) -> Iterator[Event]:
        """Yield a span under the type of its record, or as damage if there is no record."""
        kinds = self.kinds.pop(span.offset, [])
        faults = self.faults.pop(span.offset, [])
        if isinstance(span, Span) and faults and not kinds:
            yield Damaged(span.offset, span.length, *faults[0])
            return
        yield from (Damaged(span.offset, 0, *fault) for fault in faults)
        if isinstance(span, Span) and len(kinds) == 1:
            yield Span(span.offset, span.length, kinds[0])
            return
        yield from (Span(span.offset, 0, kind) for kind in kinds)
        yield span


def _read_compressed(
    stream: BinaryIO, codec: Codec, form: Format, start: int, end: int, content: Content
) -> Iterator[Event]:
    layout, aligned = form.layout, form.aligned
    hold = content.max_bytes + HEADER_MARGIN
    starts = layout.starts if aligned else b""
    spans = CompressedSpans(stream, codec, hold, starts_with=starts, salvage=not aligned)
    position = spans.boundary(start)
    if position >= min(end, spans.size):
        return
    buffer = ChunkBuffer(spans.chunks(position), barrier=layout.starts)
    notes = _SpanNotes()
    running = True
    while running:
        yield from _run(buffer, layout, notes, end, content, has_checksums=codec.has_checksums)
        running = buffer.next_run()
    for span in buffer.passed(end):
        yield from notes.hand_out(span)


def _run(
    buffer: ChunkBuffer,
    layout: Layout,
    notes: _SpanNotes,
    end: int,
    content: Content,
    *,
    has_checksums: bool,
) -> Iterator[Event]:
    """Yield the events of the records up to the next damage."""
    torn = buffer.after_damage  # the run may begin with the rest of a record that the damage has cost
    for cut in RecordCutter(buffer, layout, content.max_bytes, None).cuts():
        place = buffer.place(cut.start)
        for span in buffer.passed(min(place.offset, end)):
            yield from notes.hand_out(span)
        if place.offset >= end:
            return
        if isinstance(cut, Junk):
            if not torn or cut.reason == "bad_header":
                notes.add_fault(place.offset, _fault(cut))
            continue
        torn = False
        kind = kind_of(cut.headers)
        notes.add_kind(place.offset, kind)
        if kind in content.kinds:
            yield content_record(cut, kind, place, content)
        elif isinstance(cut, BadRecord) and cut.reason != "too_big":
            notes.add_fault(place.offset, _fault(cut))
        if not has_checksums and (altered := _digest_fault(cut)):
            notes.add_fault(place.offset, altered)


def _fault(cut: BadRecord | Junk) -> _Fault:
    return cut.reason, cut.message[:MESSAGE_CHARACTERS]


def _digest_fault(cut: Cut) -> _Fault | None:
    altered = digest_fault(cut.headers, cut.block) if isinstance(cut, WholeRecord) else None
    return ("digest", altered[:MESSAGE_CHARACTERS]) if altered else None


def _read_plain(stream: BinaryIO, size: int, layout: Layout, content: Content) -> Iterator[Event]:
    """Yield the events of an uncompressed file; a record with the newlines behind it is a span."""
    buffer = ChunkBuffer(plain_chunks(stream))
    position, sound = 0, False
    for cut in RecordCutter(buffer, layout, content.max_bytes, size).cuts():
        if cut.start > position:
            yield Span(position, cut.start - position, "padding")
        position, sound = cut.end, isinstance(cut, WholeRecord)
        yield from _plain_events(cut, content)
    if position < size:
        yield Span(position, size - position, "padding")
    stream.seek(max(0, size - 4))
    if sound and not stream.read(4).endswith(layout.ends):
        yield Damaged(size, 0, "truncated", "the file does not end with the newlines that end a record")


def _plain_events(cut: Cut, content: Content) -> Iterator[Event]:
    length = cut.end - cut.start
    if isinstance(cut, Junk):
        yield Damaged(cut.start, length, *_fault(cut))
        return
    kind = kind_of(cut.headers)
    if kind in content.kinds:
        yield content_record(cut, kind, Place(cut.start, length, 0), content)
    elif isinstance(cut, BadRecord) and cut.reason != "too_big":
        yield Damaged(cut.start, length, *_fault(cut))
        return
    if altered := _digest_fault(cut):
        yield Damaged(cut.start, 0, *altered)
    yield Span(cut.start, length, kind)
