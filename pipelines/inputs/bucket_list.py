"""The files of a bucket that match a pattern, by S3's listing (ListObjectsV2), which Google's buckets answer too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote
from xml.etree.ElementTree import Element, ParseError, fromstring

from pipelines.errors import InputError
from pipelines.inputs.address import Address, Pin, bucket_url
from pipelines.inputs.file import InputFile, Listed, RecipeKeys
from pipelines.inputs.patterns import fixed_start, matcher, name_below

if TYPE_CHECKING:
    from pipelines.inputs.client import Client

PAGE_BYTES: Final = 16 << 20
"""A page has at most 1,000 keys of at most 1,024 bytes (ListObjectsV2), each with some hundred bytes of markup."""


@dataclass(frozen=True)
class BucketPattern:
    """The objects of a bucket that match a pattern.

    Attributes:
        address: bucket and pattern.
    """

    address: Address

    def hosts(self) -> tuple[str, ...]:
        """Return the host of the bucket."""
        return self.address.hosts()

    def keys(self) -> RecipeKeys:
        """Return an empty mapping: the pattern is one of the paths."""
        return {}

    def expand(self, client: Client) -> Listed:
        """List the bucket below the fixed start of the pattern.

        Raises:
            InputError: it cannot be listed, or nothing matches.
        """
        pattern = matcher(self.address.key)
        files = tuple(
            InputFile(self.address.with_key(key).text, name_below(self.address.key, key), pin)
            for key, pin in self._objects(client)
            if pattern.fullmatch(key)
        )
        if not files:
            raise InputError(f"{self.address.text}: no object of the bucket matches; correct the pattern")
        return Listed(files, {})

    def _objects(self, client: Client) -> Iterator[tuple[str, Pin]]:
        """Yield all objects whose key has the fixed start of the pattern, page by page."""
        base = bucket_url(self.address.scheme, self.address.place)
        what = f"the listing of {self.address.scheme}://{self.address.place}"
        prefix = quote(fixed_start(self.address.key), safe="")
        token = ""
        while True:
            resume = f"continuation-token={quote(token, safe='')}&" if token else ""
            url = f"{base}?{resume}list-type=2&prefix={prefix}"
            data, _ = client.get(what, self.address.scheme, url, PAGE_BYTES)
            page = _parse(what, data)
            for entry in page.iter("Contents"):
                yield _object(what, entry)
            if page.findtext("IsTruncated") != "true":
                return
            if not (following := page.findtext("NextContinuationToken") or "") or following == token:
                raise InputError(f"{what}: a page announces more but not where; give the files by name")
            token = following


def _object(what: str, entry: Element) -> tuple[str, Pin]:
    key, size, version = (entry.findtext(name) or "" for name in ("Key", "Size", "ETag"))
    if not key or not size.isdigit():
        raise InputError(f"{what}: an entry lacks its key or its size; give the files by name")
    return key, Pin(int(size), version)


def _parse(what: str, data: bytes) -> Element:
    """Return the root of a page, its tags without namespaces; a document type, a possible XML bomb, is refused."""
    try:
        if b"<!" in data:
            raise ParseError("it declares a document type")
        root = fromstring(data)  # noqa: S314 - without declarations there is nothing to expand
    except ParseError as error:
        raise InputError(f"{what}: the answer is not a listing ({error}); give the files by name") from error
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    if root.tag != "ListBucketResult":
        raise InputError(f"{what}: the answer is not a listing; give the files by name")
    return root
