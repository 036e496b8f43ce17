"""Addresses of remote files: how a recipe writes them, and the URLs that are requested.

================================  =======================================================================
``https://host/path``             as written; ``http://`` too, if the recipe says so
``s3://bucket/key``               the bucket's public endpoint; ``AWS_ENDPOINT_URL_S3`` names another service
``gs://bucket/key``               ``storage.googleapis.com``; ``STORAGE_EMULATOR_HOST`` names another service
``hf://datasets/id@commit/path``  a file of a dataset on the Hub; ``HF_ENDPOINT`` names another hub
================================  =======================================================================

The variables are those of the vendors' own tools.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import quote, unquote, urlsplit

HUB_STORES: Final = ("*.huggingface.co", "*.hf.co")
"""Hosts on which the Hub keeps files."""

SCHEMES: Final = ("https", "http", "s3", "gs", "hf")
"""Schemes of addresses that can be read."""

_ADDRESS: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)(/.*)?", re.DOTALL)
_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")

_STRAY_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
"""A percent sign that begins no escape."""
_PATH_SAFE: Final = "/%:@!$&'()*+,;=~"
"""Characters that need no quoting in the path of a URL (RFC 3986, 3.3)."""
_KEY_SAFE: Final = "/~"
"""Characters that need no quoting in a key that is signed (AWS: unreserved characters and "/")."""

_HUB_KEY: Final = re.compile(r"([\w.-]+/[\w.-]+)@([^@]+?)/((?!/).+)")


@dataclass(frozen=True, slots=True)
class Address:
    """One remote file, or a pattern of them.

    Attributes:
        text: as the recipe writes it.
        scheme: one of `SCHEMES`.
        place: host with port, or bucket; ``datasets`` for the Hub.
        key: path without its first slash, for a web server still quoted. On the Hub: dataset, ``@``, revision, path.
    """

    text: str
    scheme: str
    place: str
    key: str

    @property
    def in_bucket(self) -> bool:
        """Return True if it is in a bucket, whose files can be listed."""
        return self.scheme in ("s3", "gs")

    @property
    def path(self) -> PurePosixPath:
        """Return the path as a file system would write it."""
        if self.scheme == "hf":
            return PurePosixPath(self._hub_parts()[2])
        return PurePosixPath(self.key if self.in_bucket else unquote(self.key))

    def with_key(self, key: str) -> Address:
        """Return another file of the same bucket."""
        return Address(f"{self.scheme}://{self.place}/{key}", self.scheme, self.place, key)

    def url(self, environment: Mapping[str, str] = os.environ) -> str:
        """Return the URL to request."""
        if self.scheme == "hf":
            dataset, revision, path = self._hub_parts()
            revision = quote(revision, safe="")
            return (
                f"{hub_url(environment)}/datasets/{dataset}/resolve/{revision}/{quote(path, safe=_KEY_SAFE)}"
            )
        if not self.in_bucket:
            path = _STRAY_PERCENT.sub("%25", self.key)
            return f"{self.scheme}://{self.place}/{quote(path, safe=_PATH_SAFE)}"
        return f"{bucket_url(self.scheme, self.place, environment)}{quote(self.key, safe=_KEY_SAFE)}"

    def hosts(self, environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
        """Return the hosts to contact; the Hub redirects to hosts of its own that hold the files."""
        host = host_of(self.url(environment))
        return (host, *HUB_STORES) if (self.scheme, host) == ("hf", "huggingface.co") else (host,)

    def _hub_parts(self) -> tuple[str, str, str]:
        """Return dataset, revision and path."""
        match = _HUB_KEY.fullmatch(self.key)
        if match is None:
            raise ValueError("expected hf://datasets/OWNER/NAME@REVISION/PATH for a file on the Hub")
        return match[1], match[2], match[3]


def is_remote(path: str) -> bool:
    """Return True if a path of a recipe is an address."""
    return "://" in path


def parse_address(text: str) -> Address:
    """Parse an address.

    Raises:
        ValueError: the address is not valid; the message says why and shows no password.
    """
    match = _ADDRESS.fullmatch(text)
    if match is None or match[1].lower() not in SCHEMES:
        scheme = text.partition("://")[0][:20]
        raise ValueError(f"unsupported address scheme {scheme!r}; supported: {', '.join(SCHEMES)}")
    scheme, place, key = match[1].lower(), match[2], (match[3] or "/")[1:]
    if "@" in place:
        raise ValueError("the address contains a user name; credentials come from the environment only")
    if not _HOST.fullmatch(place):
        raise ValueError(f"invalid {'bucket' if scheme in ('s3', 'gs') else 'host'} {place[:60]!r}")
    if scheme in ("http", "https") and ("?" in key or "#" in key):
        raise ValueError("the address has a query, which may carry credentials; name the file without it")
    address = Address(text, scheme, place if scheme in ("s3", "gs") else place.lower(), key)
    if scheme == "hf":
        address.url()  # raises ValueError if the key is not one of the Hub
    if not key or key.endswith("/"):
        raise ValueError("the address does not name a file")
    return address


def bucket_url(scheme: str, bucket: str, environment: Mapping[str, str] = os.environ) -> str:
    """Return the URL of a bucket, with a slash at its end.

    >>> bucket_url("s3", "commoncrawl", {}), bucket_url("gs", "data", {"STORAGE_EMULATOR_HOST": "127.0.0.1:9"})
    ('https://commoncrawl.s3.us-east-1.amazonaws.com/', 'http://127.0.0.1:9/data/')
    """
    if scheme == "gs":
        emulator = environment.get("STORAGE_EMULATOR_HOST")
        base = emulator if emulator and "://" in emulator else f"http://{emulator}" if emulator else None
        return f"{(base or 'https://storage.googleapis.com').rstrip('/')}/{bucket}/"
    base = environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL")
    if base:
        return f"{base.rstrip('/')}/{bucket}/"
    host = f"s3.{s3_region(environment)}.amazonaws.com"
    # A dot in the bucket's name would not fit the certificate of *.s3.amazonaws.com.
    return f"https://{host}/{bucket}/" if "." in bucket else f"https://{bucket}.{host}/"


def hub_url(environment: Mapping[str, str] = os.environ) -> str:
    """Return the URL of the Hub, without a slash at its end."""
    return (environment.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")


def s3_region(environment: Mapping[str, str] = os.environ) -> str:
    """Return the region whose endpoint to use."""
    return environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or "us-east-1"


def host_of(url: str) -> str:
    """Return host and port of a URL; the default port of its scheme is left out.

    >>> host_of("https://Example.org:443/a"), host_of("http://127.0.0.1:8000/")
    ('example.org', '127.0.0.1:8000')
    """
    parts = urlsplit(url)
    default = {"http": 80, "https": 443}.get(parts.scheme)
    name = parts.hostname or ""
    return name if parts.port in (None, default) else f"{name}:{parts.port}"


@dataclass(frozen=True, slots=True)
class Pin:
    """The version of a remote file when it was listed; another version is not read.

    Attributes:
        size: bytes.
        version: ETag, or else Last-Modified, as the server states it; empty if it states neither.
    """

    size: int
    version: str
