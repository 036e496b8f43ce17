"""The events of a range of a WARC file, whatever its compression: shared by the readers of WARC and WET.

Most WARC files hold one record per gzip member. Then a member is a record's span, ranges can be read apart,
and after damage the next member that decodes to a record counts. Files compressed otherwise (as a whole, in
blocks, with bzip2 or Zstandard) are read as one run of records by one worker.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import BinaryIO

from pipelines.readers.chunk_buffer import ChunkBuffer, plain_chunks
from pipelines.readers.compressed_spans import CompressedSpans
from pipelines.readers.compression import GZIP, Codec, first_output, refusal, sniff, sniff_behind_damage
from pipelines.readers.record import Damaged, Event, Span
from pipelines.readers.warc_content import MESSAGE_CHARACTERS, Content, content_record, kind_of
from pipelines.readers.warc_cutter import PLAUSIBLE, START, Cut, WarcCutter

# The WARC header of a record and its HTTP headers come on top of the largest payload.
HEADER_MARGIN = 2 << 20

# So much is looked at to learn how the file is compressed; of what starts there, so much is decoded.
HEAD_BYTES = 1 << 20
_PROBE_BYTES = 1 << 12

# So many members at the head of a file are looked at to learn whether members are records.
LAYOUT_MEMBERS = 4
LAYOUT_HOLD = 16 << 20


def splits(stream: BinaryIO) -> bool:
    """Say whether each gzip member of the file is a record, so that ranges can be read apart."""
    return _codec(_head(stream)) is GZIP and _members_are_records(stream)


def read(stream: BinaryIO, start: int, end: int, content: Content) -> Iterator[Event]:
    """Yield the events of all spans that start in ``[start, end)``; see `pipelines.readers.record.Reader`."""
    head = _head(stream)
    size = stream.seek(0, 2)
    codec = _codec(head)
    objection = _ARC if first_output(codec, head[:_PROBE_BYTES]).startswith(b"filedesc:") else refusal(head)
    if objection is not None:
        if start == 0:
            yield Damaged(0, size, "unsupported_format", objection)
    elif codec is not None:
        yield from _read_compressed(stream, codec, start, end, content)
    elif start == 0 and size > 0:
        yield from _read_plain(stream, size, content)


_ARC = "the file is ARC, the format before WARC; convert it with `warcio recompress OLD.arc.gz NEW.warc.gz`"


def _head(stream: BinaryIO) -> bytes:
    stream.seek(0)
    return stream.read(HEAD_BYTES)


def _codec(head: bytes) -> Codec | None:
    """Return the codec of the file, also where its first bytes are damaged; None = it is plain."""
    codec = sniff(head)
    if codec is None and not PLAUSIBLE.search(head):
        return sniff_behind_damage(head, START)
    return codec


def _members_are_records(stream: BinaryIO) -> bool:
    """Say whether one of the first members that start like a record holds exactly one."""
    spans = CompressedSpans(stream, GZIP, LAYOUT_HOLD, starts_with=START, salvage=False)
    return any(_is_one_record(data) for data in spans.samples(LAYOUT_MEMBERS))


def _is_one_record(data: bytes) -> bool:
    cutter = WarcCutter(ChunkBuffer(plain_chunks(BytesIO(data))), len(data), len(data))
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
    stream: BinaryIO, codec: Codec, start: int, end: int, content: Content
) -> Iterator[Event]:
    aligned = codec is GZIP and _members_are_records(stream)
    hold = content.max_bytes + HEADER_MARGIN
    spans = CompressedSpans(stream, codec, hold, starts_with=START if aligned else b"", salvage=not aligned)
    position = spans.boundary(start)
    if position >= min(end, spans.size):
        return
    buffer = ChunkBuffer(spans.chunks(position), barrier=START)
    notes = _Notes()
    running = True
    while running:
        yield from _run(buffer, notes, end, content)
        running = buffer.next_run()
    for span in buffer.passed(end):
        yield from notes.settle(span)


def _run(buffer: ChunkBuffer, notes: _Notes, end: int, content: Content) -> Iterator[Event]:
    """Yield the events of the records up to the next damage."""
    torn = buffer.after_damage  # the run may begin with the rest of a record that the damage has cost
    for cut in WarcCutter(buffer, content.max_bytes, None).cuts():
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


def _fault(cut: Cut) -> tuple[str, str]:
    return cut.error or "bad_record", cut.message[:MESSAGE_CHARACTERS]


def _read_plain(stream: BinaryIO, size: int, content: Content) -> Iterator[Event]:
    """Yield the events of an uncompressed file; a record with the newlines behind it is a span."""
    buffer = ChunkBuffer(plain_chunks(stream))
    position, sound = 0, False
    for cut in WarcCutter(buffer, content.max_bytes, size).cuts():
        if cut.start > position:
            yield Span(position, cut.start - position, "padding")
        position, sound = cut.end, cut.error is None
        yield from _plain_events(buffer, cut, content)
    if position < size:
        yield Span(position, size - position, "padding")
    stream.seek(max(0, size - 4))
    if sound and not stream.read(4).endswith((b"\r\n\r\n", b"\n\n")):
        yield Damaged(size, 0, "truncated", "the file does not end with the two newlines that end a record")


def _plain_events(buffer: ChunkBuffer, cut: Cut, content: Content) -> Iterator[Event]:
    length = cut.end - cut.start
    kind = None if cut.headers is None else kind_of(cut.headers)
    if cut.headers is not None and kind in content.kinds:
        place = buffer.place(cut.start)._replace(offset=cut.start, length=length, ordinal=0)
        yield content_record(cut, kind, cut.headers, place, content)
    elif cut.error not in (None, "too_big"):
        yield Damaged(cut.start, length, *_fault(cut))
        return
    yield Span(cut.start, length, kind or "unknown")
