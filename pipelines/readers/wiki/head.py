"""The head of a MediaWiki export: its encoding, what it says about the wiki, and whether it may be read."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field
from html import unescape
from typing import NamedTuple
from urllib.parse import quote

from pipelines.readers.fields import language_code

ARTICLE = 0
# Media, File, Category (MediaWiki's constants NS_MEDIA, NS_FILE, NS_CATEGORY).
HIDDEN = (-2, 6, 14)
UTF_8 = "utf-8"

_PAGE = re.compile(rb"<page[\s>]")
_DOCTYPE = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_ENCODING = re.compile(rb"<\?xml[^>]*\bencoding=[\"']([A-Za-z0-9._-]+)[\"']")
_UTF_16 = (
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)

_BASE = re.compile(rb"<base>([^<]*)</base>")
_LANGUAGE = re.compile(rb"<mediawiki\b[^>]*\bxml:lang=[\"']([A-Za-z0-9-]+)[\"']")
_NAMESPACE = re.compile(rb"<namespace\b[^>]*\bkey=[\"'](-?[0-9]{1,9})[\"'][^>/]*>([^<]+)</namespace>")

# What MediaWiki leaves unescaped in the title of an address (wfUrlencode).
_URL_SAFE = ";@$!*(),/~:"


class HeadError(Exception):
    """The file may not or cannot be read; `reason` is snake_case, the message says why and what to do."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class SiteInfo:
    """What the head says about the wiki.

    Attributes:
        base: address of its main page, or None.
        language: ISO 639 code of its language, or None.
        namespaces: number of each namespace by its name; pages of old exports have only the name.
    """

    base: str | None = None
    language: str | None = None
    namespaces: dict[str, int] = field(default_factory=dict)

    def hidden(self) -> tuple[str, ...]:
        """Return the names of the namespaces whose links show no prose, lower case."""
        return tuple(sorted(name.lower() for name, number in self.namespaces.items() if number in HIDDEN))

    def url(self, title: str) -> str | None:
        """Return the address of the page with a title."""
        if self.base is None or not title:
            return None
        return self.base.rpartition("/")[0] + "/" + quote(title.replace(" ", "_"), safe=_URL_SAFE)

    def namespace_of(self, title: str) -> int:
        """Return the namespace that the prefix of a title names."""
        prefix, colon, _ = title.partition(":")
        return self.namespaces.get(prefix, ARTICLE) if colon else ARTICLE


class Head(NamedTuple):
    """The encoding of the file (``utf-8``, ``utf-16-le`` or ``utf-16-be``) and its site information."""

    encoding: str
    site: SiteInfo


def parse_head(data: bytes) -> Head:
    """Read the first bytes of an export, as far as there are any.

    Raises:
        HeadError: there is a document type, which could hold entities that grow without limit or name files;
            or the file is no export; or it is in an encoding that exports never have.
    """
    encoding = encoding_of(data)
    text = data if encoding == UTF_8 else data.decode(encoding, "replace").encode()
    page = _PAGE.search(text)
    text = text[: page.start()] if page else text
    if _DOCTYPE.search(text):
        raise HeadError(
            "document_type", "a MediaWiki export has no <!DOCTYPE or <!ENTITY; the file is refused"
        )
    if data and not page and b"<mediawiki" not in text:
        raise HeadError("not_mediawiki", f"the file is no MediaWiki export: it starts with {data[:40]!r}")
    base, language = _BASE.search(text), _LANGUAGE.search(text)
    site = SiteInfo(
        base=_text(base[1]) or None if base else None,
        language=language_code(_text(language[1])) if language else None,
        namespaces={_text(name): int(key) for key, name in _NAMESPACE.findall(text)},
    )
    return Head(encoding, site)


def encoding_of(data: bytes) -> str:
    """Return the encoding of XML that starts with some bytes.

    Raises:
        HeadError: it is neither UTF-8 nor UTF-16.
    """
    for start, name in _UTF_16:
        if data.startswith(start):
            return name
    declared = _ENCODING.search(data, 0, 200)
    if declared is None:
        return UTF_8
    name = declared[1].decode()
    try:
        known = codecs.lookup(name).name in (UTF_8, "ascii")
    except LookupError:
        known = False
    if not known:
        message = f"the file declares the encoding {name[:40]}; convert it to UTF-8 with iconv"
        raise HeadError("encoding", message)
    return UTF_8


def _text(value: bytes) -> str:
    return unescape(value.decode(UTF_8, "replace")).strip()
