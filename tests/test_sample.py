"""The built-in sample: it can be rebuilt byte for byte, and it holds what the README of the sample promises."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import re
import subprocess
import sys
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from warcio.archiveiterator import ArchiveIterator

SAMPLE = Path(__file__).resolve().parent / "sample"
BUILT = ("web.warc.gz", "wiki.xml.bz2", "manifest.json")
MANIFEST: dict[str, Any] = json.loads((SAMPLE / "manifest.json").read_text(encoding="utf-8"))
PAGES: list[dict[str, Any]] = MANIFEST["pages"]
TEXTS = sorted((SAMPLE / "texts").rglob("*.txt"))
XMLNS = "{http://www.mediawiki.org/xml/export-0.11/}"
WITHOUT_SPACES = {"ja"}


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, bytes]]:
    """The three files of two builds, each in a process of its own with its own hash seed."""
    builds = []
    for seed in ("1", "2"):
        folder = tmp_path_factory.mktemp("build")
        command = [sys.executable, str(SAMPLE / "build.py"), str(folder)]
        subprocess.run(command, check=True, env={"PYTHONHASHSEED": seed, "PYTHONDONTWRITEBYTECODE": "1"})
        builds.append({name: (folder / name).read_bytes() for name in BUILT})
    return builds


@pytest.fixture(scope="module")
def responses() -> dict[str, tuple[Any, bytes]]:
    """Each response by URL: its record and its decoded payload."""
    with (SAMPLE / "web.warc.gz").open("rb") as stream:
        return {
            record.rec_headers["WARC-Target-URI"]: (record, record.content_stream().read())
            for record in ArchiveIterator(stream)
            if record.rec_type == "response"
        }


def gzip_members(data: bytes) -> Iterator[bytes]:
    """What each gzip member of a file holds."""
    while data:
        member = zlib.decompressobj(wbits=31)
        yield member.decompress(data)
        data = member.unused_data


@pytest.mark.integration
def test_two_builds_are_the_same_bytes(rebuilt: list[dict[str, bytes]]) -> None:
    assert rebuilt[0] == rebuilt[1]


@pytest.mark.integration
def test_the_archive_is_what_its_sources_make(rebuilt: list[dict[str, bytes]]) -> None:
    """Compared member by member, because another zlib may compress the same bytes differently."""
    checked_in = (SAMPLE / "web.warc.gz").read_bytes()
    assert list(gzip_members(rebuilt[0]["web.warc.gz"])) == list(gzip_members(checked_in))


@pytest.mark.integration
@pytest.mark.parametrize("name", ["wiki.xml.bz2", "manifest.json"])
def test_dump_and_manifest_are_what_their_sources_make(name: str, rebuilt: list[dict[str, bytes]]) -> None:
    assert rebuilt[0][name] == (SAMPLE / name).read_bytes()


def test_the_sample_stays_small() -> None:
    files = [
        path
        for path in SAMPLE.rglob("*")
        if path.is_file() and not path.relative_to(SAMPLE).parts[0].startswith((".", "__"))
    ]
    assert sum(path.stat().st_size for path in files) < 900_000


def test_there_are_many_long_texts_in_many_languages() -> None:
    for path in TEXTS:
        text = path.read_text(encoding="utf-8")
        if path.parent.name in WITHOUT_SPACES:
            assert len(text) >= 300, path
        else:
            assert len(text.split()) >= 120, path
    languages = Counter(path.parent.name for path in TEXTS)
    assert len(TEXTS) >= 60
    assert len(languages) >= 6


def test_no_two_texts_share_a_paragraph() -> None:
    paragraphs = Counter(
        part for path in TEXTS for part in path.read_text(encoding="utf-8").split("\n\n") if len(part) > 60
    )
    assert paragraphs.most_common(1)[0][1] == 1


def test_every_text_has_one_original_page() -> None:
    originals = [page["text"] for page in PAGES if page["role"] == "original"]
    assert sorted(originals) == [
        path.relative_to(SAMPLE / "texts").with_suffix("").as_posix() for path in TEXTS
    ]


def test_there_are_enough_pages_layouts_and_roles() -> None:
    html = [page for page in PAGES if page["status"] == 200 and page["media"] == "text/html"]
    roles = Counter(page["role"] for page in PAGES)
    assert 160 <= len(html) <= 200
    assert len({page["layout"] for page in PAGES if page["text"]}) >= 10
    minimum = {"exact_copy": 6, "near_copy": 10, "junk": 10, "error": 3, "non_html": 3, "truncated": 1}
    assert all(roles[role] >= least for role, least in minimum.items())
    assert {page["status"] for page in PAGES} >= {200, 301, 404, 500}


def test_the_manifest_names_every_response_in_order(responses: dict[str, tuple[Any, bytes]]) -> None:
    assert [page["url"] for page in PAGES] == list(responses)
    for page in PAGES:
        record, _ = responses[page["url"]]
        assert int(record.http_headers.get_statuscode()) == page["status"]
        assert record.http_headers["Content-Type"].split(";")[0] == page["media"]


def test_records_come_in_threes_and_refer_to_each_other() -> None:
    with (SAMPLE / "web.warc.gz").open("rb") as stream:
        first, *records = [(record.rec_type, record.rec_headers) for record in ArchiveIterator(stream)]
    assert first[0] == "warcinfo"
    assert [kind for kind, _ in records] == ["request", "response", "metadata"] * len(PAGES)
    ids = [headers["WARC-Record-ID"] for _, headers in records]
    for number, (kind, headers) in enumerate(records):
        if kind != "request":
            assert headers["WARC-Concurrent-To"] == ids[number - 1]
    assert len(set(ids)) == len(ids)


def test_block_digests_are_right() -> None:
    with (SAMPLE / "web.warc.gz").open("rb") as stream:
        for record in ArchiveIterator(stream, check_digests="raise"):
            record.content_stream().read()


def test_exact_copies_have_the_bytes_of_their_original(responses: dict[str, tuple[Any, bytes]]) -> None:
    for page in PAGES:
        if page["role"] == "exact_copy":
            assert responses[page["url"]][1] == responses[page["copy_of"]][1]


def test_near_copies_differ_from_every_page_of_their_text(responses: dict[str, tuple[Any, bytes]]) -> None:
    for page in PAGES:
        if page["role"] == "near_copy":
            others = [
                responses[other["url"]][1]
                for other in PAGES
                if other["text"] == page["text"] and other is not page
            ]
            assert responses[page["url"]][1] not in others


def test_pages_hold_their_text_in_the_charset_the_manifest_names(
    responses: dict[str, tuple[Any, bytes]],
) -> None:
    for page in PAGES:
        if page["role"] not in ("original", "layout_copy", "exact_copy"):
            continue
        html = responses[page["url"]][1].decode(page["charset"])
        source = (SAMPLE / "texts" / f"{page['text']}.txt").read_text(encoding="utf-8")
        words = [word for word in re.findall(r"\w+", source) if len(word) > 3]
        assert all(word in html for word in words), page["url"]


def test_charsets_are_declared_where_the_manifest_says(responses: dict[str, tuple[Any, bytes]]) -> None:
    for page in PAGES:
        if "declared" not in page:
            continue
        record, payload = responses[page["url"]]
        in_header = f"charset={page['charset']}" in record.http_headers["Content-Type"]
        in_meta = (
            f'charset="{page["charset"]}"'.encode() in payload
            or f"charset={page['charset']}".encode() in payload
        )
        assert in_header == (page["declared"] in ("both", "http")), page["url"]
        assert in_meta == (page["declared"] in ("both", "meta")), page["url"]
        assert payload.startswith(b"\xef\xbb\xbf") == (page["declared"] == "bom")


def test_transfer_codings_and_truncation_are_there(responses: dict[str, tuple[Any, bytes]]) -> None:
    codings = {coding for page in PAGES for coding in page.get("transfer", [])}
    assert codings == {"gzip", "chunked"}
    for page in PAGES:
        record, payload = responses[page["url"]]
        headers = record.http_headers
        assert (headers["Content-Encoding"] == "gzip") == ("gzip" in page.get("transfer", []))
        assert (headers["Transfer-Encoding"] == "chunked") == ("chunked" in page.get("transfer", []))
        assert (record.rec_headers["WARC-Truncated"] == "length") == (page["role"] == "truncated")
        if "transfer" in page:
            assert payload.rstrip().lower().endswith(b"</html>")


def test_some_texts_hold_addresses_to_be_removed(responses: dict[str, tuple[Any, bytes]]) -> None:
    pages = [
        payload for page in PAGES if page["role"] == "original" for payload in [responses[page["url"]][1]]
    ]
    assert sum(bool(re.search(rb"[\w.]+@[\w.]+\.example", payload)) for payload in pages) >= 5
    assert sum(bool(re.search(rb"\b(8\.8\.8\.8|9\.9\.9\.9)\b", payload)) for payload in pages) >= 2


def test_every_host_is_reserved_for_examples() -> None:
    assert all(re.match(r"https?://[\w.-]+\.example/", page["url"]) for page in PAGES)


def test_the_dump_is_multistream_and_its_pages_are_in_the_manifest() -> None:
    data = (SAMPLE / "wiki.xml.bz2").read_bytes()
    assert data.count(b"BZh9") >= 5
    root = ElementTree.fromstring(bz2.decompress(data))
    pages = [
        (
            page.findtext(f"{XMLNS}title"),
            int(page.findtext(f"{XMLNS}ns") or ""),
            int(page.findtext(f"{XMLNS}id") or ""),
        )
        for page in root.iter(f"{XMLNS}page")
    ]
    assert root.find(f"{XMLNS}siteinfo") is not None
    assert pages == [(page["title"], page["namespace"], page["id"]) for page in MANIFEST["wiki"]]
    assert [page[2] for page in pages] == sorted({page[2] for page in pages})


def test_the_dump_has_enough_of_each_kind() -> None:
    kinds = Counter(page["kind"] for page in MANIFEST["wiki"])
    assert kinds["article"] >= 30
    assert kinds["redirect"] >= 5
    assert kinds["talk"] >= 2
    assert {"template", "disambiguation", "user"} <= set(kinds)


def test_the_articles_use_the_markup_a_reader_must_handle() -> None:
    wikitext = "\n".join(path.read_text(encoding="utf-8") for path in (SAMPLE / "wiki").glob("*.wikitext"))
    needed = ("{{Infobox", "{{cite ", "{{convert|", "{{lang|", '{| class="wikitable"', "<ref", "[[File:", "[[Category:",
              "<math>", "<nowiki>", "<!--", "[https://", "== ", "* ", "# ")  # fmt: skip
    assert all(mark in wikitext for mark in needed)


def test_the_archive_is_also_one_valid_gzip_file() -> None:
    with gzip.open(io.BytesIO((SAMPLE / "web.warc.gz").read_bytes())) as stream:
        assert stream.read().count(b"WARC/1.0\r\n") == 1 + 3 * len(PAGES)
