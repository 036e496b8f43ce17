"""Wikimedia Enterprise HTML dumps: rendered articles as JSON lines in a tar archive, compressed with gzip.

The files ``<wiki>-NS0-<date>-ENTERPRISE-HTML.json.tar.gz`` of dumps.wikimedia.org and the snapshots of the Enterprise
API. They have what templates and modules make of a page, which the XML dumps leave to the reader.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, ClassVar

from pipelines.readers.fields import iso_time, language_code, sound_text
from pipelines.readers.record import Damaged, Event, Record, Rejected, Span
from pipelines.readers.rows.json_lines import Line, parse_line, span_lines
from pipelines.readers.rows.rows import MISSING, value_at
from pipelines.readers.rows.tar_lines import untar
from pipelines.readers.spans.chunk_buffer import Place
from pipelines.readers.spans.compressed_spans import Chunk, CompressedSpans
from pipelines.readers.spans.compression import MAGIC_BYTES, refusal, sniff

# A dump is one gzip member as a rule, longer than memory: it is decoded to its end before it is believed, and
# once more as it is read.
HOLD_BYTES = 32 << 20
MESSAGE_CHARACTERS = 200


@dataclass(frozen=True)
class WikimediaEnterprise:
    """Reads the HTML of each article.

    Pages outside the article namespace and pages without HTML are rejected by reason. All records of a gzip
    member share its offset and are told apart by their index. A dump may hold several versions of a page; all are read.

    Attributes:
        max_line_mb: MiB of the longest line: an article as HTML and as wikitext.
    """

    SOURCE: ClassVar[str] = "wikipedia"

    max_line_mb: int = 64

    def splits(self, stream: BinaryIO) -> bool:
        """Say that a file is read by one worker: nothing but its beginning tells what its bytes are."""
        return False

    def read(self, stream: BinaryIO, start: int, end: int) -> Iterator[Event]:
        """Yield the events of all spans that start in ``[start, end)``; all of the file, if it starts there."""
        stream.seek(0)
        head = stream.read(MAGIC_BYTES)
        size = stream.seek(0, 2)
        if start > 0 or not head:
            return
        codec = sniff(head)
        if objection := refusal(head):
            yield Damaged(0, size, "unsupported_format", objection)
            return
        chunks = CompressedSpans(stream, codec, HOLD_BYTES).chunks(0) if codec else _plain(stream, size)
        yield from span_lines(untar(chunks, size), size + 1, self.max_line_mb << 20, _event)


def _plain(stream: BinaryIO, size: int) -> Iterator[Chunk | Span | Damaged]:
    """Yield an archive that somebody has decompressed: one span."""
    stream.seek(0)
    while data := stream.read(1 << 20):
        yield Chunk(0, size, data)
    yield Span(0, size, "tar")


def _event(line: Line, place: Place) -> Record | Rejected | None:
    """Return the record of a line; None where the line is blank."""
    row = parse_line(line, place)
    return _article(place, row) if isinstance(row, dict) else row


def _article(place: Place, row: Mapping[str, Any]) -> Record | Rejected:
    number = _value(row, "identifier", int)
    record_id = None if number is None else str(number)
    url = _text(row, "url")
    date = iso_time(_text(row, "date_modified"))
    namespace = _value(row, "namespace.identifier", int)
    html = _text(row, "article_body.html")
    if namespace not in (None, 0) or not html:
        reason, seen = (
            ("namespace", f"namespace {namespace}") if namespace else ("no_text", _text(row, "name") or "")
        )
        return Rejected(
            *place,
            reason=reason,
            message=seen[:MESSAGE_CHARACTERS],
            record_id=record_id,
            url=url,
            date=date,
        )
    return Record(
        *place,
        payload=html.encode(),
        media="html",
        charset="utf-8",
        record_id=record_id,
        url=url,
        date=date,
        language=language_code(_text(row, "in_language.identifier")),
    )


def _value(row: Mapping[str, Any], name: str, kind: type) -> Any:
    value = value_at(row, name)
    return value if value is not MISSING and isinstance(value, kind) and not isinstance(value, bool) else None


def _text(row: Mapping[str, Any], name: str) -> str | None:
    value = _value(row, name, str)
    return sound_text(value) if value else None
