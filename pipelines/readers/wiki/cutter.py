"""Cut MediaWiki export XML into pages without parsing it: from ``<page`` to ``</page>``, however broken it is.

In an export every ``<`` of the text is escaped, so ``<page`` is always a tag.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from pipelines.readers.reasons import ReadReason
from pipelines.readers.spans.chunk_buffer import ChunkBuffer

_OPEN: Final = re.compile(rb"<page[\s>]")
_OPEN_OR_CLOSE: Final = re.compile(rb"<page[\s>]|</page>")
_TAG_BYTES: Final = 7


class WholePage(NamedTuple):
    """One page, from its tag to behind its end tag.

    Attributes:
        start: number of its first byte in the run.
        end: number of the byte behind it.
        data: its XML.
    """

    start: int
    end: int
    data: bytes


class BadPage(NamedTuple):
    """A page without its end, or too long.

    Attributes:
        start: number of its first byte in the run.
        end: number of the byte behind the part of it that was found.
        reason: ``bad_xml``, ``too_big`` or ``truncated``.
    """

    start: int
    end: int
    reason: ReadReason


def pages(buffer: ChunkBuffer, max_bytes: int) -> Iterator[WholePage | BadPage]:
    """Yield the pages of a run; bytes between pages are passed over.

    Args:
        buffer: the run; it may begin inside a page, which is passed over.
        max_bytes: bytes of the longest page to hold in memory.
    """
    while _skip_to(buffer, _OPEN):
        start = buffer.position
        end = _end_of_page(buffer, max_bytes)
        if end is None:
            buffer.at += _TAG_BYTES - 1
            closes = _skip_to(buffer, _OPEN_OR_CLOSE)
            too_big = buffer.position - start > max_bytes
            yield BadPage(
                start, buffer.position, "too_big" if too_big else "bad_xml" if closes else "truncated"
            )
            continue
        data = buffer.data[buffer.at : buffer.at + end]
        buffer.at += end
        if data.endswith(b"</page>"):
            yield WholePage(start, start + end, data)
        else:
            yield BadPage(start, start + end, "bad_xml")


def _end_of_page(buffer: ChunkBuffer, max_bytes: int) -> int | None:
    """Return the length of the page at the cutter, up to its end tag or the next page; None = too long."""
    searched = _TAG_BYTES - 1
    while True:
        match = _OPEN_OR_CLOSE.search(buffer.data, buffer.at + searched, buffer.at + max_bytes)
        if match:
            closes = match[0] == b"</page>"
            return (match.end() if closes else match.start()) - buffer.at
        held = len(buffer.data) - buffer.at
        searched = max(searched, min(held, max_bytes) - _TAG_BYTES)
        if held >= max_bytes or not buffer.fill(held + 1):
            return None


def _skip_to(buffer: ChunkBuffer, tag: re.Pattern[bytes]) -> bool:
    """Move to the next tag; return False if the run ends before it."""
    while True:
        match = tag.search(buffer.data, buffer.at)
        if match:
            buffer.at = match.start()
            return True
        buffer.at = max(buffer.at, len(buffer.data) - _TAG_BYTES + 1)
        if not buffer.fill(len(buffer.data) - buffer.at + 1):
            buffer.at = len(buffer.data)
            return False
