"""The head of a MediaWiki export: its encoding and its facts about the wiki; some exports are refused here."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field
from html import unescape
from typing import Final, NamedTuple
from urllib.parse import quote

from pipelines.readers.fields import language_code
from pipelines.readers.reasons import ReadReason

ARTICLE: Final = 0
"""Number of the namespace of articles."""
HIDDEN: Final = (-2, 6, 14)
"""Numbers of the namespaces Media, File and Category (NS_MEDIA, NS_FILE and NS_CATEGORY in MediaWiki)."""
UTF_8: Final = "utf-8"

_PAGE: Final = re.compile(rb"<page[\s>]")
_DOCTYPE: Final = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_ENCODING: Final = re.compile(rb"<\?xml[^>]*\bencoding=[\"']([A-Za-z0-9._-]+)[\"']")
_UTF_16: Final = (
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)

_BASE: Final = re.compile(rb"<base>([^<]*)</base>")
_LANGUAGE: Final = re.compile(rb"<mediawiki\b[^>]*\bxml:lang=[\"']([A-Za-z0-9-]+)[\"']")
_NAMESPACE: Final = re.compile(rb"<namespace\b[^>]*\bkey=[\"'](-?[0-9]{1,9})[\"'][^>/]*>([^<]+)</namespace>")

# Characters that MediaWiki leaves unescaped in the title of an address (wfUrlencode).
_URL_SAFE: Final = ";@$!*(),/~:"


class HeadError(Exception):
    """The file is refused or cannot be read; the message says why and what to do.

    Attributes:
        reason: one of `pipelines.readers.reasons`.
    """

    def __init__(self, reason: ReadReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class SiteInfo:
    """Facts about the wiki from the head.

    Attributes:
        base: address of its main page, or None.
        language: ISO 639 code of its language, or None.
        namespaces: number of each namespace by its name, for old exports, whose pages have no number.
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
    """Read the first bytes of an export.

    Raises:
        HeadError: there is a document type, which could define entities that grow without limit or name files;
            or the file is not an export; or it has an encoding that exports never have.
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
        raise HeadError("not_mediawiki", f"the file is not a MediaWiki export: it starts with {data[:40]!r}")
    base, language = _BASE.search(text), _LANGUAGE.search(text)
    site = SiteInfo(
        base=_text(base[1]) or None if base else None,
        language=language_code(_text(language[1])) if language else None,
        namespaces={_text(name): int(key) for key, name in _NAMESPACE.findall(text)},
    )
    return Head(encoding, site)


def encoding_of(data: bytes) -> str:
    """Return the encoding of XML that starts with these bytes.

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
