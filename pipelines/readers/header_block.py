"""WARC and HTTP header blocks, parsed by warcio, as plain mappings."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import NamedTuple

from warcio.statusandheaders import StatusAndHeadersParser

Headers = Mapping[str, str]


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

    def parse(self, block: bytes) -> tuple[HeaderBlock, bytes]:
        """Parse the block at the head of some bytes; return it and the bytes behind its blank line.

        Raises:
            HeaderError: warcio raised; it is not hardened, so that may be anything.
        """
        stream = BytesIO(block)
        try:
            parsed = self._parser.parse(stream)
        except Exception as error:
            raise HeaderError(f"{type(error).__name__}: {error}") from error
        headers: dict[str, str] = {}
        for name, value in parsed.headers:
            headers.setdefault(name.lower(), value)
        return HeaderBlock(parsed.statusline, headers), stream.read()
