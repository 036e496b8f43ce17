"""The body of an archived HTTP response as the server meant it: unchunked, decompressed, its type known."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from pipelines.readers.archive.header_block import HeaderError, HeaderParser, Headers
from pipelines.readers.reasons import ReadReason
from pipelines.readers.spans.compression import (
    ZSTANDARD,
    DecodeError,
    Decoder,
    brotli_decoder,
    deflate_decoder,
    gzip_decoder,
)

_PIECE_BYTES: Final = 1 << 15
_SNIFFED_BYTES: Final = 1 << 10

_PARSER: Final = HeaderParser("HTTP/")
_CHUNK_SIZE: Final = re.compile(rb"[ \t]*([0-9a-fA-F]{1,8})[ \t]*(?:;[^\r\n]{0,4096})?\r?\n")
_CHARSET: Final = re.compile(r"charset\s*=\s*[\"']?\s*([A-Za-z0-9][A-Za-z0-9._:+-]{0,39})", re.IGNORECASE)
_HTML: Final = re.compile(
    rb"<(?:!doctype\s+html|html|head|body|title|meta|link|script|style|div|table|h[1-6]|p|a|ul|br|center|font)\b"
    rb"|<!--",
    re.IGNORECASE,
)
_NOT_ENCODED: Final = {"", "identity", "none", "binary", "utf-8", "utf8", "8bit", "7bit"}


class PayloadError(Exception):
    """The payload cannot be read; the message says why.

    Attributes:
        reason: ``bad_http``, ``content_encoding`` or ``too_big``.
    """

    def __init__(self, reason: ReadReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Response(NamedTuple):
    """One HTTP response: status code, headers by lower-case name, and the body as it was stored."""

    status: int
    headers: Headers
    body: bytes


def parse_response(block: bytes | memoryview) -> Response:
    """Parse a stored response.

    Raises:
        PayloadError: ``bad_http``: it has no status line, or one without a status code.
    """
    start = bytes(block[:40])
    if not start.upper().startswith(b"HTTP/"):
        raise PayloadError("bad_http", f"the response starts with {start!r}, not with a status line")
    try:
        head, body = _PARSER.parse(block)
    except HeaderError as error:
        raise PayloadError("bad_http", str(error)) from error
    words = head.status.split()
    if len(words) < 2 or not re.fullmatch("[0-9]{3}", words[1]):
        raise PayloadError("bad_http", f"the status line ends with {head.status[:40]!r}")
    return Response(int(words[1]), head.headers, body)


def decode_body(headers: Headers, body: bytes, max_bytes: int, *, cut: bool) -> bytes:
    """Undo Transfer-Encoding and Content-Encoding.

    Common Crawl decodes bodies itself and renames the header to ``X-Crawler-Content-Encoding``, which is ignored
    here. A body that is plainly HTML is returned as it is, even if its header says that it is encoded.

    Args:
        headers: the HTTP headers.
        body: the body as stored.
        max_bytes: decoded bytes to stop at.
        cut: the archive says that the body was cut, so that it may end inside an encoding.

    Raises:
        PayloadError: ``too_big``, or ``content_encoding``: it cannot be decoded.
    """
    if "chunked" in headers.get("transfer-encoding", "").lower():
        body = dechunk(body)
    names = headers.get("content-encoding", "").lower().split(",")
    for name in reversed([name.strip() for name in names]):
        if name in _NOT_ENCODED or not body:
            continue
        try:
            body = _decode(name, body, max_bytes, cut)
        except DecodeError as error:
            if looks_like_html(body):
                return body
            raise PayloadError("content_encoding", f"Content-Encoding {name[:20]}: {error}") from error
    return body


def dechunk(body: bytes) -> bytes:
    r"""Join the chunks of a body (RFC 9112, 7.1); return it unchanged if it does not begin with a whole chunk.

    A later chunk that is broken ends the decoding; the bytes from there on are kept as they are.

    >>> dechunk(b"5\r\nHello\r\n0\r\n\r\n"), dechunk(b"<p>not chunked")
    (b'Hello', b'<p>not chunked')
    """
    parts: list[bytes] = []
    at = 0
    while match := _CHUNK_SIZE.match(body, at):
        size, start = int(match[1], 16), match.end()
        if size == 0:
            return b"".join(parts)
        follows = body[start + size : start + size + 2]
        if follows not in (b"\r\n", b"") and follows[:1] != b"\n":
            break
        parts.append(body[start : start + size])
        at = start + size + (1 if follows[:1] == b"\n" else 2)
    return b"".join(parts) + body[at:]


def mime_type(identified: str | None, content_type: str | None, body: bytes) -> str | None:
    """Return the lower-case media type: as identified by the crawler, else as sent, else HTML by its bytes."""
    for value in (identified, content_type):
        name = re.split("[;,]", value or "")[0].strip().lower()
        if "/" in name:
            return name
    return "text/html" if looks_like_html(body) else None


def charset(content_type: str | None) -> str | None:
    """Return the charset that a Content-Type names, lower case.

    >>> charset('text/html; charset="UTF-8"'), charset("text/html")
    ('utf-8', None)
    """
    match = _CHARSET.search(content_type or "")
    return match[1].lower() if match else None


def looks_like_html(body: bytes) -> bool:
    """Return True if there is an HTML tag or comment in the first KiB."""
    return _HTML.search(body, 0, _SNIFFED_BYTES) is not None


def _decode(name: str, body: bytes, max_bytes: int, cut: bool) -> bytes:
    """Decode a body of one encoding; a body may have several gzip members."""
    parts: list[bytes] = []
    size = at = 0
    decoder = _decoder(name, body)
    while at < len(body):
        piece = body[at : at + _PIECE_BYTES]
        for output in decoder.feed(piece):
            parts.append(output)
            size += len(output)
            if size > max_bytes:
                raise PayloadError("too_big", f"the body decodes to more than {max_bytes} bytes ({name})")
        at += len(piece)
        if decoder.ended:
            at -= decoder.unused
            if name not in ("gzip", "x-gzip") or not body.startswith(b"\x1f\x8b\x08", at):
                break
            decoder = gzip_decoder()
    if not decoder.ended and not cut:
        raise DecodeError("it ends early")
    return b"".join(parts)


def _decoder(name: str, body: bytes) -> Decoder:
    if name in ("gzip", "x-gzip"):
        return gzip_decoder()
    if name == "deflate":
        return deflate_decoder(body[:2])
    if name == "br":
        return brotli_decoder()
    if name == "zstd":
        return ZSTANDARD.open()
    raise DecodeError("the encoding is unknown")
