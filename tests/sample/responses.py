"""HTTP responses of the sample: pages with their headers and transfer codings, errors, and what is not HTML."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from dataclasses import dataclass
from typing import Any

from junk import junk_pages, shell
from layouts import render
from page import Site, number
from pages import Planned, planned_pages, read_json

SERVERS = ("nginx", "Apache/2.4.58 (Debian)", "cloudrelay", "Microsoft-IIS/10.0", "lighttpd/1.4.69")
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PDF = (
    b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n"
)


@dataclass(frozen=True, slots=True)
class Response:
    """One captured response and what the manifest says about it; `truncated` is the reason WARC-Truncated gives."""

    url: str
    status: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    facts: dict[str, Any]
    truncated: str | None = None


def all_responses() -> list[Response]:
    """Every response of the archive, in the order of a hash of its URL."""
    made = [*_page_responses(), *_junk_responses(), *_errors(), *_other_media()]
    return sorted(made, key=lambda response: number(response.url, 2**64))


def _page_responses() -> list[Response]:
    copies = read_json("copies.json")
    return [_page_response(planned, copies) for planned in planned_pages()]


def _page_response(planned: Planned, copies: dict[str, Any]) -> Response:
    site, body = planned.page.site, render(planned.page)
    plain = planned.role in ("original", "layout_copy")
    codings = copies["transfer"].get(f"{planned.text} {site.layout}", []) if plain else []
    cut = plain and copies["truncated"] == [planned.text, site.layout]
    facts: dict[str, Any] = {
        "role": "truncated" if cut else planned.role,
        "layout": site.layout,
        "text": planned.text,
    }
    facts |= {"language": site.lang, "charset": site.charset, "declared": site.declared}
    if planned.copy_of:
        facts["copy_of"] = planned.copy_of
    if planned.edit:
        facts["edit"] = planned.edit
    if codings:
        facts["transfer"] = codings
    headers, body = _coded(
        _headers(planned.url, content_type(site)), body[: len(body) * 3 // 4] if cut else body, codings
    )
    return Response(planned.url, "200 OK", headers, body, facts, "length" if cut else None)


def content_type(site: Site) -> str:
    """The Content-Type header a site sends."""
    if site.declared == "wrong":
        return "text/html; charset=iso-8859-1"
    return f"text/html; charset={site.charset}" if site.declared in ("both", "http") else "text/html"


def _headers(url: str, media: str) -> tuple[tuple[str, str], ...]:
    common = (("Server", SERVERS[number(url, len(SERVERS))]), ("Content-Type", media))
    if number(url, 3) == 0:
        return (*common, ("Cache-Control", "max-age=600"), ("Vary", "Accept-Encoding"))
    return common


def _coded(
    headers: tuple[tuple[str, str], ...], body: bytes, codings: list[str]
) -> tuple[tuple[tuple[str, str], ...], bytes]:
    if "gzip" in codings:
        headers, body = (*headers, ("Content-Encoding", "gzip")), stored_gzip(body)
    if "chunked" in codings:
        pieces = [body[start : start + 1000] for start in range(0, len(body), 1000)] + [b""]
        return (*headers, ("Transfer-Encoding", "chunked")), b"".join(
            b"%x\r\n%s\r\n" % (len(p), p) for p in pieces
        )
    return (*headers, ("Content-Length", str(len(body)))), body


def stored_gzip(data: bytes) -> bytes:
    """Data of at most 65,535 bytes as a gzip file of one stored block (RFC 1951 section 3.2.4, RFC 1952).

    It is not compressed, so its bytes do not depend on the zlib at hand.
    """
    head = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
    block = struct.pack("<BHH", 1, len(data), len(data) ^ 0xFFFF) + data
    return head + block + struct.pack("<II", zlib.crc32(data), len(data))


def _plain(
    url: str, status: str, media: str, body: bytes, facts: dict[str, Any], *more: tuple[str, str]
) -> Response:
    headers = (*_headers(url, media), *more, ("Content-Length", str(len(body))))
    return Response(url, status, headers, body, {"text": None} | facts)


def _junk_responses() -> list[Response]:
    return [
        _plain(
            junk.url,
            "200 OK",
            "text/html; charset=utf-8",
            junk.html.encode(),
            {"role": "junk", "layout": junk.layout, "language": junk.lang},
        )
        for junk in junk_pages()
    ]


def _errors() -> list[Response]:
    rows = [
        (
            "https://www.harrowby-courier.example/news/2019/04/fete",
            "404 Not Found",
            "We could not find this page.",
        ),
        (
            "https://www.slow-kettle.example/wp-login.php",
            "403 Forbidden",
            "You do not have permission to see this.",
        ),
        ("http://www.harrowby-courier.example/", "301 Moved Permanently", "The document has moved."),
        ("https://docs.quietbits.example/latest/", "302 Found", "The document has moved for now."),
        (
            "https://app.readstream.example/api/feed",
            "500 Internal Server Error",
            "Something went wrong on our side.",
        ),
        ("https://www.diariodelasierra.example/portada-2009", "410 Gone", "Esta página ya no existe."),
    ]
    made = []
    for url, status, text in rows:
        body = shell(
            status, f"<center><h1>{status}</h1></center><p>{text}</p><hr><center>nginx</center>"
        ).encode()
        more = (("Location", "https://www.harrowby-courier.example/news"),) if status[0] == "3" else ()
        facts = {"role": "error", "layout": "error", "language": "es" if "410" in status else "en"}
        made.append(_plain(url, status, "text/html; charset=utf-8", body, facts, *more))
    return made


def _other_media() -> list[Response]:
    feed = '<?xml version="1.0"?>\n<rss version="2.0"><channel><title>The Long Way Home</title></channel></rss>\n'
    rows = [
        ("https://www.slow-kettle.example/favicon.png", "image/png", PNG),
        (
            "https://station.example/api/now",
            "application/json",
            json.dumps({"roof": 4.5, "unit": "C"}).encode(),
        ),
        ("https://www.harbourguide.example/leaflet.pdf", "application/pdf", PDF),
        ("https://www.coastbus.example/robots.txt", "text/plain", b"User-agent: *\nDisallow: /tickets/\n"),
        ("https://blog.thelongwayhome.example/feed/", "application/rss+xml", feed.encode()),
        ("https://www.wren-and-daughters.example/cdn/theme.css", "text/css", b"body{margin:0}\n"),
    ]
    facts = {"role": "non_html", "layout": None, "language": None}
    return [_plain(url, "200 OK", media, body, facts) for url, media, body in rows]
