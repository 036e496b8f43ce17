"""Decode the 192 pages of known encoding in the development crawl; print the share decoded to the right text.

    python tests/bench/charsets.py

The pages are chardet's, in 19 encodings, sent without a charset. Each is decoded four times: as stored (most declare
their encoding in the XML declaration), with that taken out, and without it under a wrong declaration of the server.
Right is what Python's codec for the true encoding gives, character for character.
"""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from warcio.archiveiterator import ArchiveIterator

from pipelines.extraction import charset

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
INSIDE = re.compile(rb"(<\?xml[^>]*?)\s+encoding\s*=\s*[\"'][^\"'>]*[\"']")
LANGUAGE = re.compile("-(?:russian|bulgarian|hebrew|greek|hungarian)$")
WAYS = {"as stored": None, "undeclared": None, "declared utf-8": "utf-8", "declared latin-1": "iso-8859-1"}


class Page(NamedTuple):
    """One page: its encoding as chardet names it, its bytes, its text."""

    encoding: str
    payload: bytes
    text: str


def pages() -> Iterator[Page]:
    """Yield the pages of known encoding."""
    with gzip.open(DATA / "web_dev_manifest.jsonl.gz", "rt") as lines:
        rows = [row for row in map(json.loads, lines) if row["cat"].startswith("charset:")]
    with (DATA / "web_dev.warc.gz").open("rb") as stream:
        for row in rows:
            stream.seek(row["offset"])
            payload = next(iter(ArchiveIterator(stream))).content_stream().read()
            encoding = LANGUAGE.sub("", row["cat"].removeprefix("charset:"))
            codec = charset.codec_of("mac-cyrillic" if encoding == "MacCyrillic" else encoding)
            yield Page(encoding, payload, payload.decode(str(codec)))


def is_right(page: Page, way: str) -> bool:
    """Decode a page in one of the ways."""
    payload, text = page.payload, page.text
    if way != "as stored":
        payload = INSIDE.sub(rb"\1", payload, count=1)
        text = INSIDE.sub(rb"\1", text.encode(), count=1).decode()
    try:
        return charset.decode(payload, WAYS[way]) == text
    except charset.UndecodableError:
        return False


def main() -> None:
    """Print one line for each encoding."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for page in pages():
        found[page.encoding]["pages"] += 1
        found[page.encoding].update(way for way in WAYS if is_right(page, way))
    total = sum(found.values(), Counter())
    print(f"{'encoding':<14}{'pages':>7}" + "".join(f"{way:>18}" for way in WAYS))
    for encoding, counts in [*sorted(found.items()), ("all", total)]:
        print(f"{encoding:<14}{counts['pages']:>7}" + "".join(f"{counts[way]:>18}" for way in WAYS))


if __name__ == "__main__":
    main()
