"""Wikimedia Enterprise HTML dumps: rendered articles as JSON lines in a tar archive, compressed with gzip.

The files ``<wiki>-NS0-<date>-ENTERPRISE-HTML.json.tar.gz`` of dumps.wikimedia.org and the snapshots of the Enterprise
API. Their pages have all templates and modules expanded, which the pages of the XML dumps have not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, ClassVar, Final, TypeVar

from filters.document import Place
from pipelines.readers.fields import iso_time, language_code, sound_text
from pipelines.readers.record import MESSAGE_CHARACTERS, Damaged, Event, Record, Rejected, Span
from pipelines.readers.rows.columns import Row, value_at
from pipelines.readers.rows.json_lines import Line, parse_line, span_lines
from pipelines.readers.rows.tar_lines import untar
from pipelines.readers.spans.compressed_spans import Chunk, CompressedSpans
from pipelines.readers.spans.compression import MAGIC_BYTES, refusal, sniff

HOLD_BYTES: Final = 32 << 20
"""Decoded bytes of one span to keep in memory. A dump is usually one gzip member, larger than memory: it is decoded
once to its end to verify its checksum, and a second time to be read."""

_T = TypeVar("_T", int, str)


@dataclass(frozen=True)
class WikimediaEnterprise:
    """Reads the HTML of each article.

    Pages outside the article namespace and pages without HTML are rejected by reason. All records of a gzip member
    have its offset and differ by their index. A dump may hold several versions of a page; all of them are read.

    Attributes:
        max_line_mb: MiB of the longest line: an article as HTML and as wikitext.
    """

    SOURCE: ClassVar[str] = "wikipedia"

    max_line_mb: int = 64

    def splits(self, stream: BinaryIO) -> bool:
        """Return False: one worker reads a file from its start, because its bytes make sense only from there."""
        return False

    def read(self, stream: BinaryIO, start: int, end: int) -> Iterator[Event]:
        """Yield the events of the whole file if `start` is 0, otherwise nothing."""
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
    """Yield an archive that was decompressed before: one span."""
    stream.seek(0)
    while data := stream.read(1 << 20):
        yield Chunk(0, size, data)
    yield Span(0, size, "tar")


def _event(line: Line, place: Place) -> Record | Rejected | None:
    """Return the event of a line; None if the line is blank."""
    row = parse_line(line, place)
    return row if row is None or isinstance(row, Rejected) else _article(place, row)


def _article(place: Place, row: Row) -> Record | Rejected:
    number = _value(row, "identifier", int)
    record_id = None if number is None else str(number)
    url = _text(row, "url")
    date = iso_time(_text(row, "date_modified"))
    namespace = _value(row, "namespace.identifier", int)
    if namespace:
        return Rejected(place, "namespace", False, f"namespace {namespace}", record_id, url, date)
    html = _text(row, "article_body.html")
    if not html:
        name = _text(row, "name") or ""
        return Rejected(place, "no_text", False, name[:MESSAGE_CHARACTERS], record_id, url, date)
    return Record(
        place,
        html.encode(),
        "html",
        charset="utf-8",
        record_id=record_id,
        url=url,
        date=date,
        language=language_code(_text(row, "in_language.identifier")),
    )


def _value(row: Row, name: str, kind: type[_T]) -> _T | None:
    value = value_at(row, name)
    return value if isinstance(value, kind) and not isinstance(value, bool) else None


def _text(row: Row, name: str) -> str | None:
    value = _value(row, name, str)
    return sound_text(value) if value else None
