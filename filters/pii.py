r"""Replaces personal identifiers: e-mail and public IP addresses, bank accounts, payment cards, telephone numbers.

FineWeb replaces the two kinds of addresses (Penedo et al. 2024, arXiv:2406.17557). The neutral values are from ranges
that nobody can own: ``example.com`` (RFC 2606), 192.0.2.0/24 (RFC 5737), 2001:db8::/32 (RFC 3849), and codes that no
country, issuer or network has. Addresses in these ranges stay and are not counted, so a second run finds nothing new
unless two addresses touch. Private and reserved IP addresses stay, since they identify nobody; so do numbers after
``version`` or ``section``, and those that start a heading. `filters.pii_numbers` says how bank accounts, cards and
telephone numbers are recognised, and which are missed.

Known mistakes: ``john (at) example (dot) com`` stays; ``user@host`` handles of federated networks are replaced;
``zlib 1.2.3.5`` looks like an address; names and national telephone numbers are not searched for. Cost: linear, about
15 million characters per CPU second; around each ``@``, at most 64 characters before it and a host name after it are
read.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from filters.pii_numbers import NUMBERS
from filters.step import Check, Measured
from filters.text import TextView

# Letters of scripts written without spaces: there an address may stand in the middle of a sentence.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff"
_WORD = rf"[^\W{_UNSPACED}]"
_LETTER_OR_DIGIT = rf"[^\W_{_UNSPACED}]"
_LETTER = rf"[^\W\d_{_UNSPACED}]"

_AT = re.compile("[@\uff20]")
_LOCAL_MAX = 64  # RFC 5321, section 4.5.3.1.1
_ATOM = rf"(?:{_WORD}|[+%&'~-])"
_LOCAL_REST = rf"{_ATOM}*+(?:\.{_ATOM}++)*+\Z"
_LOCAL = re.compile(rf"(?<!{_WORD}){_WORD}{_LOCAL_REST}")
_LOCAL_AFTER_ADDRESS = re.compile(rf"{_ATOM}{_LOCAL_REST}")  # right after an address that is replaced
_DOMAIN = re.compile(
    rf"(?:{_LETTER_OR_DIGIT}(?:{_LETTER_OR_DIGIT}|-){{0,62}}\.){{1,8}}"
    rf"(?P<top>xn--[A-Za-z0-9-]{{1,59}}|{_LETTER}{{2,24}})(?!{_LETTER_OR_DIGIT}|[@\uff20])"
)
_NEUTRAL_DOMAIN = re.compile(
    r"(?:.*\.)?(?:example(?:\.com|\.net|\.org)?|invalid|test|localhost)", re.IGNORECASE
)
# `photo@2x.png` is a picture for dense screens. None of these is a top-level domain.
_FILE_ENDINGS = frozenset({"png", "jpg", "jpeg", "gif", "webp", "svg", "css", "js", "html"})

# This and _IPV6 start with a digit and then look back, so that the search can skip to digits.
_IPV4 = re.compile(
    r"[0-9](?<![\w.].)(?<![^\W\d]-.)[0-9]{0,2}(?:\.[0-9]{1,3}){3}(?!\w|\.\w|-[^\W\d]|-[0-9]{1,4}(?![.0-9]))"
)
# The words before a version or section number, in the languages of much documentation on the web.
_NUMBERED = re.compile(
    r"(?:\b(?:v|ver|version|release|rev|revision|build|firmware|sec|se[ckz][cgt]\w{1,5}|chap\w{2,5}|kapitel|para\w{0,6}|"
    r"abschnitt)|§)[.:]?\s*\Z",
    re.IGNORECASE,
)
_NUMBERED_WINDOW = 16
_HEADING_REST = re.compile(r"\.?[ \t]+(?P<first>\w)")
# Addresses in use all lie in 2000::/3 (IANA, IPv6 Global Unicast Address Assignments).
_IPV6 = re.compile(r"[23](?<![\w:.].)[0-9A-Fa-f]{3}:[0-9A-Fa-f:]{1,34}(?:(?:\.[0-9]{1,3}){3})?(?!\w)")


def replace_emails(text: str, neutral: str) -> tuple[str, int]:
    """Return the text with its e-mail addresses replaced, and their number.

    >>> replace_emails("mail a.b+c@ex-ample.co.uk now", "email@example.com")
    ('mail email@example.com now', 1)
    >>> replace_emails("", "email@example.com")
    ('', 0)
    """
    pieces: list[str] = []
    done = last_at = 0
    for at in _AT.finditer(text):
        begin = max(last_at, done, at.start() - _LOCAL_MAX)
        local = (_LOCAL_AFTER_ADDRESS if begin == done > 0 else _LOCAL).search(text, begin, at.start())
        last_at = at.end()
        domain = _DOMAIN.match(text, at.end()) if local else None
        if local is None or domain is None or domain["top"].lower() in _FILE_ENDINGS:
            continue
        if _NEUTRAL_DOMAIN.fullmatch(domain.group()):
            continue
        pieces += [text[done : local.start()], neutral]
        done = domain.end()
    return "".join([*pieces, text[done:]]), len(pieces) // 2


def replace_ips(text: str, ipv4: str | None, ipv6: str | None) -> tuple[str, int]:
    """Return the text with its public IP addresses replaced, and their number; None = leave that kind.

    >>> replace_ips("from 8.8.8.8 and 10.0.0.1, v1.2.3.4", "192.0.2.1", None)
    ('from 192.0.2.1 and 10.0.0.1, v1.2.3.4', 1)
    """
    count = 0

    def neutral_v4(match: re.Match[str]) -> str:
        nonlocal count
        if not _is_public(match.group()) or _is_numbering(match):
            return match.group()
        count += 1
        return str(ipv4)

    def neutral_v6(match: re.Match[str]) -> str:
        nonlocal count
        found = match.group()
        address = found[:-1] if found.endswith(":") and not found.endswith("::") else found
        if not _is_public(address):
            return found
        count += 1
        return str(ipv6) + found[len(address) :]

    if ipv6 is not None and ":" in text:  # first, because one may end like an IPv4 address
        text = _IPV6.sub(neutral_v6, text)
    if ipv4 is not None:
        text = _IPV4.sub(neutral_v4, text)
    return text, count


def _is_numbering(match: re.Match[str]) -> bool:
    """Return True if four numbers with dots are a version or a section number."""
    text, start = match.string, match.start()
    if _NUMBERED.search(text, max(0, start - _NUMBERED_WINDOW), start):
        return True
    if text[max(0, start - 4) : start].rstrip(" \t-*•|")[-1:] not in ("", "\n"):
        return False
    rest = _HEADING_REST.match(text, match.end())
    small = all(int(number) < 32 for number in match.group().split("."))  # 1 public address in 4,096
    return small and rest is not None and rest["first"].isalpha() and not rest["first"].islower()


def _is_public(address: str) -> bool:
    """Return True if a text is the address of one machine on the public internet."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return parsed.is_global and not parsed.is_multicast


