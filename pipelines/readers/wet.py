"""Extracted text of web crawls: the conversion records of Common Crawl's WET files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, ClassVar, Literal

from pipelines.readers.archive import events as warc_events
from pipelines.readers.archive.content import Content
from pipelines.readers.record import Event


@dataclass(frozen=True)
class Wet:
    """Reads text that was extracted before; records of other types are spans of their type.

    Attributes:
        max_record_mb: MiB of the largest record.
        truncated: keep or drop records marked ``WARC-Truncated``.
    """

    SOURCE: ClassVar[str] = "web"
    CRAWL_LIST: ClassVar[str] = "wet.paths.gz"

    max_record_mb: int = 64
    truncated: Literal["keep", "drop"] = "keep"

    def splits(self, stream: BinaryIO) -> bool:
        """Return True if each gzip member or zstd frame is a record, so that the file can be read in byte ranges."""
        return warc_events.splits(stream)

    def read(self, stream: BinaryIO, start: int, end: int) -> Iterator[Event]:
        """Yield the events of all spans that start in ``[start, end)``."""
        content = Content(frozenset({"conversion"}), self.max_record_mb << 20, self.truncated)
        return warc_events.read(stream, start, end, content)
