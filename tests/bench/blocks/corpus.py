"""The measuring pages: gold texts, gold phrases and pages without a label, split by site.

A site is the registered domain without its suffix, so that ``cnn.com`` and ``cnn.co.uk`` are one; pages of
Readability's tests have made-up hosts and go by the name in them. A quarter of the sites, by a hash of their
name, is held out: nothing is trained on it, directly or as a silver label.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import lzma
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import tldextract

DATA = Path("../shared/data")
HELD_OUT_IN = 4
FOLDS = 5
_MADE_UP = "readability-test"
_suffixes = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)


@dataclass(frozen=True)
class Page:
    """A page with what is known of its main text.

    Attributes:
        kind: ``text`` (all of it is known), ``snippets`` (phrases of it and of the rest), ``partial`` (its
            beginning) or ``silver`` (what two extractors agree on).
        text: gold text; of ``partial`` pages its beginning.
        wanted, unwanted: phrases of ``snippets`` pages.
    """

    url: str
    source: str
    kind: str
    html: str
    text: str = ""
    wanted: tuple[str, ...] = ()
    unwanted: tuple[str, ...] = ()

    @property
    def site(self) -> str:
        """The site that the page is of."""
        return site(self.url)

    @property
    def held_out(self) -> bool:
        """Whether the page is for testing only."""
        return held_out(self.site)


@cache
def site(url: str) -> str:
    """Return the name of a page's site.

    >>> site("https://edition.cnn.com/a"), site("https://cnn-1.readability-test.org/")
    ('cnn', 'cnn')
    """
    parts = _suffixes(url)
    if parts.domain == _MADE_UP:
        return re.sub(r"(-\d+)+$", "", parts.subdomain.rpartition(".")[2])
    return parts.domain


def digest(name: str) -> int:
    """Return a number that is the same everywhere."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big")


def held_out(name: str) -> bool:
    """Say whether a site is for testing only."""
    return digest(name) % HELD_OUT_IN == 0


def fold(name: str) -> int:
    """Return the cross-validation fold of a site."""
    return digest("fold " + name) % FOLDS


def labelled(folder: Path = DATA) -> Iterator[Page]:
    """Yield the labelled pages. Lone surrogates, which no parser takes, become question marks."""
    for kind in ("text", "snippets", "partial"):
        with lzma.open(folder / "extraction_dev" / f"{kind}.jsonl.xz", "rt", encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                if row["gold_kind"] == "markdown":
                    continue
                yield Page(
                    row["uri"],
                    row["source"].partition("/")[2],
                    kind,
                    row["html"].encode("utf-8", "replace").decode(),
                    row.get("text", ""),
                    tuple(row.get("with", ())),
                    tuple(row.get("without", ())),
                )


def manifest(folder: Path = DATA) -> list[dict[str, str]]:
    """Return the rows of the manifest of unlabelled pages."""
    with gzip.open(folder / "web_dev_manifest.jsonl.gz", "rt") as lines:
        return [json.loads(line) for line in lines]