@dataclass(frozen=True)
class Pii:
    """The replacements; None leaves that kind in the text.

    Attributes:
        email: replaces an e-mail address.
        ipv4: replaces a public IPv4 address.
        ipv6: replaces a public IPv6 address.
        iban: replaces an international bank account number.
        card: replaces a payment card number.
        phone: replaces a telephone number with a country code.
    """

    email: str | None = "email@example.com"
    ipv4: str | None = "192.0.2.1"
    ipv6: str | None = "2001:db8::1"
    iban: str | None = "XX00 0000 0000 0000"
    card: str | None = "0000 0000 0000 0000"
    phone: str | None = "+00 000 0000000"

    MEASURES: ClassVar[Mapping[str, type]] = {
        "emails": int,
        "ips": int,
        **dict.fromkeys((measure for measure, _ in NUMBERS.values()), int),
    }
    CHECKS: ClassVar[tuple[Check, ...]] = ()
    FILES: ClassVar[tuple[str, ...]] = ()

    def apply(self, view: TextView) -> tuple[TextView, Measured]:
        """Replace and count; IP addresses first, since one before an ``@`` would be found again in a second run."""
        text, ips = replace_ips(view.text, self.ipv4, self.ipv6)
        text, emails = (text, 0) if self.email is None else replace_emails(text, self.email)
        found: Measured = {"emails": emails, "ips": ips}
        for field, (measure, replace) in NUMBERS.items():
            neutral = getattr(self, field)
            text, found[measure] = (text, 0) if neutral is None else replace(text, neutral)
        return (view.with_text(text) if text != view.text else view), found
