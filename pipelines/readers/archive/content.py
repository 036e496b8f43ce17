"""The content of one WARC record: a page to extract, or the reason why there is none."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from filters.document import Place
from pipelines.readers.archive.cutter import BadRecord, WholeRecord
from pipelines.readers.archive.header_block import Headers
from pipelines.readers.archive.http_payload import (
    PayloadError,
    charset,
    decode_body,
    mime_type,
    parse_response,
)
from pipelines.readers.fields import iso_time, language_code
from pipelines.readers.reasons import ReadReason
from pipelines.readers.record import MESSAGE_CHARACTERS, Media, Record, Rejected

OK: Final = 200
UNKNOWN: Final = "unknown"

_MEDIA: Final[dict[str, Media]] = {
    "text/html": "html",
    "application/xhtml+xml": "html",
    "text/plain": "text",
}
_NOT_HTTP: Final = re.compile(r"^(dns|whois|ntp):| text/(dns|whois)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Content:
    """Which records are content, and how much of it is read.

    Attributes:
        kinds: WARC record types.
        max_bytes: bytes of the largest record or decoded payload.
        truncated: keep or drop records that the crawler cut (WARC-Truncated).
    """

    kinds: frozenset[str]
    max_bytes: int
    truncated: Literal["keep", "drop"]


def kind_of(headers: Headers) -> str:
    """Return the kind that a record counts as: its type, lower case; a DNS or similar response by its protocol."""
    kind = re.sub(r"[^a-z0-9_-]", "", headers.get("warc-type", "").lower())[:32] or UNKNOWN
    if kind != "response":
        return kind
    protocol = _NOT_HTTP.search(f"{_url(headers)} {headers.get('content-type')}")
    return (protocol[1] or protocol[2]).lower() if protocol else kind


def content_record(
    cut: WholeRecord | BadRecord, kind: str, place: Place, content: Content
) -> Record | Rejected:
    """Return the content of a record, or why there is none.

    Args:
        cut: the record.
        kind: what it counts as.
        place: where it lies.
        content: settings of the reader.
    """
    headers = cut.headers
    if isinstance(cut, BadRecord):
        return _rejected(headers, place, cut.reason, cut.message, error=True)
    if "warc-truncated" in headers and content.truncated == "drop":
        return _rejected(headers, place, "truncated", headers["warc-truncated"])
    if not cut.block:
        return _rejected(headers, place, "empty_payload")
    try:
        if kind == "response":
            return _response(headers, cut.block, place, content)
    except PayloadError as error:
        return _rejected(headers, place, error.reason, str(error), error=True)
    return _record(headers, headers.get("content-type"), bytes(cut.block), place)


def _response(headers: Headers, block: memoryview, place: Place, content: Content) -> Record | Rejected:
    response = parse_response(block)
    if response.status != OK:
        return _rejected(headers, place, "http_status", f"HTTP status {response.status}")
    content_type = response.headers.get("content-type")
    mime = _mime_type(headers, content_type, response.body)
    body = response.body
    if mime in _MEDIA or mime == UNKNOWN:
        body = decode_body(response.headers, body, content.max_bytes, cut="warc-truncated" in headers)
    return _record(headers, content_type, body, place)


def _record(headers: Headers, content_type: str | None, body: bytes, place: Place) -> Record | Rejected:
    if not body:
        return _rejected(headers, place, "empty_payload")
    mime = _mime_type(headers, content_type, body)
    if mime not in _MEDIA:
        return _rejected(headers, place, "mime_type", mime)
    return Record(
        place,
        body,
        _MEDIA[mime],
        charset=charset(content_type),
        record_id=_record_id(headers),
        url=_url(headers),
        date=iso_time(headers.get("warc-date")),
        language=language_code(headers.get("warc-identified-content-language")),
    )


def _mime_type(headers: Headers, content_type: str | None, body: bytes) -> str:
    return mime_type(headers.get("warc-identified-payload-type"), content_type, body) or UNKNOWN


def _rejected(
    headers: Headers, place: Place, reason: ReadReason, message: str = "", *, error: bool = False
) -> Rejected:
    return Rejected(
        place,
        reason,
        error,
        message[:MESSAGE_CHARACTERS],
        record_id=_record_id(headers),
        url=_url(headers),
        date=iso_time(headers.get("warc-date")),
    )


def _record_id(headers: Headers) -> str | None:
    value = headers.get("warc-record-id", "").strip().strip("<>")
    return value.removeprefix("urn:uuid:") or None


def _url(headers: Headers) -> str | None:
    value = headers.get("warc-target-uri", "").strip()
    if value.startswith("<") and value.endswith(">"):  # wget 1.14 to 1.19 wrote it so
        value = value[1:-1]
    return value or None
