"""Writes the articles in `wiki/` as a MediaWiki XML dump, multistream bz2 as Wikimedia publishes them."""

from __future__ import annotations

import bz2
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from page import number

WIKI = Path(__file__).parent / "wiki"
NAMESPACES = {
    -1: "Special", 0: "", 1: "Talk", 2: "User", 3: "User talk", 4: "Project", 6: "File", 8: "MediaWiki",
    10: "Template", 12: "Help", 14: "Category",
}  # fmt: skip
PAGES_PER_STREAM = 10
XMLNS = "http://www.mediawiki.org/xml/export-0.11/"
KINDS = {0: "article", 1: "talk", 2: "user", 10: "template", 14: "category"}


@dataclass(frozen=True, slots=True)
class WikiPage:
    """One page of the dump; `redirect` is the title it leads to."""

    title: str
    namespace: int
    text: str
    redirect: str | None = None

    @property
    def id(self) -> int:
        """Page id, from a hash of the title."""
        return 1000 + number(self.title, 9_000_000)

    @property
    def kind(self) -> str:
        """What the manifest calls it."""
        if self.redirect:
            return "redirect"
        return "disambiguation" if "{{disambiguation}}" in self.text else KINDS[self.namespace]


def wiki_pages() -> list[WikiPage]:
    """Every page of the wiki in order of its id: the files in `wiki/` and the redirects."""
    numbers = {name: number for number, name in NAMESPACES.items()}
    pages = []
    for path in WIKI.rglob("*.wikitext"):
        prefix = "" if path.parent == WIKI else path.parent.name
        title = path.stem.replace("_", " ")
        text = path.read_text(encoding="utf-8").rstrip("\n")
        pages.append(WikiPage(f"{prefix}:{title}" if prefix else title, numbers[prefix], text))
    for line in (WIKI / "redirects.tsv").read_text(encoding="utf-8").splitlines():
        title, target = line.split("\t")
        pages.append(WikiPage(title, 0, f"#REDIRECT [[{target}]]", target))
    return sorted(pages, key=lambda page: page.id)


def write_dump(pages: list[WikiPage]) -> bytes:
    """The dump: a stream for the site's information, one for every ten pages, one for the closing tag."""
    groups = [pages[start : start + PAGES_PER_STREAM] for start in range(0, len(pages), PAGES_PER_STREAM)]
    streams = [_head(), *("".join(_page_xml(page) for page in group) for group in groups), "</mediawiki>\n"]
    return b"".join(bz2.compress(stream.encode(), 9) for stream in streams)


def _head() -> str:
    names = "".join(
        f'      <namespace key="{key}" case="first-letter" />\n'
        if not name
        else f'      <namespace key="{key}" case="first-letter">{name}</namespace>\n'
        for key, name in NAMESPACES.items()
    )
    return (
        f'<mediawiki xmlns="{XMLNS}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        f'xsi:schemaLocation="{XMLNS} http://www.mediawiki.org/xml/export-0.11.xsd" version="0.11" xml:lang="en">\n'
        "  <siteinfo>\n    <sitename>Sample Wiki</sitename>\n    <dbname>samplewiki</dbname>\n"
        "    <base>https://wiki.sample.example/wiki/Main_Page</base>\n    <generator>MediaWiki 1.43.0</generator>\n"
        f"    <case>first-letter</case>\n    <namespaces>\n{names}    </namespaces>\n  </siteinfo>\n"
    )


def _page_xml(page: WikiPage) -> str:
    moment = datetime(2025, 1, 1, 6, tzinfo=UTC) + timedelta(minutes=number(page.title + " time", 460_000))
    redirect = f"    <redirect title={quoteattr(page.redirect)} />\n" if page.redirect else ""
    revision = 50_000_000 + number(page.title + " revision", 9_000_000)
    return (
        f"  <page>\n    <title>{escape(page.title)}</title>\n    <ns>{page.namespace}</ns>\n    <id>{page.id}</id>\n"
        f"{redirect}    <revision>\n      <id>{revision}</id>\n      <parentid>{revision - 7}</parentid>\n"
        f"      <timestamp>{moment:%Y-%m-%dT%H:%M:%SZ}</timestamp>\n      <contributor>\n"
        "        <username>Marginalia</username>\n        <id>41</id>\n      </contributor>\n      <minor />\n"
        f"      <comment>copy edit</comment>\n      <origin>{revision}</origin>\n      <model>wikitext</model>\n"
        f'      <format>text/x-wiki</format>\n      <text bytes="{len(page.text.encode())}" sha1="{_sha1(page.text)}" '
        f'xml:space="preserve">{escape(page.text)}</text>\n      <sha1>{_sha1(page.text)}</sha1>\n'
        "    </revision>\n  </page>\n"
    )


def _sha1(text: str) -> str:
    """SHA-1 in base 36, 31 digits, as MediaWiki writes it."""
    value = int.from_bytes(hashlib.sha1(text.encode(), usedforsecurity=False).digest(), "big")
    digits = ""
    while value:
        value, digit = divmod(value, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits.rjust(31, "0")
