"""Wiki dumps: every compression and encoding, pages across streams, damage, and XML that must not expand."""

from __future__ import annotations

import bz2
import gzip
import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.document import Place
from pipelines.readers.find import find_reader
from pipelines.readers.record import Record, Wiki
from pipelines.readers.wikipedia import Wikipedia

READER = Wikipedia()
HEAD = (
    '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="de">\n<siteinfo>'
    "<base>https://de.wikipedia.org/wiki/Wikipedia:Hauptseite</base><namespaces>"
    '<namespace key="0" case="first-letter" /><namespace key="1">Diskussion</namespace>'
    '<namespace key="6">Datei</namespace>'
    '<namespace key="14" case="first-letter">Kategorie</namespace></namespaces></siteinfo>\n'
)
END = "</mediawiki>\n"


def page(number: int, text: str = "", inner: str = "", title: str = "", ns: str = "<ns>0</ns>") -> str:
    """Return the XML of one page."""
    revision = inner or (
        f"<revision><id>7{number}</id><timestamp>2024-01-01T00:00:{number % 60:02d}Z</timestamp>"
        f"<model>wikitext</model><text>{text or f'Artikel {number} &lt;ref&gt; ÄÖÜ'}</text></revision>"
    )
    return f"<page>\n<title>{title or f'Titel {number}'}</title>{ns}<id>{number}</id>{revision}\n</page>\n"


def streams(*parts: str | bytes) -> bytes:
    """Compress each part in a stream of its own."""
    return b"".join(bz2.compress(part.encode() if isinstance(part, str) else part) for part in parts)


def in_streams(data: bytes, sizes: list[int]) -> bytes:
    """Compress in streams of given sizes, over and over, as pbzip2 does: wherever they end."""
    packed, position, turn = b"", 0, 0
    while position < len(data):
        size = sizes[turn % len(sizes)]
        packed += bz2.compress(data[position : position + size])
        position, turn = position + size, turn + 1
    return packed


MULTISTREAM = streams(HEAD, *("".join(page(n) for n in range(k, k + 3)) for k in range(0, 15, 3)), END)
XML = (HEAD + "".join(page(n) for n in range(6)) + END).encode()


def texts(count: int) -> list[bytes]:
    """Return the wikitexts of the first pages."""
    return [f"Artikel {number} <ref> ÄÖÜ".encode() for number in range(count)]


def test_a_page_becomes_a_record(read: Any) -> None:
    """It lies in the stream in which it starts; its address and language come from the head."""
    first, second = (
        bz2.compress(HEAD.encode()),
        bz2.compress((page(0) + page(1, title="Über das A &amp; O?")).encode()),
    )
    data = first + second + bz2.compress(END.encode())
    assert read(READER, data).records[1] == Record(
        place=Place(len(first), len(second), 1),
        payload=texts(2)[1],
        media="wikitext",
        charset="utf-8",
        record_id="1",
        url="https://de.wikipedia.org/wiki/%C3%9Cber_das_A_%26_O%3F",
        date="2024-01-01T00:00:01Z",
        language="de",
        wiki=Wiki(hidden=("datei", "kategorie"), tables=False),
    )
    assert find_reader("wikipedia") is Wikipedia


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(XML, id="plain"),
        pytest.param(bz2.compress(XML), id="one stream"),
        pytest.param(in_streams(XML, [100]), id="many streams"),
        pytest.param(in_streams(XML, [1]), id="a stream for each byte"),
        pytest.param(gzip.compress(XML), id="gzip"),
        pytest.param(b"\xef\xbb\xbf" + XML, id="byte order mark"),
        pytest.param(
            b"<?xml version='1.0' encoding='UTF-8'?>" + XML.replace(b"\n", b"\r\n"), id="declared, CRLF"
        ),
        pytest.param(XML.decode().encode("utf-16"), id="plain utf-16"),
        pytest.param(bz2.compress(XML.decode().encode("utf-16")), id="utf-16 in bzip2"),
        pytest.param(
            in_streams(XML.decode().encode("utf-16-be"), [333]), id="utf-16-be without mark in streams"
        ),
    ],
)
def test_every_form_gives_the_same_articles(data: bytes, read: Any) -> None:
    events = read(READER, data)
    assert events.payloads == texts(6)
    assert {(record.language, record.charset) for record in events.records} == {("de", "utf-8")}
    assert events.reports == []
    assert len({(record.place.offset, record.place.index) for record in events.records}) == 6


