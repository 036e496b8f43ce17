"""Addresses of remote files: how a recipe writes them, and where they are asked for.

================================  =======================================================================
``https://host/path``             as written; ``http://`` too, for a host that the recipe so names
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
from urllib.parse import quote, unquote, urlsplit

HUB_STORES = ("*.huggingface.co", "*.hf.co")

SCHEMES = ("https", "http", "s3", "gs", "hf")

_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)(/.*)?", re.DOTALL)
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")

# What stands in the path of a URL as it is (RFC 3986, 3.3), and in a key that is signed (AWS: unreserved and "/").
_PATH_SAFE = "/%:@!$&'()*+,;=~"
_KEY_SAFE = "/~"

_HUB_KEY = re.compile(r"([\w.-]+/[\w.-]+)@([^@]+?)/((?!/).+)")


@dataclass(frozen=True, slots=True)
class Address:
    """One remote file, or a pattern of them.

    Attributes:
        text: as the recipe writes it.
        scheme: one of `SCHEMES`.
        place: host with port, or bucket; ``datasets`` for the Hub.
        key: path without its first slash; for a web server still quoted. On the Hub: dataset, ``@``, revision, path.
    """

    text: str
    scheme: str
    place: str
    key: str

    @property
    def in_bucket(self) -> bool:
        """Say whether it lies in a bucket, whose files can be listed."""
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
        """Return the URL to ask."""
        if self.scheme == "hf":
            dataset, revision, path = self._hub_parts()
            revision = quote(revision, safe="")
            return (
                f"{hub_url(environment)}/datasets/{dataset}/resolve/{revision}/{quote(path, safe=_KEY_SAFE)}"
            )
        if not self.in_bucket:
            return f"{self.scheme}://{self.place}/{quote(self.key, safe=_PATH_SAFE)}"
        return f"{bucket_url(self.scheme, self.place, environment)}{quote(self.key, safe=_KEY_SAFE)}"

    def hosts(self, environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
        """Return the hosts to contact for it; the Hub redirects to hosts of its own that hold the files."""
        host = host_of(self.url(environment))
        return (host, *HUB_STORES) if (self.scheme, host) == ("hf", "huggingface.co") else (host,)

    def _hub_parts(self) -> tuple[str, str, str]:
        """Return dataset, revision and path."""
        match = _HUB_KEY.fullmatch(self.key)
        if match is None:
            raise ValueError("a file on the Hub is written hf://datasets/OWNER/NAME@REVISION/PATH")
        return match[1], match[2], match[3]


def is_remote(path: str) -> bool:
    """Say whether a path of a recipe is an address."""
    return "://" in path


def parse_address(text: str) -> Address:
    """Read an address.

    Raises:
        ValueError: it is none that can be read; the message says why and holds nothing of a password.
    """
    match = _ADDRESS.fullmatch(text)
    if match is None or match[1].lower() not in SCHEMES:
        scheme = text.partition("://")[0][:20]
        raise ValueError(f"{scheme!r} is no kind of address that is read; known: {', '.join(SCHEMES)}")
    scheme, place, key = match[1].lower(), match[2], (match[3] or "/")[1:]
    if "@" in place:
        raise ValueError("the address holds a user name; credentials come from the environment only")
    if not _HOST.fullmatch(place):
        raise ValueError(f"{place[:60]!r} is no {'bucket' if scheme in ('s3', 'gs') else 'host'}")
    if scheme in ("http", "https") and ("?" in key or "#" in key):
        raise ValueError("the address has a query, which may carry credentials; name the file without it")
    address = Address(text, scheme, place if scheme in ("s3", "gs") else place.lower(), key)
    if scheme == "hf":
        address.url()  # says whether it is one
    if not key or key.endswith("/"):
        raise ValueError("the address names no file")
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
    """Return the region whose endpoint is asked."""
    return environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or "us-east-1"


def host_of(url: str) -> str:
    """Return host and port of a URL, the port of its scheme left out.

    >>> host_of("https://Example.org:443/a"), host_of("http://127.0.0.1:8000/")
    ('example.org', '127.0.0.1:8000')
    """
    parts = urlsplit(url)
    default = {"http": 80, "https": 443}.get(parts.scheme)
    name = parts.hostname or ""
    return name if parts.port in (None, default) else f"{name}:{parts.port}"


@dataclass(frozen=True, slots=True)
class Pin:
    """What a remote file was when it was listed; it is read as that or not at all.

    Attributes:
        size: bytes.
        version: ETag, or else Last-Modified, as the server states it; empty where it states neither.
    """

    size: int
    version: str
