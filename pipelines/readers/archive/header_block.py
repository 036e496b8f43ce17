"""WARC and HTTP header blocks, parsed by warcio, as plain mappings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from io import StringIO
from typing import Final, NamedTuple

from warcio.statusandheaders import StatusAndHeadersParser

Headers = Mapping[str, str]

BLANK_LINE: Final = re.compile(rb"\n\r*\n")
"""Ends a block. Some servers and crawlers end lines with LF alone, or with CR CR LF."""


class HeaderError(Exception):
    """The block cannot be parsed; the message is that of warcio or of the layout."""


class HeaderBlock(NamedTuple):
    """A parsed header block.

    Attributes:
        status: the first line without the protocol name.
        headers: the first value of each name; names in lower case.
    """

    status: str
    headers: Headers


class HeaderParser:
    """Parses blocks whose first line starts with a protocol name and any version."""

    def __init__(self, protocol: str) -> None:
        self._parser = StatusAndHeadersParser([protocol])

    def parse(self, block: bytes | memoryview) -> tuple[HeaderBlock, bytes]:
        """Parse the block at the start of some bytes; return it and a copy of the bytes behind its blank line.

        Raises:
            HeaderError: warcio raised an exception; it is not hardened, so any class is possible.
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
