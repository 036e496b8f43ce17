"""Bodies as the server meant them: chunks joined, encodings undone, lies and bombs survived."""

from __future__ import annotations

import gzip
import zlib

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from pipelines.readers.archive.http_payload import (
    PayloadError,
    charset,
    dechunk,
    decode_body,
    looks_like_html,
    mime_type,
    parse_response,
)

PAGE = b"<html><body><p>A page of some text.</p></body></html>"
LIMIT = 1 << 20


def decoded(body: bytes, cut: bool = False, **headers: str) -> bytes:
    """Decode a body under headers, written with underscores."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return decode_body(names, body, LIMIT, cut=cut)


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=8), st.sampled_from([b"\r\n", b"\n"]))
def test_chunks_are_joined(chunks: list[bytes], newline: bytes) -> None:
    """Whatever the chunks hold, the body is what they join to."""
    body = b"".join(b"%x;name=value" % len(chunk) + newline + chunk + newline for chunk in chunks)
    assert dechunk(body + b"0" + newline + newline) == b"".join(chunks)


@given(st.binary(max_size=100))
def test_dechunking_never_fails_and_never_grows(body: bytes) -> None:
    assert len(dechunk(body)) <= len(body)


@pytest.mark.parametrize(
    "body",
    [PAGE, b"12 apostles\n" + PAGE, b"ad\n" + PAGE * 9, b"5\r\nHelloXX", b""],
    ids=["html", "number", "hex word", "wrong size", "empty"],
)
def test_a_body_that_is_not_chunked_stays_as_it_is(body: bytes) -> None:
    """Servers and crawlers leave the header on bodies that they have joined already."""
    assert decoded(body, transfer_encoding="chunked") == body


def test_a_chunk_that_is_cut_or_broken_costs_no_text() -> None:
    assert dechunk(b"5\r\nHello\r\n9\r\n wor") == b"Hello wor"
    assert dechunk(b"5\r\nHello\r\nwhat comes here") == b"Hellowhat comes here"


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("gzip", gzip.compress(PAGE)),
        ("x-gzip", gzip.compress(PAGE[:20]) + gzip.compress(PAGE[20:])),
        ("GZIP", gzip.compress(PAGE) + b"trailing junk"),
        ("deflate", zlib.compress(PAGE)),
        ("deflate", zlib.compress(PAGE)[2:-4]),
        ("zstd", zstandard.compress(PAGE)),
        ("identity", PAGE),
        ("utf-8", PAGE),
        ("deflate, gzip", gzip.compress(zlib.compress(PAGE))),
        ("gzip", PAGE),
        ("br", PAGE),
        ("sdch", PAGE),
    ],
)
def test_encodings_are_undone_and_lies_forgiven(name: str, body: bytes) -> None:
    assert decoded(body, content_encoding=name) == PAGE


def test_brotli_is_undone_where_the_package_is_there() -> None:
    brotli = pytest.importorskip("brotli", minversion="1.2")
    assert decoded(brotli.compress(PAGE), content_encoding="br") == PAGE
    with pytest.raises(PayloadError) as caught:
        decoded(brotli.compress(bytes(LIMIT * 3)), content_encoding="br")
    assert caught.value.reason == "too_big"


@pytest.mark.parametrize(
    ("name", "body", "reason"),
    [
        ("gzip", gzip.compress(PAGE * 99)[:-20], "content_encoding"),
        ("gzip", b"\x00\x01 no gzip", "content_encoding"),
        ("compress", b"\x1f\x9d\x90", "content_encoding"),
        ("gzip", gzip.compress(bytes(LIMIT + 1)), "too_big"),
        ("deflate", zlib.compress(bytes(LIMIT + 1)), "too_big"),
        ("zstd", zstandard.compress(bytes(LIMIT * 8)), "too_big"),
    ],
)
def test_a_body_that_cannot_be_decoded_is_an_error(name: str, body: bytes, reason: str) -> None:
    with pytest.raises(PayloadError) as caught:
        decoded(body, content_encoding=name)
    assert caught.value.reason == reason


def test_a_body_that_the_archive_cut_is_decoded_as_far_as_it_goes() -> None:
    body = gzip.compress(PAGE * 99, mtime=0)[:-20]
    assert (PAGE * 99).startswith(decoded(body, cut=True, content_encoding="gzip"))


def test_headers_that_the_crawler_renamed_do_not_count() -> None:
    """Common Crawl stores decoded bodies and keeps the old header under another name."""
    assert decoded(PAGE, x_crawler_content_encoding="gzip", x_crawler_transfer_encoding="chunked") == PAGE


def test_parse_response() -> None:
    response = parse_response(b"HTTP/2 200\nA: 1\r\nB:2\nA: 3\n\nbody")
    assert (response.status, response.headers, response.body) == (200, {"a": "1", "b": "2"}, b"body")


@given(st.binary(max_size=60), st.sampled_from([b"", b"HTTP/1.1 ", b"HTTP/1.1 200 OK\r\n"]))
def test_any_block_parses_or_is_an_error(block: bytes, start: bytes) -> None:
    """Foreign bytes raise nothing but the one error."""
    try:
        status = parse_response(start + block).status
    except PayloadError as error:
        reason, status = error.reason, 0
    else:
        reason = "bad_http"
    assert reason == "bad_http"
    assert 0 <= status <= 999


@pytest.mark.parametrize(
    ("content_type", "name"),
    [
        ("text/html; charset=utf-8", "utf-8"),
        ('text/html; Charset = "Windows-1252"', "windows-1252"),
        ("text/html;charset=", None),
        ("text/html; charset=\xe9\xff", None),
        (None, None),
    ],
)
def test_charset(content_type: str | None, name: str | None) -> None:
    assert charset(content_type) == name


def test_mime_type_and_html_sniffing() -> None:
    assert mime_type("", "Text/HTML ; charset=x", b"") == "text/html"
    assert mime_type(None, "nonsense", PAGE) == "text/html"
    assert mime_type(None, None, b"%PDF") is None
    assert looks_like_html(b"\xef\xbb\xbf\n<!-- comment --><HTML>")
    assert not looks_like_html(b"a < b and <paragraph>")
