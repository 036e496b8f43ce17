"""Bytes to text: find the encoding of a page, whatever it declares.

The first match wins:

1. a byte order mark (UTF-8, UTF-16, UTF-32);
2. valid UTF-8. Text in another encoding is hardly ever valid UTF-8 by accident, so this overrules a declared
   single-byte encoding. A declared multi-byte encoding is overruled only from eight continuation bytes on, because
   short GBK or Shift_JIS text can be valid UTF-8: of random GBK text of two characters 2 % is, of four 0.06 %, of more
   less and less. Escape sequences of ISO-2022 and zero bytes of UTF-16 are ASCII and are looked for before this;
3. the declared encodings that decode the bytes without an error: first that of the transport (HTTP header), then that
   of the page (``<meta>`` or XML declaration, looked for as in the WHATWG prescan, but in 4,096 bytes, not 1,024:
   real pages put long scripts before it);
4. the result of resiliparse's detector (uchardet), if it decodes without an error;
5. whichever of these, UTF-8 included, leaves the fewest replacement characters.

Single-byte encodings of the Latin script come last in 3 to 5 where the bytes cannot be Latin text: no byte is an
error in them, servers declare them by default, and they would turn Cyrillic, Chinese or slightly broken UTF-8 into
garbage. In Latin text, bytes beyond ASCII stand alone; in all other text they come in runs. The share of them that
follows another one is at most 0.43 on 1,534 Latin pages, and never below 0.5 in UTF-8.

Names follow the WHATWG Encoding Standard, section 4.2 (``iso-8859-1`` means windows-1252, ``gb2312`` means
GB18030, ``euc-kr`` means windows-949), plus those code pages outside it that Python has.
"""

from __future__ import annotations

import codecs
import contextlib
import re
from typing import Final

import numpy as np
from resiliparse.parse.encoding import detect_encoding, map_encoding_to_html5

MAX_BAD_SHARE: Final = 0.05
"""A payload with a larger share of replacement and control characters is not text. Images and compressed data have 11 %
control bytes; the worst of the legacy pages measured has 0.3 %."""

PRESCAN_BYTES: Final = 4096
"""Bytes in which the page's own declaration is looked for."""

LATIN_RUNS: Final = 0.48
"""Text in which a larger share of the bytes beyond ASCII follows another one is not Latin."""
FEWEST_BYTES: Final = 8
"""With fewer bytes beyond ASCII, text counts as Latin."""

_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Codecs that the standard means by a name where Python's codec of that name is narrower.
_WIDER: Final = {
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    "big5": "big5hkscs",
    "iso8859-11": "cp874",
}
_LATIN: Final = re.compile(
    r"cp(?:1250|1252|1254|1257|1258|437|85[0287]|865)|iso8859-(?:1|2|3|4|9|10|13|14|15|16)|latin-1|mac-roman"
)
_MULTI_BYTE: Final = frozenset(("gb18030", "cp949", "cp932", "big5hkscs", "euc_jp", "johab"))
_BEYOND_WHATWG: Final = re.compile(r"cp\d{3,4}|mac-[a-z]+|johab|hz|iso2022_\w+|utf-32-[bl]e")

