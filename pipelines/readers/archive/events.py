"""The events of a range of a WARC or ARC file, whatever its compression: shared by the readers of WARC and WET.

Most such files hold one record per gzip member or Zstandard frame. Then that is a record's span, ranges can be
read apart, and after damage the next one that decodes to a record counts. Files compressed otherwise (as a whole,
in blocks, with bzip2) are read as one run of records by one worker.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import BinaryIO

from pipelines.readers.archive.block_digest import digest_fault
from pipelines.readers.archive.content import MESSAGE_CHARACTERS, Content, content_record, kind_of
from pipelines.readers.archive.cutter import Cut, RecordCutter
from pipelines.readers.archive.layout import ARC, WARC, Layout
from pipelines.readers.record import Damaged, Event, Span
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

# The WARC header of a record and its HTTP headers come on top of the largest payload.
HEADER_MARGIN = 2 << 20

# So much is looked at to learn how the file is compressed; of what starts there, so much is decoded.
HEAD_BYTES = 1 << 20
_PROBE_BYTES = 1 << 12

# So many spans at the head of a file are looked at to learn whether spans are records.
LAYOUT_SPANS = 4
LAYOUT_HOLD = 16 << 20

LAYOUTS = (WARC, ARC)
_STARTS = WARC.starts + ARC.starts


@dataclass(frozen=True)
class _Format:
    """How a file is to be read.

    Attributes:
        codec: how it is compressed; None = it is plain.
        layout: what its records look like.
        aligned: each compressed span is one record.
    """

    codec: Codec | None
    layout: Layout
    aligned: bool


def splits(stream: BinaryIO) -> bool:
    """Say whether each gzip member or Zstandard frame of the file is a record, so that ranges can be read apart."""
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
    """Find out how a file is to be read, also where its first bytes are damaged.

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
    """Return the layout of the first span in the head of a file that starts like a record."""
    for match in codec.magic.finditer(head):
        output = first_output(codec, head[match.start() : match.start() + _PROBE_BYTES])
        for layout in LAYOUTS:
            if layout.plausible.match(output):
                return layout
    return WARC


def _spans_are_records(stream: BinaryIO, codec: Codec, layout: Layout) -> bool:
    """Say whether one of the first spans that start like a record holds exactly one."""
    spans = CompressedSpans(stream, codec, LAYOUT_HOLD, starts_with=layout.starts, salvage=False)
    return any(_is_one_record(data, layout) for data in spans.samples(LAYOUT_SPANS))


def _is_one_record(data: bytes, layout: Layout) -> bool:
    cutter = RecordCutter(ChunkBuffer(plain_chunks(BytesIO(data))), layout, len(data), len(data))
    cuts = list(itertools.islice(cutter.cuts(), 2))
    return len(cuts) == 1 and cuts[0].error is None


@dataclass
class _Notes:
    """What was seen in the spans that have not been handed out: record types, and faults."""

    kinds: dict[int, list[str]] = field(default_factory=dict)
    faults: dict[int, list[tuple[str, str]]] = field(default_factory=dict)

    def settle(self, span: Span | Damaged) -> Iterator[Event]:
        """Yield a span that was passed, under the type of its record, or as damage if there is no record."""
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
    notes = _Notes()
    running = True
    while running:
        yield from _run(buffer, layout, notes, end, content, summed=codec.summed)
        running = buffer.next_run()
    for span in buffer.passed(end):
        yield from notes.settle(span)


def _run(
    buffer: ChunkBuffer, layout: Layout, notes: _Notes, end: int, content: Content, *, summed: bool
) -> Iterator[Event]:
    """Yield the events of the records up to the next damage; `summed` = checksums have been verified."""
    torn = buffer.after_damage  # the run may begin with the rest of a record that the damage has cost
    for cut in RecordCutter(buffer, layout, content.max_bytes, None).cuts():
        place = buffer.place(cut.start)
        for span in buffer.passed(min(place.offset, end)):
            yield from notes.settle(span)
        if place.offset >= end:
            return
        if cut.headers is None:
            if not torn or cut.error == "bad_header":
                notes.faults.setdefault(place.offset, []).append(_fault(cut))
            continue
        torn = False
        kind = kind_of(cut.headers)
        notes.kinds.setdefault(place.offset, []).append(kind)
        if kind in content.kinds:
            yield content_record(cut, kind, cut.headers, place, content)
        elif cut.error not in (None, "too_big"):
            notes.faults.setdefault(place.offset, []).append(_fault(cut))
        if not summed and (altered := digest_fault(cut.headers, cut.block)):
            notes.faults.setdefault(place.offset, []).append(("digest", altered[:MESSAGE_CHARACTERS]))


def _fault(cut: Cut) -> tuple[str, str]:
    return cut.error or "bad_record", cut.message[:MESSAGE_CHARACTERS]


def _read_plain(stream: BinaryIO, size: int, layout: Layout, content: Content) -> Iterator[Event]:
    """Yield the events of an uncompressed file; a record with the newlines behind it is a span."""
    buffer = ChunkBuffer(plain_chunks(stream))
    position, sound = 0, False
    for cut in RecordCutter(buffer, layout, content.max_bytes, size).cuts():
        if cut.start > position:
            yield Span(position, cut.start - position, "padding")
        position, sound = cut.end, cut.error is None
        yield from _plain_events(buffer, cut, content)
    if position < size:
        yield Span(position, size - position, "padding")
    stream.seek(max(0, size - 4))
    if sound and not stream.read(4).endswith(layout.ends):
        yield Damaged(size, 0, "truncated", "the file does not end with the newlines that end a record")


def _plain_events(buffer: ChunkBuffer, cut: Cut, content: Content) -> Iterator[Event]:
    length = cut.end - cut.start
    kind = None if cut.headers is None else kind_of(cut.headers)
    if cut.headers is not None and kind in content.kinds:
        place = buffer.place(cut.start)._replace(offset=cut.start, length=length, ordinal=0)
        yield content_record(cut, kind, cut.headers, place, content)
    elif cut.error not in (None, "too_big"):
        yield Damaged(cut.start, length, *_fault(cut))
        return
    if cut.headers is not None and (altered := digest_fault(cut.headers, cut.block)):
        yield Damaged(cut.start, 0, "digest", altered[:MESSAGE_CHARACTERS])
    yield Span(cut.start, length, kind or "unknown")
