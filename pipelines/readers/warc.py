"""Web archives: WARC 0.17 to 1.1 (ISO 28500) and the older ARC, compressed per record, otherwise, or not at all.

Compression is gzip, Zstandard (also with the dictionary at the start of the file) or bzip2; the bytes tell which.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, ClassVar, Literal

from pipelines.readers.archive import events as warc_events
from pipelines.readers.archive.content import Content
from pipelines.readers.record import Event


@dataclass(frozen=True)
class Warc:
    """Reads web pages: HTML, XHTML and plain text of response, resource and conversion records.

    Responses with a status other than 200, other media types and empty payloads are rejected by reason;
    records of other types are spans of their type.

    Attributes:
        max_record_mb: MiB of the largest record, and of the largest payload after decompression.
        truncated: keep or drop pages that the crawler cut (``WARC-Truncated``); Common Crawl cuts at
            1 MiB (5 MiB since 2025), and the text before the cut is usable.
    """

    SOURCE: ClassVar[str] = "web"
    CRAWL_LIST: ClassVar[str] = "warc.paths.gz"

    max_record_mb: int = 64
    truncated: Literal["keep", "drop"] = "keep"

    def splits(self, stream: BinaryIO) -> bool:
        """Return True if each gzip member or zstd frame is a record, so that the file can be read in byte ranges."""
        return warc_events.splits(stream)

    def read(self, stream: BinaryIO, start: int, end: int) -> Iterator[Event]:
        """Yield the events of all spans that start in ``[start, end)``."""
        kinds = frozenset({"response", "resource", "conversion"})
        return warc_events.read(stream, start, end, Content(kinds, self.max_record_mb << 20, self.truncated))
