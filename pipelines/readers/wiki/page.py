"""One page of a MediaWiki export: its newest revision, or the reason why it is not an article."""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from xml.etree import ElementTree

from pipelines.readers.fields import iso_time
from pipelines.readers.reasons import ReadReason
from pipelines.readers.wiki.head import ARTICLE, SiteInfo

# Exports mark redirects since 2009. In older ones a redirect starts with the English word, or, in any language, is
# only "#WORD [[target]]" with links and templates behind it.
_REDIRECT_TEXT: Final = re.compile(
    r"\s*#redirect\b|\s*#[^\s\[\]#*:;][^\[\]\n]{0,40}\[\[[^\[\]\n]{1,300}\]\]"
    r"(?:\s{0,9}(?:\{\{[^{}]{0,100}\}\}|\[\[[^\[\]]{0,300}\]\])){0,20}\s*\Z",
    re.IGNORECASE,
)


class PageError(Exception):
    """The page is not well-formed XML; the message is the parser's."""


class Page(NamedTuple):
    """One page.

    Attributes:
        page_id: its number on the wiki.
        title: its full name.
        date: time of its newest revision.
        text: wikitext of that revision.
        reason: why it is not an article; None = it is.
        seen: evidence for the reason.
    """

    page_id: str | None
    title: str
    date: str | None
    text: str
    reason: ReadReason | None
    seen: str


def parse_page(data: bytes, site: SiteInfo) -> Page:
    """Parse the XML of one page.

    The bytes start with the page's own tag, so no document type can come before it, and there are no
    entities but XML's own five.

    Raises:
        PageError: it is not well-formed, or not UTF-8.
    """
    try:
        page = ElementTree.fromstring(data)  # noqa: S314 - no entity can be declared, see above
    except (ElementTree.ParseError, ValueError) as error:
        raise PageError(str(error)) from error
    title = page.findtext("title") or ""
    revision = max(page.findall("revision"), key=_timestamp, default=None)
    text = None if revision is None else revision.find("text")
    wikitext = "" if text is None or text.get("deleted") is not None else text.text or ""
    reason, seen = _rejection(page, title, revision, wikitext, site)
    date = None if revision is None else iso_time(_timestamp(revision))
    return Page(page.findtext("id"), title, date, wikitext, reason, seen)


def _timestamp(revision: ElementTree.Element) -> str:
    return revision.findtext("timestamp") or ""


def _rejection(
    page: ElementTree.Element, title: str, revision: ElementTree.Element | None, wikitext: str, site: SiteInfo
) -> tuple[ReadReason | None, str]:
    """Return the reason why a page is not an article, and the evidence."""
    namespace = (page.findtext("ns") or str(site.namespace_of(title))).strip()
    if namespace != str(ARTICLE):
        return "namespace", f"namespace {namespace}"
    target = page.find("redirect")
    if target is not None or _REDIRECT_TEXT.match(wikitext):
        return "redirect", "" if target is None else target.get("title", "")
    model = "wikitext" if revision is None else revision.findtext("model") or "wikitext"
    if model != "wikitext":
        return "content_model", model
    if not wikitext:
        return "no_text", "there is no revision" if revision is None else "the text is empty or deleted"
    return None, ""
