"""A seeded random sample of the files of a Common Crawl release, from the list that the release publishes.

A release lists its files in ``crawl-data/<crawl>/warc.paths.gz`` (``wet.paths.gz`` for text), one path a line.
Paths are ranked by a hash of seed and path, and the first ones are taken: the sample depends on nothing else, and a
larger sample contains a smaller one. The name of a file is its whole path in the list: with offset and length it is
what the crawl's own index calls warc_filename, warc_record_offset and warc_record_length.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pipelines.errors import InputError, mapped
from pipelines.inputs.address import parse_address
from pipelines.inputs.file import InputFile, Listed, RecipeKeys

if TYPE_CHECKING:
    from pipelines.inputs.client import Client

COMMON_CRAWL: Final = "https://data.commoncrawl.org/"

LIST_BYTES: Final = 64 << 20
"""Most bytes of a list; one of 100,000 paths has 0.3 MB compressed."""
TEXT_BYTES: Final = 1 << 30
"""Most bytes of a decompressed list; one of 100,000 paths has about 14 MB."""

_PATH: Final = re.compile(r"(?!.*\.\./)[\w.-]+(/[\w.-]+)+", re.ASCII)


@dataclass(frozen=True)
class CrawlFiles:
    """Files of one release.

    Attributes:
        crawl: its name, ``CC-MAIN-2025-08``.
        files: how many to take; None = all.
        seed: of the sample.
        mirror: address that the paths of the list are appended to.
        kind: name of the list.
    """

    crawl: str
    files: int | None
    seed: int
    mirror: str
    kind: str

    def hosts(self) -> tuple[str, ...]:
        """Return the host of the mirror."""
        return parse_address(self._list()).hosts()

    def keys(self) -> RecipeKeys:
        """Return the recipe keys."""
        return {"crawl": self.crawl, "files": self.files, "seed": self.seed, "mirror": self.mirror}

    def expand(self, client: Client) -> Listed:
        """Download the list and draw the sample.

        Raises:
            InputError: there is no such release, or its list is invalid or too short.
        """
        address = parse_address(self._list())
        pin = client.pin(address)
        if pin.size > LIST_BYTES:
            raise InputError(f"{address.text}: has {pin.size} bytes; a list has at most {LIST_BYTES}")
        data = client.read(address, pin, 0, pin.size)
        paths = _paths(address.text, data)
        if self.files is not None and self.files > len(paths):
            raise InputError(f"{address.text}: lists {len(paths)} files, the recipe asks for {self.files}")
        chosen = sorted(choose(paths, self.files, self.seed))
        files = tuple(InputFile(f"{self.mirror}{path}", path) for path in chosen)
        return Listed(
            files,
            {"list": address.text, "sha256": hashlib.sha256(data).hexdigest(), "paths": str(len(paths))},
        )

    def _list(self) -> str:
        return f"{self.mirror}crawl-data/{self.crawl}/{self.kind}"


def choose(paths: list[str], count: int | None, seed: int) -> list[str]:
    """Return `count` of the paths, None = all; a larger sample contains a smaller one."""
    ranked = sorted(paths, key=lambda path: (hashlib.blake2b(f"{seed}\0{path}".encode()).digest(), path))
    return ranked[:count]


def _paths(what: str, data: bytes) -> list[str]:
    """Return the paths of a list."""
    decoder = zlib.decompressobj(31)
    with mapped(zlib.error, where=what, advice="correct `mirror` or `crawl`"):
        text = decoder.decompress(data, TEXT_BYTES)
    if not decoder.eof or decoder.unused_data:
        raise InputError(f"{what}: the list is truncated or longer than {TEXT_BYTES} bytes; run again")
    paths = text.decode("utf-8", "replace").split()
    for path in paths:
        if not _PATH.fullmatch(path):
            raise InputError(f"{what}: {path[:80]!r} in the list is not a path; correct `mirror` or `crawl`")
    return list(dict.fromkeys(paths))
