"""Lines of JSON: cut from a run of bytes, parsed, and yielded together with the spans that hold them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from filters.document import Place
from pipelines.readers.record import MESSAGE_CHARACTERS, Damaged, Event, Record, Rejected, Span
from pipelines.readers.rows.columns import Row
from pipelines.readers.spans.chunk_buffer import ChunkBuffer
from pipelines.readers.spans.compressed_spans import Chunk

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


class Line(NamedTuple):
    """One line.

    Attributes:
        start: number of its first byte in the run.
        end: number of the byte behind its newline.
        data: its bytes; None = it is too long.
    """

    start: int
    end: int
    data: bytes | None


LineEvent = Callable[[Line, Place], Record | Rejected | None]
"""Makes the event of a line; None if the line is blank."""


def span_lines(
    events: Iterator[Chunk | Span | Damaged], end: int, max_bytes: int, make: LineEvent
) -> Iterator[Event]:
    """Yield the events of all lines that start in spans before `end`, each span behind its lines.

    Args:
        events: chunks, each span behind its chunks.
        end: first byte behind the range that is read.
        max_bytes: bytes of the longest line.
        make: makes the event of a line.
    """
    buffer = ChunkBuffer(events)
    running = True
    while running:
        torn = buffer.after_damage  # the run may begin with the rest of a line that the damage has cost
        for line in lines(buffer, max_bytes):
            place = buffer.place(line.start)
            yield from buffer.passed(min(place.offset, end))
            if place.offset >= end:
                return
            event = make(line, place)
            if event is not None and not (torn and _is_bad_json(event)):
                yield event
            torn = False
        running = buffer.next_run()
    yield from buffer.passed(end)


def parse_line(line: Line, place: Place) -> Row | Rejected | None:
    """Return the object of a line, or why there is none; None if the line is blank."""
    if line.data is None:
        message = f"the line has {line.end - line.start} bytes; max_line_mb sets the limit"
        return Rejected(place, "too_big", True, message)
    data = line.data.removeprefix(_BYTE_ORDER_MARK).strip()
    if not data:
        return None
    try:
        row = json.loads(data.decode())
    except (ValueError, RecursionError) as error:
        return _bad_json(place, str(error))
    if not isinstance(row, dict):
        return _bad_json(place, f"the line is not a JSON object but {type(row).__name__}")
    return row


def _bad_json(place: Place, message: str) -> Rejected:
    return Rejected(place, "bad_json", True, message[:MESSAGE_CHARACTERS])


def _is_bad_json(event: Record | Rejected) -> bool:
    return isinstance(event, Rejected) and event.reason == "bad_json"


def lines(buffer: ChunkBuffer, max_bytes: int) -> Iterator[Line]:
    """Yield the lines of a run; the last one need not end with a newline."""
    while buffer.fill(1):
        start = buffer.position
        while (at := buffer.data.find(b"\n", buffer.at)) < 0:
            held = len(buffer.data) - buffer.at
            if held > max_bytes or not buffer.fill(held + 1):
                break
        stop = len(buffer.data) if at < 0 else at + 1
        data = buffer.data[buffer.at : stop]
        buffer.at = stop
        if at < 0 and len(data) > max_bytes:
            _skip_line(buffer)
        yield Line(start, buffer.position, data if len(data) <= max_bytes else None)


def _skip_line(buffer: ChunkBuffer) -> None:
    """Move behind the next newline without holding the bytes that are passed."""
    while buffer.fill(1):
        at = buffer.data.find(b"\n", buffer.at)
        buffer.at = len(buffer.data) if at < 0 else at + 1
        if at >= 0:
            return
