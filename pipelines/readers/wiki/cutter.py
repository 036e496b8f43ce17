"""Cut MediaWiki export XML into pages without parsing it: ``<page`` to ``</page>``, however broken it is.

In an export every ``<`` of the text is escaped, so a tag found is a tag.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from pipelines.readers.spans.chunk_buffer import ChunkBuffer

_OPEN = re.compile(rb"<page[\s>]")
_OPEN_OR_CLOSE = re.compile(rb"<page[\s>]|</page>")
_TAG_BYTES = 7


class PageCut(NamedTuple):
    """One page, from its tag to behind its end tag.

    Attributes:
        start: number of its first byte in the run.
        end: number of the byte behind it, or behind what there is of it.
        data: its XML; None where it is not whole or too long.
        error: snake_case kind of what is wrong with it; None = nothing.
    """

    start: int
    end: int
    data: bytes | None
    error: str | None


def pages(buffer: ChunkBuffer, max_bytes: int) -> Iterator[PageCut]:
    """Yield the pages of a run; bytes between pages are passed over.

    Args:
        buffer: the run; it may begin inside a page, which is passed over too.
        max_bytes: bytes of the longest page to hold in memory.
    """
    while _skip_to(buffer, _OPEN):
        start = buffer.position
        end = _end_of_page(buffer, max_bytes)
        if end is None:
            buffer.at += _TAG_BYTES - 1
            closes = _skip_to(buffer, _OPEN_OR_CLOSE)
            error = (
                "too_big" if buffer.position - start > max_bytes else "truncated" if not closes else "bad_xml"
            )
            yield PageCut(start, buffer.position, None, error)
            continue
        data = buffer.data[buffer.at : buffer.at + end]
        buffer.at += end
        whole = data.endswith(b"</page>")
        yield PageCut(start, start + end, data if whole else None, None if whole else "bad_xml")


def _end_of_page(buffer: ChunkBuffer, max_bytes: int) -> int | None:
    """Return how long the page at the cutter is, up to its end tag or the next page; None = too long."""
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
    """Move to the next tag; False where the run ends before one."""
    while True:
        match = tag.search(buffer.data, buffer.at)
        if match:
            buffer.at = match.start()
            return True
        buffer.at = max(buffer.at, len(buffer.data) - _TAG_BYTES + 1)
        if not buffer.fill(len(buffer.data) - buffer.at + 1):
            buffer.at = len(buffer.data)
            return False
