"""WARC and HTTP header blocks, parsed by warcio, as plain mappings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from io import StringIO
from typing import NamedTuple

from warcio.statusandheaders import StatusAndHeadersParser

Headers = Mapping[str, str]

# Some servers and crawlers end lines with LF alone, or with CR CR LF.
BLANK_LINE = re.compile(rb"\n\r*\n")


class HeaderError(Exception):
    """The block is not what warcio can parse; the message is its own."""


class HeaderBlock(NamedTuple):
    """What stands behind the protocol name in the first line, and the first value of each lower-case name."""

    status: str
    headers: Headers


class HeaderParser:
    """Parses blocks whose first line starts with a protocol name, in any version."""

    def __init__(self, protocol: str) -> None:
        self._parser = StatusAndHeadersParser([protocol])

    def parse(self, block: bytes | memoryview) -> tuple[HeaderBlock, bytes]:
        """Parse the block at the head of some bytes; return it and a copy of those behind its blank line.

        Raises:
            HeaderError: warcio raised; it is not hardened, so that may be anything.
        """
        blank = BLANK_LINE.search(block)
        end = blank.end() if blank else len(block)
        try:
            parsed = self._parser.parse(StringIO(_decode(bytes(block[:end])), newline="\n"))
        except Exception as error:
            raise HeaderError(f"{type(error).__name__}: {error}") from error
        headers: dict[str, str] = {}
        for name, value in parsed.headers:
            headers.setdefault(name.lower(), value)
        return HeaderBlock(parsed.statusline, headers), bytes(block[end:])


def _decode(block: bytes) -> str:
    """Decode a header block as UTF-8, or else as ISO 8859-1, in which nothing is invalid."""
    try:
        return block.decode()
    except UnicodeDecodeError:
        return block.decode("iso-8859-1")
