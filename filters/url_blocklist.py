"""Drops documents whose address is on a blocklist: by registered domain, exact host, or exact address.

Lists hold one entry a line; blank lines and lines that start with ``#`` are skipped. An entry of `domains` blocks the
host of that name, and, if it is a registered domain (``example.co.uk``), every host below it; what is registered
follows the public suffix list in the snapshot that tldextract brings, so nothing is fetched. An entry of
`urls` blocks one address; scheme, fragment, default port and a final slash do not matter.

Known mistake: addresses move; a list says what a domain was when it was made. Lists such as UT1's hold millions of
entries; memory is about 120 bytes per entry and worker. Cost: about 75,000 addresses per CPU second.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar
from urllib.parse import SplitResult, urlsplit

import tldextract

from filters.step import Check, Measured
from filters.text import TextView

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*:)?//")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def split_url(url: str) -> tuple[str, str] | None:
    """Return (host, address) of a URL in the form in which both are compared; None if it has no host.

    >>> split_url("HTTP://WWW.Example.com:80/a/#top")
    ('www.example.com', 'www.example.com/a')
    >>> split_url("not an address") is None
    True
    """
    try:
        parts = urlsplit(url if _SCHEME.match(url) else f"//{url}")
        host, port = parts.hostname, parts.port
    except ValueError:  # brackets or a port that are none
        return None
    if not host or any(character.isspace() for character in host):
        return None
    host = _ascii_host(host.rstrip("."))
    return host, host + _rest(parts, port)


def _rest(parts: SplitResult, port: int | None) -> str:
    """Return what follows the host: port, path and query."""
    shown = "" if port is None or port == _DEFAULT_PORTS.get(parts.scheme) else f":{port}"
    query = f"?{parts.query}" if parts.query else ""
    return shown + (parts.path if query else parts.path.rstrip("/")) + query


def _ascii_host(host: str) -> str:
    """Return an internationalised host in its ``xn--`` form; one that has none stays as it is."""
    try:
        return host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        return host


@lru_cache(maxsize=1)
def _suffixes() -> tldextract.TLDExtract:
    """Return the splitter of host names: the bundled snapshot, no network, no cache on disk."""
    return tldextract.TLDExtract(cache_dir=None, suffix_list_urls=(), fallback_to_snapshot=True)


def registered_domain(host: str) -> str:
    """Return the domain that somebody registered, or an empty string for an address or a bare suffix.

    >>> registered_domain("a.b.example.co.uk")
    'example.co.uk'
    """
    return str(_suffixes().extract_str(host).top_domain_under_public_suffix)


def _read_list(path: str, key: Callable[[str], str | None]) -> frozenset[str]:
    """Read a list; bytes that are not UTF-8 match nothing."""
    with Path(path).open(encoding="utf-8-sig", errors="replace") as lines:
        entries = (line.strip() for line in lines)
        keys = (key(entry) for entry in entries if entry and not entry.startswith("#"))
        return frozenset(found for found in keys if found)


@lru_cache(maxsize=4)
def _domains(path: str) -> frozenset[str]:
    return _read_list(path, lambda entry: _ascii_host(entry.lower().rstrip(".")))


@lru_cache(maxsize=4)
def _urls(path: str) -> frozenset[str]:
    return _read_list(path, lambda entry: (split_url(entry) or (None, None))[1])


@dataclass(frozen=True)
class UrlBlocklist:
    """Judges the address of the document; one without an address stays.

    Attributes:
        domains: file of domains and hosts; None = off.
        urls: file of addresses; None = off.
    """

    domains: str | None = None
    urls: str | None = None

    MEASURES: ClassVar[Mapping[str, type]] = {"domain_listed": bool, "url_listed": bool}
    CHECKS: ClassVar[tuple[Check, ...]] = (
        Check("blocked_domain", "domain_listed", "and", "domains"),
        Check("blocked_url", "url_listed", "and", "urls"),
    )
    FILES: ClassVar[tuple[str, ...]] = ("domains", "urls")

    def apply(self, view: TextView) -> tuple[TextView, Measured]:
        """Look the address up in both lists."""
        parts = split_url(view.document.url) if view.document.url else None
        if parts is None:
            return view, {"domain_listed": None, "url_listed": None}
        host, address = parts
        domains = _domains(self.domains) if self.domains is not None else frozenset()
        listed = host in domains or (bool(domains) and registered_domain(host) in domains)
        return view, {
            "domain_listed": listed if self.domains is not None else None,
            "url_listed": address in _urls(self.urls) if self.urls is not None else None,
        }