def test_a_plain_page_is_a_span(read: Any) -> None:
    events = read(READER, XML)
    first = events.records[0]
    assert XML[first.place.offset :].startswith(b"<page>")
    assert XML[first.place.offset : first.place.offset + first.place.length].endswith(b"</page>")
    assert events.kinds[:2] == ["header", "page"]


@pytest.mark.parametrize(
    ("xml", "reason"),
    [
        (page(1, ns="<ns>1</ns>"), "namespace"),
        (page(1, ns="", title="Diskussion:Titel"), "namespace"),
        (page(1, ns="<ns>0</ns><redirect title='Ziel' />"), "redirect"),
        (page(1, text="#Redirect [[Ziel]]"), "redirect"),
        (page(1, text="#WEITERLEITUNG [[Ziel]]\n{{Vorlage}} [[Kategorie:X]]\n"), "redirect"),
        (page(1, text="#පුනරාගමනය: [[ඉලක්කය]]"), "redirect"),
        (page(1, inner="<revision><model>json</model><text>{}</text></revision>"), "content_model"),
        (page(1, inner="<revision><text deleted='deleted' /></revision>"), "no_text"),
        (page(1, inner="<revision><text deleted='deleted'>still there</text></revision>"), "no_text"),
        (page(1, inner=" "), "no_text"),
    ],
)
def test_what_is_no_article_is_dropped_by_reason(xml: str, reason: str, read: Any) -> None:
    events = read(READER, streams(HEAD, xml, END))
    assert [(event.reason, event.error, event.record_id) for event in events.rejected] == [
        (reason, False, "1")
    ]


@pytest.mark.parametrize(
    "text", ["# [[Eins]]\n# [[Zwei]]", "#Eins [[A]] ist der erste.", "## [[A]]", "#[[A]]"]
)
def test_a_numbered_list_is_no_redirect(text: str, read: Any) -> None:
    assert len(read(READER, streams(HEAD, page(1, text=text), END)).records) == 1


def test_old_exports_name_the_namespace_in_the_title_only(read: Any) -> None:
    """A colon alone makes no namespace."""
    assert len(read(READER, streams(HEAD, page(1, ns="", title="2001: A Space Odyssey"), END)).records) == 1


def test_the_newest_revision_is_read(read: Any) -> None:
    revision = "<revision><timestamp>20{}-01-01T00:00:00Z</timestamp><text>{}</text></revision>"
    inner = revision.format("10", "old") + revision.format("20", "new") + revision.format("15", "between")
    record = read(READER, streams(HEAD, page(1, inner=inner), END)).records[0]
    assert (record.payload, record.date) == (b"new", "2020-01-01T00:00:00Z")


@pytest.mark.parametrize(
    "broken",
    [
        page(2).encode().replace("Ä".encode(), b"\xff\xfe"),
        page(2, text="&undeclared;").encode(),
        page(2, text="<!DOCTYPE x [<!ENTITY e 'boo'>]>&e;").encode(),
        page(2).encode().replace(b"</text>", b""),
        page(2).encode().replace(b"</page>", b""),
    ],
    ids=["utf-8", "entity", "doctype inside", "open tag", "no end"],
)
def test_a_broken_page_costs_itself_only(broken: bytes, read: Any) -> None:
    events = read(READER, streams(HEAD, page(0) + page(1), broken, page(3), END))
    assert [record.record_id for record in events.records] == ["0", "1", "3"]
    assert [(event.reason, event.error) for event in events.rejected] == [("bad_xml", True)]


BOMB = '<?xml version="1.0"?><!DOCTYPE m [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;">]>'
FILES = '<!DOCTYPE m [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize("prolog", [BOMB, FILES, "<!doctype m>", "<!-- x --> <! ENTITY a 'b'>"])
@pytest.mark.parametrize("pack", [bytes, bz2.compress, gzip.compress])
def test_a_document_type_is_refused(prolog: str, pack: Any, read: Any) -> None:
    """Nothing is expanded and no file is opened: the whole dump is refused, by name."""
    events = read(READER, pack((prolog + HEAD + page(1, text="&a;") + END).encode()))
    assert [event.reason for event in events.all] == ["document_type"]


