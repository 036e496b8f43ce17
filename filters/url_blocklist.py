"""Drops documents by their address: its domain, host, words or topic, the whole address, or an owner who opted out.

All lists are plain text, one entry per line; blank lines and lines that start with ``#`` are skipped.

============  ====================================================  ====================================================
list          an entry                                              blocks
============  ====================================================  ====================================================
domains       ``example.co.uk``, ``blog.shared.com``                the host of that name; all hosts below it, if it is
                                                                    a registered domain
urls          ``https://example.org/page``                          that address; scheme, fragment, default port and a
                                                                    final slash do not matter
ut1           a folder with one folder per topic, each with         as `domains`; a file ``urls`` blocks addresses and
              ``domains`` and ``urls`` (University of Toulouse)     what is below them
opt_out       ``example.org`` or ``example.org/private``            as `domains`; an address and what is below it
hard_words    ``casino``                                            an address with that word between other characters
soft_words    ``adult``                                             one with more than `max_soft_words` different words
substrings    ``xxxvideo``                                          one that has it, after all but letters and digits
                                                                    are removed
============  ====================================================  ====================================================

Registered domains follow the public suffix list, in the snapshot that comes with tldextract, so nothing is downloaded.
The word rules are those of RefinedWeb's filter as datatrove and DCLM apply it. `opt_out` is for hosts whose robots.txt
or terms refuse a crawler, even if they did so after the crawl.

Known mistakes: domains change hands, and a list tells what a domain was when the list was made; the substring ``sex``
also blocks ``essex``. Cost: about 50,000 addresses per CPU second; for lists of millions see `filters.lists.url_lists`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar, Final
from urllib.parse import SplitResult, urlsplit

import tldextract

from filters.lists.url_lists import HashedSet, read_set, words_of
from filters.step import Check, FieldFault, Measured
from filters.text import TextView

_NOT_WORD: Final = re.compile(r"[\W_]+")
_MOST_PARTS: Final = 32

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
    except ValueError:  # brackets or a port that are not valid
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
    """Return an internationalised host in its ``xn--`` form; one without such a form stays as it is."""
    try:
        return host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        return host


@lru_cache(maxsize=1)
def _suffixes() -> tldextract.TLDExtract:
    """Return the splitter of host names, with the bundled snapshot: no network, no cache on disk."""
    return tldextract.TLDExtract(cache_dir=None, suffix_list_urls=(), fallback_to_snapshot=True)


def registered_domain(host: str) -> str:
    """Return the domain that somebody registered, or an empty string for an IP address or a bare suffix.

    >>> registered_domain("a.b.example.co.uk")
    'example.co.uk'
    """
    return str(_suffixes().extract_str(host).top_domain_under_public_suffix)


def _host_key(entry: str) -> str | None:
    return _ascii_host(entry.lower().rstrip(".")) or None


def _address_key(entry: str) -> str | None:
    return (split_url(entry) or (None, None))[1]


@lru_cache(maxsize=8)
def _hosts(path: str) -> HashedSet:
    return read_set([Path(path)], _host_key)


@lru_cache(maxsize=8)
def _addresses(path: str) -> HashedSet:
    return read_set([Path(path)], _address_key)


@lru_cache(maxsize=8)
def _topics(folder: str, chosen: tuple[str, ...] | None) -> Mapping[str, tuple[HashedSet, HashedSet]]:
    """Return hosts and addresses by topic."""
    topics = sorted(path for path in Path(folder).iterdir() if path.is_dir())
    if chosen is not None:
        missing = sorted(set(chosen) - {path.name for path in topics})
        if missing:
            raise ValueError(
                f"{folder} has no folder {missing[0]!r}; it has {', '.join(p.name for p in topics)}"
            )
        topics = [path for path in topics if path.name in chosen]
    return {
        topic.name: (
            read_set([path for path in (topic / "domains",) if path.is_file()], _host_key),
            read_set([path for path in (topic / "urls",) if path.is_file()], _address_key),
        )
        for topic in topics
    }


def _above(address: str) -> Iterator[str]:
    """Yield an address and those above it; the host comes last.

    >>> list(_above("a.org/b/c?d=e"))
    ['a.org/b/c?d=e', 'a.org/b/c', 'a.org/b', 'a.org']
    """
    yield address
    parts = address.partition("?")[0].rstrip("/").split("/")[:_MOST_PARTS]
    above = ("/".join(parts[:count]) for count in range(len(parts), 0, -1))
    yield from (found for found in above if found != address)


@dataclass(frozen=True)
class UrlBlocklist:
    """Lists for the document's address; a document without an address stays, and None switches a list off.

    Attributes:
        domains, urls, ut1, opt_out, hard_words, soft_words, substrings: files (`ut1`: a folder); see the table above.
        ut1_topics: names of the folders in `ut1` to use; None = all.
        max_soft_words: greatest number of different soft words in an address.
    """

    domains: str | None = None
    urls: str | None = None
    ut1: str | None = None
    ut1_topics: tuple[str, ...] | None = None
    opt_out: str | None = None
    hard_words: str | None = None
    soft_words: str | None = None
    substrings: str | None = None
    max_soft_words: int | None = 1

    MEASURES: ClassVar[Mapping[str, type]] = {
        "domain_listed": bool,
        "url_listed": bool,
        "topic": str,
        "opted_out": bool,
        "hard_words": int,
        "soft_words": int,
        "substring": bool,
    }
    CHECKS: ClassVar[tuple[Check, ...]] = (
        Check(
            "blocked_domain",
            "domain_listed",
            "and",
            "domains",
            meaning="the host or its domain is in the list `domains`",
        ),
        Check(
            "blocked_url",
            "url_listed",
            "and",
            "urls",
            meaning="the address is in the list `urls`",
        ),
        Check(
            "blocked_topic",
            "topic",
            "and",
            "ut1",
            meaning="the address is in a topic of `ut1`",
        ),
        Check(
            "opted_out",
            "opted_out",
            "and",
            "opt_out",
            meaning="the owner opted out: the address is in the list `opt_out`",
        ),
        Check(
            "blocked_word",
            "hard_words",
            "and",
            "hard_words",
            meaning="the address has a word of `hard_words`",
        ),
        Check(
            "too_many_blocked_words",
            "soft_words",
            ">",
            "max_soft_words",
            meaning="the address has more words of `soft_words` than `max_soft_words`",
        ),
        Check(
            "blocked_substring",
            "substring",
            "and",
            "substrings",
            meaning="the address has an entry of `substrings` in it",
        ),
    )
    FILES: ClassVar[tuple[str, ...]] = (
        "domains",
        "urls",
        "ut1",
        "opt_out",
        "hard_words",
        "soft_words",
        "substrings",
    )

    def __post_init__(self) -> None:
        if self.ut1_topics is not None and not self.ut1_topics:
            raise FieldFault("ut1_topics must name at least one folder; write none to take all", "ut1_topics")

    def load(self) -> None:
        """Forget the lists read before, and read the topics; a ValueError names a topic that does not exist."""
        for remembered in (_hosts, _addresses, _topics, words_of):
            remembered.cache_clear()
        if self.ut1:
            _topics(self.ut1, self.ut1_topics)

    def apply(self, view: TextView) -> tuple[TextView, Measured]:
        """Look up the address in every given list."""
        parts = split_url(view.document.url) if view.document.url else None
        if parts is None:
            return view, dict.fromkeys(self.MEASURES)
        host, address = parts
        names = list(dict.fromkeys(name for name in (host, registered_domain(host)) if name))
        words = frozenset(filter(None, _NOT_WORD.split(address.lower())))
        squeezed = _NOT_WORD.sub("", address.lower())
        return view, {
            "domain_listed": _any(names, _hosts(self.domains)) if self.domains else None,
            "url_listed": address in _addresses(self.urls) if self.urls else None,
            "topic": self._topic(names, address) if self.ut1 else None,
            "opted_out": _any([*names, *_above(address)], _addresses(self.opt_out)) if self.opt_out else None,
            "hard_words": len(words & words_of(self.hard_words)) if self.hard_words else None,
            "soft_words": len(words & words_of(self.soft_words)) if self.soft_words else None,
            "substring": _has_any(squeezed, words_of(self.substrings)) if self.substrings else None,
        }

    def _topic(self, names: list[str], address: str) -> str:
        """Return the first topic that lists the address, or an empty text."""
        for topic, (hosts, addresses) in _topics(str(self.ut1), self.ut1_topics).items():
            if _any(names, hosts) or _any(_above(address), addresses):
                return topic
        return ""


def _any(names: Iterable[str], listed: HashedSet) -> bool:
    return any(name in listed for name in names)


def _has_any(text: str, listed: frozenset[str]) -> bool:
    """Return True if a text has one of the words as a part; it looks only at lengths that some word has."""
    return any(
        text[at : at + length] in listed
        for length in sorted(set(map(len, listed)))
        for at in range(len(text) - length + 1)
    )
