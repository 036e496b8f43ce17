"""Writes responses as a WARC file in the manner of Common Crawl: request, response and metadata for each."""

from __future__ import annotations

import hashlib
import uuid
from datetime import UTC, datetime, timedelta
from io import BytesIO
from urllib.parse import urlsplit

from page import number
from responses import Response
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import BufferWARCWriter

NAME = "web.warc.gz"
START = datetime(2025, 12, 2, 8, 0, 0, tzinfo=UTC)
INFO = (
    "isPartOf: CORPUSMILL-SAMPLE-2025-49\r\npublisher: corpusmill\r\n"
    "description: Made-up pages on made-up hosts, written for tests and the demo\r\n"
    "software: tests/sample/build.py\r\nrobots: none of these hosts exists\r\nformat: WARC File Format 1.0\r\n"
)


def record_id(key: str) -> str:
    """A WARC record id that depends on `key` alone."""
    digest = hashlib.blake2b(key.encode(), digest_size=16).digest()
    return f"<urn:uuid:{uuid.UUID(bytes=digest, version=4)}>"


def write_archive(responses: list[Response]) -> bytes:
    """The archive, one gzip member per record: warcinfo first, then three records per response, 7 s apart."""
    writer = BufferWARCWriter(gzip=True, warc_version="WARC/1.0")
    info = {"WARC-Record-ID": record_id(NAME), "WARC-Filename": NAME, "WARC-Date": _time(START)}
    _write(writer, None, "warcinfo", INFO.encode(), info, "application/warc-fields")
    for index, response in enumerate(responses):
        _write_triple(writer, response, _time(START + timedelta(seconds=7 * index)))
    data: bytes = writer.get_contents()
    return data


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _write_triple(writer: BufferWARCWriter, response: Response, date: str) -> None:
    """Write the records of one response; the metadata record refers to the response, that to the request."""
    url = response.url
    ids = {kind: record_id(f"{kind} {url}") for kind in ("request", "response", "metadata")}
    request = {"WARC-Record-ID": ids["request"], "WARC-Date": date}
    _write(writer, url, "request", b"", request, http=_request(url))
    named = {"WARC-Record-ID": ids["response"], "WARC-Concurrent-To": ids["request"], "WARC-Date": date}
    named |= {"WARC-Warcinfo-ID": record_id(NAME)}
    named |= {"WARC-IP-Address": f"198.51.100.{number(urlsplit(url).netloc, 254) + 1}"}
    if response.truncated:
        named["WARC-Truncated"] = response.truncated
    http = StatusAndHeaders(response.status, list(response.headers), protocol="HTTP/1.1")
    _write(writer, url, "response", response.body, named, http=http)
    about = {"WARC-Record-ID": ids["metadata"], "WARC-Concurrent-To": ids["response"], "WARC-Date": date}
    _write(
        writer,
        url,
        "metadata",
        f"fetchTimeMs: {number(url, 900) + 20}\r\n".encode(),
        about,
        "application/warc-fields",
    )


def _request(url: str) -> StatusAndHeaders:
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = [("User-Agent", "samplebot/1.0"), ("Accept", "text/html,*/*;q=0.8"), ("Host", parts.netloc)]
    return StatusAndHeaders(f"GET {path} HTTP/1.1", headers, is_http_request=True)


def _write(
    writer: BufferWARCWriter,
    url: str | None,
    kind: str,
    payload: bytes,
    headers: dict[str, str],
    media: str = "",
    http: StatusAndHeaders | None = None,
) -> None:
    record = writer.create_warc_record(
        url,
        kind,
        payload=BytesIO(payload),
        warc_content_type=media,
        warc_headers_dict=headers,
        http_headers=http,
    )
    writer.write_record(record)
