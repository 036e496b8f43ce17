"""Labels for pages that nobody has labelled: what trafilatura takes of them, softened where resiliparse differs.

trafilatura's careful mode is right about 95 % of words on pages of unseen sites, and twenty times slower than a
model that has learned from it. A block that it takes and resiliparse does not is main text by 0.8, the other way
round by 0.15. Pages where it finds next to nothing stay out. Held-out sites, copies planted for deduplication and
made-up hosts are never read; a site gives at most `PER_SITE` pages, a manual `PER_MANUAL`.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import trafilatura

from pipelines.extraction.charset import UndecodableError, decode
from pipelines.extraction.engines import load_engine
from pipelines.readers.record import Record
from pipelines.readers.warc import Warc
from tests.bench.blocks.corpus import DATA, Page, held_out, labelled, manifest, site
from tests.bench.blocks.labels import UNKNOWN, Labels, covered

CATEGORIES = ("docs", "web", "recipe", "article", "news")
PER_SITE, PER_MANUAL = 15, 6
LEAST_CHARACTERS = 2000
TAKEN_BY_ONE, LEFT_BY_ONE = 0.8, 0.15
LEAST_FOUND = 400


def unlabelled(folder: Path = DATA) -> Iterator[Page]:
    """Yield the pages to label."""
    rows = {row["uri"]: row for row in manifest(folder)}
    known = {page.url for page in labelled(folder)}
    taken: Counter[str] = Counter()
    path = folder / "web_dev.warc.gz"
    with path.open("rb") as stream:
        for event in Warc().read(stream, 0, path.stat().st_size):
            if not isinstance(event, Record) or event.media != "html" or event.url in known:
                continue
            row = rows.get(event.url or "")
            if row is None or row["cat"] not in CATEGORIES or held_out(site(row["uri"])):
                continue
            manual = row["cat"] == "docs"
            name = row["source"] if manual else site(row["uri"])
            if ".example" in row["uri"] or taken[name] >= (PER_MANUAL if manual else PER_SITE):
                continue
            taken[name] += 1
            try:
                html = decode(event.payload, event.charset).encode("utf-8", "replace").decode()
            except UndecodableError:
                continue
            if len(html) >= LEAST_CHARACTERS:
                yield Page(row["uri"], row["cat"], "silver", html)


class Teachers:
    """The two extractors, and the texts they gave so far, which a cache file keeps between runs."""

    def __init__(self, cache: Path | None) -> None:
        self._cache = cache
        self._texts: dict[str, list[str]] = {}
        self._resiliparse = load_engine("resiliparse")
        if cache is not None and cache.exists():
            with gzip.open(cache, "rt", encoding="utf-8") as lines:
                self._texts = dict(map(json.loads, lines))

    def save(self) -> None:
        """Write the cache file, if there is to be one."""
        if self._cache is not None:
            with gzip.open(self._cache, "wt", encoding="utf-8") as lines:
                lines.writelines(json.dumps(item) + "\n" for item in self._texts.items())

    def ask(self, page: Page) -> tuple[str, str]:
        """Return the text by trafilatura and by resiliparse."""
        if page.url not in self._texts:
            text = trafilatura.extract(page.html, favor_precision=True, include_comments=False) or ""
            self._texts[page.url] = [text, self._resiliparse(page.html)]
        first, second = self._texts[page.url]
        return first, second


def teach(texts: list[str], answers: tuple[str, str]) -> Labels:
    """Return labels of blocks by what the two extractors took; all unknown if the first found too little."""
    first, second = answers
    if len(first) < LEAST_FOUND:
        return np.full(len(texts), UNKNOWN, np.float32)
    labels, doubted = covered(texts, first), covered(texts, second)
    labels = np.where((labels >= 0.5) & (doubted < 0.5), np.minimum(labels, TAKEN_BY_ONE), labels)
    return np.where((labels < 0.5) & (doubted >= 0.5), np.maximum(labels, LEFT_BY_ONE), labels).astype(
        np.float32
    )