@pytest.mark.parametrize(
    ("data", "reason", "message"),
    [
        (b"<html>404 Not Found</html>", "not_mediawiki", "404"),
        (bz2.compress(b"<html>404 Not Found</html>"), "not_mediawiki", "404"),
        (b"<?xml version='1.0' encoding='iso-8859-1'?><mediawiki>", "encoding", "iconv"),
        (b"\xfd7zXZ\x00" + bytes(20), "unsupported_format", "xz -d"),
    ],
)
def test_what_is_no_export_is_damage_with_a_clear_message(
    data: bytes, reason: str, message: str, read: Any
) -> None:
    events = read(READER, data)
    assert [event.reason for event in events.damaged] == [reason]
    assert message in events.damaged[0].message
    assert len(events.all) == 1


def test_an_empty_file_has_no_events(read: Any) -> None:
    assert read(READER, b"").all == []


@settings(max_examples=100, deadline=None)
@given(
    sizes=st.lists(st.integers(5, 900), min_size=1, max_size=4),
    cuts=st.lists(st.integers(0, 9000), max_size=4),
    holes=st.lists(st.tuples(st.integers(0, 8000), st.binary(min_size=1, max_size=30)), max_size=2),
    lost=st.integers(0, 300),
)
def test_ranges_join_to_the_whole(
    sizes: list[int], cuts: list[int], holes: list[tuple[int, bytes]], lost: int, read: Any, ranges: Any
) -> None:
    """Wherever streams and ranges end, and whatever is damaged, the events are those of one read."""
    data = bytearray(in_streams((HEAD + "".join(page(n) for n in range(20)) + END).encode(), sizes))
    for position, junk in holes:
        data[position : position + len(junk)] = junk[: max(0, len(data) - position)]
    del data[len(data) - lost :]
    if READER.splits(io.BytesIO(bytes(data))):
        assert ranges(READER, bytes(data), cuts) == read(READER, bytes(data)).all


def test_splits_with_several_streams_only() -> None:
    assert READER.splits(io.BytesIO(MULTISTREAM))
    assert READER.splits(io.BytesIO(b"\0" + MULTISTREAM[1:]))
    for data in (XML, bz2.compress(XML), gzip.compress(XML), b""):
        assert not READER.splits(io.BytesIO(data))
    assert not READER.splits(io.BytesIO(in_streams(XML.decode().encode("utf-16"), [500])))


def test_without_its_head_a_dump_still_has_its_pages(read: Any) -> None:
    """Only what the head says is missing then."""
    first = len(bz2.compress(HEAD.encode()))
    data = b"\xff" * first + MULTISTREAM[first:]
    events = read(READER, data)
    assert events.payloads == texts(15)
    assert {(record.url, record.language) for record in events.records} == {(None, None)}
    assert [(event.offset, event.length) for event in events.damaged] == [(0, first)]


def test_a_page_longer_than_the_limit_is_an_error(read: Any) -> None:
    """It is passed over without being held, and the next page is read."""
    reader = Wikipedia(max_page_mb=1)
    data = streams(HEAD, page(0), page(1, text="lang " * 500_000), page(2), END)
    events = read(reader, data)
    assert [record.record_id for record in events.records] == ["0", "2"]
    assert [(event.reason, event.error) for event in events.rejected] == [("too_big", True)]


def test_a_page_cut_off_by_damage_is_an_error_of_its_own_stream(read: Any) -> None:
    one, two = page(1).encode()[:60], page(1).encode()[60:]
    head, start, lost, rest = (
        bz2.compress(part) for part in (HEAD.encode(), one, two[:9], two[9:] + page(2).encode())
    )
    events = read(READER, head + start + b"x" * len(lost) + rest + bz2.compress(END.encode()))
    assert [record.record_id for record in events.records] == ["2"]
    assert [(event.place.offset, event.reason) for event in events.rejected] == [(len(head), "truncated")]
    assert [event.offset for event in events.damaged] == [len(head + start)]
