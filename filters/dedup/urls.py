"""When two URLs are the same address: two captures of a page are copies, even if its text has changed."""

from __future__ import annotations

import re
from typing import Final

import xxhash

from filters.url_blocklist import split_url

# Parameters of campaigns and clicks, which do not change the page.
_TRACKING: Final = re.compile(
    r"(utm_\w+|gclid|dclid|fbclid|msclkid|yclid|mc_cid|mc_eid|igshid)(=|$)", re.IGNORECASE
)


def same_address(url: str) -> str | None:
    """Return the form in which URLs are compared; None if there is no host.

    Scheme, ``www.``, fragment, default port, trailing slash and tracking parameters do not matter; the case of the path
    and the order of parameters do.

    >>> same_address("https://WWW.example.com/a/?utm_source=x#top")
    'example.com/a'
    """
    found = split_url(url)
    if found is None:
        return None
    address, mark, query = found[1].removeprefix("www.").partition("?")
    rest = "&".join(pair for pair in query.split("&") if not _TRACKING.match(pair)) if mark else ""
    return f"{address}?{rest}" if rest else address.rstrip("/")


def url_key(url: str | None) -> int:
    """Return 64 bits that are equal for URLs of one address; 0 if there is no address."""
    address = same_address(url) if url else None
    return xxhash.xxh64_intdigest(address.encode("utf-8", "surrogatepass")) if address else 0
