"""Wikipedia and other MediaWiki wikis: XML exports, compressed in one stream or many, or not at all."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, ClassVar, Final

from filters.document import Place
from pipelines.readers.reasons import ReadReason
from pipelines.readers.record import MESSAGE_CHARACTERS, Damaged, Event, Record, Rejected, Span, Wiki
from pipelines.readers.spans.chunk_buffer import ChunkBuffer, plain_chunks
from pipelines.readers.spans.compressed_spans import Chunk, CompressedSpans
from pipelines.readers.spans.compression import BZIP2, MAGIC_BYTES, Codec, refusal, sniff, sniff_behind_damage
from pipelines.readers.wiki.cutter import BadPage, WholePage, pages
from pipelines.readers.wiki.head import UTF_8, HeadError, SiteInfo, parse_head
from pipelines.readers.wiki.page import PageError, parse_page

HEAD_BYTES: Final = 1 << 20
"""Decoded bytes at the start of an export in which its head must end."""

HOLD_BYTES: Final = 32 << 20
"""Decoded bytes of one stream to keep in memory: the streams of a multistream dump have 1 to 10 MB."""

STREAM_SEARCH_BYTES: Final = 16 << 20
"""Bytes at the start of a file in which a second stream must begin: in a multistream dump it follows the head."""

_END: Final = b"</mediawiki>"
_MESSAGES: Final[dict[ReadReason, str]] = {
    "truncated": "the page is cut off by damage or by the end of the file",
    "too_big": "the page is longer than max_page_mb",
    "bad_xml": "the page has no end tag before the next page",
}


@dataclass(frozen=True)
class Wikipedia:
    """Reads the articles of a wiki: the wikitext of the newest revision in the export.

    Pages outside the article namespace, redirects, pages without text and pages that are not wikitext are
    rejected by reason. A page belongs to the bzip2 stream in which it starts.

    Attributes:
        max_page_mb: MiB of XML of the longest page, all its revisions included.
        tables: keep tables, a row a line; otherwise they are dropped.
    """

    SOURCE: ClassVar[str] = "wikipedia"

    max_page_mb: int = 16
    tables: bool = False

    def splits(self, stream: BinaryIO) -> bool:
        """Return True if the file has several bzip2 streams, so that it can be read in byte ranges."""
        stream.seek(0)
        head = stream.read(STREAM_SEARCH_BYTES)
        if _codec(head) is not BZIP2 or not BZIP2.magic.search(head, MAGIC_BYTES):
            return False
        try:
            return parse_head(_head_bytes(stream, BZIP2)).encoding == UTF_8
        except HeadError:
            return False

    def read(self, stream: BinaryIO, start: int, end: int) -> Iterator[Event]:
        """Yield the events of all spans that start in ``[start, end)``."""
        stream.seek(0)
        start_bytes = stream.read(HEAD_BYTES)
        size = stream.seek(0, 2)
        codec = _codec(start_bytes)
        try:
            if objection := refusal(start_bytes):
                raise HeadError("unsupported_format", objection)
            head = parse_head(_head_bytes(stream, codec))
        except HeadError as error:
            if start == 0 and size > 0:
                yield Damaged(0, size, error.reason, str(error))
            return
        pages_of = _Pages(head.site, Wiki(head.site.hidden(), self.tables), self.max_page_mb << 20)
        if codec is not None:
            spans = CompressedSpans(stream, codec, HOLD_BYTES)
            yield from pages_of.of_spans(spans, head.encoding, start, end)
        elif start == 0 < size and head.encoding == UTF_8:
            yield from pages_of.of_plain_file(stream, size)
        elif start == 0 < size:
            yield from pages_of.of_run(
                ChunkBuffer(_transcoded(_one_span(stream, size), head.encoding)), size, size
            )


@dataclass(frozen=True)
class _Pages:
    """The events of the pages of one file."""

    site: SiteInfo
    wiki: Wiki
    max_bytes: int

    def of_spans(self, spans: CompressedSpans, encoding: str, start: int, end: int) -> Iterator[Event]:
        """Yield the events of a range of a compressed file."""
        position = spans.boundary(start)
        if position < min(end, spans.size):
            chunks = spans.chunks(position)
            decoded = chunks if encoding == UTF_8 else _transcoded(chunks, encoding)
            yield from self.of_run(ChunkBuffer(decoded), end, spans.size)

    def of_run(self, buffer: ChunkBuffer, end: int, size: int) -> Iterator[Event]:
        """Yield the events of all spans before `end`, run by run."""
        running = True
        while running:
            for cut in pages(buffer, self.max_bytes):
                place = buffer.place(cut.start)
                yield from buffer.passed(min(place.offset, end))
                if place.offset >= end:
                    return
                yield self._event(cut, place)
            tail = buffer.tail()
            running = buffer.next_run()
        yield from buffer.passed(end)
        if tail is not None and tail[0] < end:
            yield from _missing_end(tail[1], size)

    def of_plain_file(self, stream: BinaryIO, size: int) -> Iterator[Event]:
        """Yield the events of an uncompressed file; a page is a span."""
        buffer = ChunkBuffer(plain_chunks(stream))
        position = 0
        for cut in pages(buffer, self.max_bytes):
            if cut.start > position:
                yield Span(position, cut.start - position, "markup" if position else "header")
            yield self._event(cut, Place(cut.start, cut.end - cut.start, 0))
            yield Span(cut.start, cut.end - cut.start, "page")
            position = cut.end
        if position < size:
            yield Span(position, size - position, "markup")
        yield from _missing_end(buffer.data, size)

    def _event(self, cut: WholePage | BadPage, place: Place) -> Record | Rejected:
        if isinstance(cut, BadPage):
            return Rejected(place, cut.reason, True, _MESSAGES[cut.reason])
        try:
            page = parse_page(cut.data, self.site)
        except PageError as error:
            return Rejected(place, "bad_xml", True, str(error)[:MESSAGE_CHARACTERS])
        url = self.site.url(page.title)
        if page.reason is not None:
            seen = page.seen[:MESSAGE_CHARACTERS]
            return Rejected(place, page.reason, False, seen, page.page_id, url, page.date)
        return Record(
            place,
            page.text.encode(),
            "wikitext",
            charset=UTF_8,
            record_id=page.page_id,
            url=url,
            date=page.date,
            language=self.site.language,
            wiki=self.wiki,
        )


def _codec(head: bytes) -> Codec | None:
    """Return the codec of the file, even if its first bytes are damaged; None = it is plain."""
    return sniff(head) or (None if b"<" in head[:MAGIC_BYTES] else sniff_behind_damage(head, b"<"))


def _head_bytes(stream: BinaryIO, codec: Codec | None) -> bytes:
    if codec is not None:
        return CompressedSpans(stream, codec, HOLD_BYTES).head(HEAD_BYTES, until=b"<page")
    stream.seek(0)
    return stream.read(HEAD_BYTES)


def _missing_end(ending: bytes, size: int) -> Iterator[Damaged]:
    """Report an export without its end tag: only the tag shows that no stream is missing at the end.

    A range that begins inside the end tag sees only a part of it, or nothing.
    """
    if not _END.endswith(ending.rstrip()[-len(_END) :]):
        message = "the export does not end with </mediawiki>; pages may be lost, fetch the file again"
        yield Damaged(size, 0, "truncated", message)


def _one_span(stream: BinaryIO, size: int) -> Iterator[Chunk | Span | Damaged]:
    """Yield a plain file as one span, because it has to be decoded to UTF-8 as a compressed one is."""
    yield from (Chunk(0, size, chunk.data) for chunk in plain_chunks(stream))
    yield Span(0, size, "page")


def _transcoded(events: Iterator[Chunk | Span | Damaged], encoding: str) -> Iterator[Chunk | Span | Damaged]:
    """Convert the data of chunks to UTF-8; wrong characters become bytes that make their page an error."""
    decoder = codecs.getincrementaldecoder(encoding)("surrogatepass")
    for event in events:
        if not isinstance(event, Chunk):
            if isinstance(event, Damaged):
                decoder.reset()
            yield event
            continue
        data = decoder.decode(event.data).encode(UTF_8, "surrogatepass")
        yield Chunk(event.offset, event.length, data)
