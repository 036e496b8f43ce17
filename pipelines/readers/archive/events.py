"""The events of a range of a WARC or ARC file, whatever its compression: shared by the readers of WARC and WET.

Most such files hold one record per gzip member or Zstandard frame. Then the member is the record's span, several
workers can read ranges of the file, and reading goes on after damage at the next member that decodes to a record.
Other files (compressed as a whole, in blocks, or with bzip2) are read by one worker as one run of records.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import BinaryIO, Final

from filters.document import Place
from pipelines.readers.archive.block_digest import digest_fault
from pipelines.readers.archive.content import Content, content_record, kind_of
from pipelines.readers.archive.cutter import BadRecord, Cut, Junk, RecordCutter, WholeRecord
from pipelines.readers.archive.layout import ARC, WARC, Layout
from pipelines.readers.reasons import ReadReason
from pipelines.readers.record import MESSAGE_CHARACTERS, Damaged, Event, Span
from pipelines.readers.spans.chunk_buffer import ChunkBuffer, plain_chunks
from pipelines.readers.spans.compressed_spans import CompressedSpans
from pipelines.readers.spans.compression import (
    Codec,
    DecodeError,
    dictionary_codec,
    first_output,
    refusal,
    sniff,
    sniff_behind_damage,
)

HEADER_MARGIN: Final = 2 << 20
"""Bytes of a record's WARC and HTTP headers, on top of the largest payload."""

HEAD_BYTES: Final = 1 << 20
"""Bytes at the start of a file in which its compression is looked for."""

LAYOUT_SPANS: Final = 4
"""Spans at the start of a file that are decoded to see if each holds one record."""
LAYOUT_HOLD: Final = 16 << 20
"""Decoded bytes of one of them to hold."""

LAYOUTS: Final = (WARC, ARC)

_PROBE_BYTES: Final = 1 << 12
_STARTS: Final = WARC.starts + ARC.starts


@dataclass(frozen=True)
class _Format:
    """The format of a file.

    Attributes:
        codec: its compression; None = it is plain.
        layout: the layout of its records.
        aligned: each compressed span is one record.
    """

    codec: Codec | None
    layout: Layout
    aligned: bool


def splits(stream: BinaryIO) -> bool:
    """Return True if each gzip member or Zstandard frame of the file is one record, so that ranges can be read."""
    try:
        return _format(stream, _head(stream)).aligned
    except DecodeError:
        return False


def read(stream: BinaryIO, start: int, end: int, content: Content) -> Iterator[Event]:
    """Yield the events of all spans that start in ``[start, end)``; see `pipelines.readers.record.Reader`."""
    head = _head(stream)
    size = stream.seek(0, 2)
    try:
        form = _format(stream, head)
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


def _head(stream: BinaryIO) -> bytes:
    stream.seek(0)
    return stream.read(HEAD_BYTES)


def _format(stream: BinaryIO, head: bytes) -> _Format:
    """Find out the format of a file, also where its first bytes are damaged.

    Raises:
        DecodeError: it needs a dictionary that cannot be read.
    """
    codec = dictionary_codec(stream) or sniff(head)
    if codec is None:
        plain = next((layout for layout in LAYOUTS if layout.plausible.search(head)), None)
        codec = None if plain else sniff_behind_damage(head, _STARTS)
        if codec is None:
            return _Format(None, plain or WARC, aligned=False)
    layout = _first_layout(codec, head)
    return _Format(codec, layout, aligned=not codec.sure and _spans_are_records(stream, codec, layout))


def _first_layout(codec: Codec, head: bytes) -> Layout:
    """Return the layout of the first span in the head of a file that starts as a record does."""
    for match in codec.magic.finditer(head):
        output = first_output(codec, head[match.start() : match.start() + _PROBE_BYTES])
        for layout in LAYOUTS:
            if layout.plausible.match(output):
                return layout
    return WARC


def _spans_are_records(stream: BinaryIO, codec: Codec, layout: Layout) -> bool:
    """Return True if one of the first spans that start as a record does holds exactly one record."""
    spans = CompressedSpans(stream, codec, LAYOUT_HOLD, starts_with=layout.starts, salvage=False)
    return any(_is_one_record(data, layout) for data in spans.samples(LAYOUT_SPANS))


def _is_one_record(data: bytes, layout: Layout) -> bool:
    cutter = RecordCutter(ChunkBuffer(plain_chunks(BytesIO(data))), layout, len(data), len(data))
    cuts = list(itertools.islice(cutter.cuts(), 2))
    return len(cuts) == 1 and isinstance(cuts[0], WholeRecord)


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
    stream: BinaryIO, codec: Codec, form: _Format, start: int, end: int, content: Content
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