_XML_DECLARATION: Final = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([^\"'>]{1,40})")
_META: Final = re.compile(rb"<meta[\s/]([^>]{0,500})", re.IGNORECASE)
_META_CHARSET: Final = re.compile(rb"charset\s*=\s*[\"']?\s*([a-z0-9_:.\-]{1,40})", re.IGNORECASE)
_COMMENT: Final = re.compile(rb"<!--.*?(?:-->|\Z)", re.DOTALL)
_CONTROLS: Final = bytes((*range(9), 11, *range(14, 27), *range(28, 32), 127))


class UndecodableError(ValueError):
    """The payload is not text in any encoding that it declares or that could be detected."""


def decode(payload: bytes, declared: str | None = None) -> str:
    """Return `payload` as text, without its byte order mark.

    An incomplete character at the end, as left by truncation, is cut off.

    Args:
        payload: undecoded content.
        declared: charset label of the transport, or None.

    Raises:
        UndecodableError: more than `MAX_BAD_SHARE` of the characters would be wrong.
    """
    for mark, encoding in _BOMS:
        if payload.startswith(mark):
            return _least_bad(payload[len(mark) :], [encoding])
    hidden = _behind_ascii(payload)
    if hidden is None:
        text = _strict(payload, "utf-8")
        if text is not None and (len(payload) - len(text) >= 8 or _declares_no_multi_byte(payload, declared)):
            return text
    stated = [name for name in (hidden, codec_of(declared), declared_inside(payload)) if name]
    stated.append("utf-8")
    if _is_not_latin(payload):
        foreign = [name for name in (*stated, *_detected(payload)) if not _LATIN.fullmatch(name)]
        text = _first_strict(payload, foreign)
        with contextlib.suppress(UndecodableError):
            return _least_bad(payload, foreign) if text is None else text
    text = _first_strict(payload, stated)
    if text is not None:
        return text
    detected = _detected(payload)
    text = _first_strict(payload, detected)
    return _least_bad(payload, [*stated, *detected]) if text is None else text


def codec_of(label: str | None) -> str | None:
    """Return the Python codec that a charset label means on the web, or None for an unknown label.

    >>> codec_of("ISO-8859-1"), codec_of("gb2312"), codec_of("IBM855"), codec_of("utf-7")
    ('cp1252', 'gb18030', 'cp855', None)
    """
    if not label:
        return None
    label = label.strip().strip("\"'").lower()
    name: str | None = map_encoding_to_html5(label, fallback_utf8=False)
    if name is None:
        try:
            name = codecs.lookup(label).name
        except (LookupError, ValueError):
            return None
        return name if _BEYOND_WHATWG.fullmatch(name) else None
    return _WIDER.get(name, name)


def declared_inside(payload: bytes) -> str | None:
    """Return the codec that the first 4,096 bytes of a page declare: XML declaration or ``<meta>``."""
    head = payload[:PRESCAN_BYTES]
    found = _XML_DECLARATION.match(head.lstrip())
    if found:
        return _of_page(found[1])
    for meta in _META.finditer(_COMMENT.sub(b"", head)):
        found = _META_CHARSET.search(meta[1])
        codec = _of_page(found[1]) if found else None
        if codec:
            return codec
    return None


def _of_page(label: bytes) -> str | None:
    """Return the codec of a label found in the page; it was readable as ASCII, so it cannot be UTF-16 or UTF-32."""
    codec = codec_of(label.decode("ascii", "replace"))
    return "utf-8" if codec and codec.startswith(("utf-16", "utf-32")) else codec


def _behind_ascii(payload: bytes) -> str | None:
    """Return the encoding of bytes that are ASCII but mean something else: UTF-16 without a mark, or ISO-2022."""
    head = payload[:4]
    if len(head) == 4 and head[0] and not head[1] and head[2] and not head[3]:
        return "utf-16-le"
    if len(head) == 4 and not head[0] and head[1] and not head[2] and head[3]:
        return "utf-16-be"
    if b"\x1b" not in payload:  # a search for one byte is twenty times faster than one for several
        return None
    if b"\x1b$)C" in payload:
        return "iso2022_kr"
    if b"\x1b$B" in payload or b"\x1b$@" in payload:
        return "iso2022_jp"
    return None


def _declares_no_multi_byte(payload: bytes, declared: str | None) -> bool:
    if payload.isascii():
        return codec_of(declared) != "hz" and declared_inside(payload) != "hz"
    return (codec_of(declared) or declared_inside(payload)) not in _MULTI_BYTE


def _is_not_latin(payload: bytes) -> bool:
    """Return True if the bytes beyond ASCII come in runs, which Latin text does not have; no-break spaces aside."""
    data = np.frombuffer(payload, dtype=np.uint8)
    beyond = data >= 0x80
    count = int(np.count_nonzero(beyond))
    if count < FEWEST_BYTES:
        return False
    spaces = data == 0xA0
    runs = beyond[1:] & beyond[:-1] & ~(spaces[1:] & spaces[:-1])
    return int(np.count_nonzero(runs)) >= LATIN_RUNS * count


def _detected(payload: bytes) -> list[str]:
    codec = codec_of(detect_encoding(payload, html5_compatible=False))
    return [codec] if codec else []


def _first_strict(payload: bytes, names: list[str]) -> str | None:
    """Decode by the first encoding without errors and with few control characters; None if there is no such."""
    for name in names:
        text = _strict(payload, name)
        if text is not None and _bad_share(payload, text, name) <= MAX_BAD_SHARE:
            return text
    return None


def _strict(payload: bytes, encoding: str) -> str | None:
    """Decode without errors, except for an incomplete last character; None if that is impossible."""
    try:
        if encoding == "utf-8":
            return codecs.utf_8_decode(payload, "strict", False)[0]
        return codecs.getincrementaldecoder(encoding)("strict").decode(payload, False)
    except (UnicodeError, LookupError):
        return None


def _least_bad(payload: bytes, encodings: list[str]) -> str:
    """Decode with replacement characters, by the encoding that needs the fewest; the first one if several do."""
    best: tuple[float, str] | None = None
    for encoding in encodings:
        text = codecs.getincrementaldecoder(encoding)("replace").decode(payload, False)
        share = _bad_share(payload, text, encoding)
        if best is None or share < best[0]:
            best = share, text
    if best is None or best[0] > MAX_BAD_SHARE:
        share = best[0] if best else 1.0
        raise UndecodableError(f"{share:.0%} of the characters are not text in {' or '.join(encodings)}")
    return best[1]


def _bad_share(payload: bytes, text: str, encoding: str) -> float:
    """Return the share of replacement and control characters.

    Control characters count only in encodings of single bytes; in ISO-2022 they switch between tables.
    """
    bad = text.count("\ufffd")
    if not encoding.startswith(("utf-16", "utf-32", "iso2022")):
        bad += len(payload) - len(payload.translate(None, _CONTROLS))
    return bad / max(1, len(text))
