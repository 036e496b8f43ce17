"""How the records of WARC files, and of the older ARC files, start, state their length and end.

ARC 1.0 and 2.0 (Internet Archive, 1996 to 2008) have one header line per record; it is read as the WARC header of a
response. The first record of the file, ``filedesc:``, counts as ``warcinfo``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from pipelines.readers.archive.header_block import BLANK_LINE, HeaderError, HeaderParser, Headers


@dataclass(frozen=True)
class Layout:
    """One format of records.

    Attributes:
        name: its name in messages.
        starts: bytes that a record may start with.
        plausible: start of a record at the start of a line, too long to appear by chance; it begins with one of
            `starts`.
        header_end: end of a header.
        parse: turns a header into WARC headers, names in lower case; raises `HeaderError`.
        ends: bytes that a whole file ends with.
    """

    name: str
    starts: tuple[bytes, ...]
    plausible: re.Pattern[bytes]
    header_end: re.Pattern[bytes]
    parse: Callable[[bytes], Headers]
    ends: tuple[bytes, ...]

    def may_start(self, data: bytes) -> bool:
        """Return True if a record may start with these bytes, or these are the first bytes of such a start."""
        return any(data.startswith(start) or start.startswith(data) for start in self.starts)


_WARC_PARSER: Final = HeaderParser("WARC/")

# URL (which may hold spaces), IP address of the server, 14 digits of time, media type, in version 2 five more fields,
# length. Only the time reliably has its form, and even there crawlers wrote 12 to 18 digits; some lengths are -1.
_ARC_LINE: Final = re.compile(
    rb"(?P<url>[a-z][a-z0-9+.-]*:\S.*?) (?P<ip>\S+) (?P<time>\d{12,18}) (?P<mime>.+?)(?: \S+ \S+ \S+ \S+ \S+)?"
    rb" (?P<length>\S+)\s*",
)


def _parse_warc(header: bytes) -> Headers:
    return _WARC_PARSER.parse(header)[0].headers


def _parse_arc(line: bytes) -> Mapping[str, str]:
    found = _ARC_LINE.fullmatch(line)
    if found is None:
        raise HeaderError(f"not the header line of an ARC record: {line[:80]!r}")
    url, mime, length = (found[name].decode("utf-8", "replace") for name in ("url", "mime", "length"))
    time = found["time"].decode()[:14].ljust(14, "0")
    return {
        "warc-type": "warcinfo" if url.startswith("filedesc:") else "response",
        "warc-target-uri": url,
        "warc-date": "{}-{}-{}T{}:{}:{}Z".format(time[:4], *re.findall("..", time[4:])),
        "content-type": f"application/http; msgtype=response; {mime}",
        "content-length": length,
    }


WARC: Final = Layout(
    name="WARC",
    starts=(b"WARC/",),
    plausible=re.compile(rb"(?<![^\n])WARC/\d\.\d+[ \t]*\r?\n[A-Za-z-]+:"),
    header_end=BLANK_LINE,
    parse=_parse_warc,
    ends=(b"\r\n\r\n", b"\n\n"),
)
_ARC_STARTS: Final = (b"http://", b"https://", b"dns:", b"filedesc://", b"ftp://", b"whois://", b"warcinfo:")
ARC: Final = Layout(
    name="ARC",
    starts=_ARC_STARTS,
    plausible=re.compile(
        rb"(?<![^\n])(?:%b)[^\n]{1,4096} \d{12,18} [^\n]{1,256} -?\w+\r?\n" % b"|".join(_ARC_STARTS)
    ),
    header_end=re.compile(rb"\n"),
    parse=_parse_arc,
    ends=(b"\n",),
)
