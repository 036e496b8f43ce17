"""Measure the readers against the libraries beneath them, in records and megabytes a CPU second.

    python tests/bench/readers.py [WARC_FILE] [WIKI_FILE]

Without files it writes a crawl of 2,000 pages (a request, a response and a metadata record each, as Common
Crawl writes them) and a multistream dump of 2,000 articles to a temporary folder first.
"""

from __future__ import annotations

import bz2
import io
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from warcio.archiveiterator import ArchiveIterator
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from pipelines.readers.record import Reader, Record, Rejected
from pipelines.readers.warc import Warc
from pipelines.readers.wikipedia import Wikipedia

PAGES = 2000
PAGES_PER_STREAM = 100
REPEATS = 3


def words(generator: random.Random, count: int) -> str:
    """Return `count` words of a vocabulary of 5,000 in a rank-frequency order."""
    return " ".join(f"word{int(generator.paretovariate(0.7)) % 5000}" for _ in range(count))


def write_crawl(path: Path) -> None:
    """Write a record-compressed WARC file with about 40 kB of HTML a page."""
    generator = random.Random(1)
    with path.open("wb") as file:
        writer = WARCWriter(file, gzip=True)
        for number in range(PAGES):
            url = f"https://site.example/{number}"
            text = words(generator, generator.randrange(500, 9000))
            page = f"<html><body><p>{text}</p></body></html>".encode()
            request = StatusAndHeaders(
                f"GET /{number} HTTP/1.1", [("Host", "site.example")], is_http_request=True
            )
            response = StatusAndHeaders(
                "200 OK",
                [("Content-Type", "text/html; charset=UTF-8"), ("X-Crawler-Content-Encoding", "gzip")],
                protocol="HTTP/1.1",
            )
            records = (
                writer.create_warc_record(url, "request", payload=io.BytesIO(), http_headers=request),
                writer.create_warc_record(url, "response", payload=io.BytesIO(page), http_headers=response),
                writer.create_warc_record(url, "metadata", payload=io.BytesIO(b"fetchTimeMs: 100\r\n")),
            )
            for record in records:
                writer.write_record(record)


def write_dump(path: Path) -> None:
    """Write a multistream dump with about 8 kB of wikitext a page."""
    generator = random.Random(2)
    head = '<mediawiki xml:lang="en"><siteinfo><base>https://en.wiki.example/wiki/Main</base></siteinfo>'
    with path.open("wb") as file:
        file.write(bz2.compress(head.encode()))
        for start in range(0, PAGES, PAGES_PER_STREAM):
            pages = "".join(
                f"<page><title>Page {number}</title><ns>0</ns><id>{number}</id><revision><text>"
                f"{words(generator, generator.randrange(100, 2000))}</text></revision></page>\n"
                for number in range(start, start + PAGES_PER_STREAM)
            )
            file.write(bz2.compress(pages.encode()))
        file.write(bz2.compress(b"</mediawiki>"))


def read_all(reader: Reader, path: Path) -> Callable[[], Iterator[int]]:
    """Return a function that reads a file and yields the payload bytes of each content record."""

    def run() -> Iterator[int]:
        with path.open("rb") as stream:
            for event in reader.read(stream, 0, path.stat().st_size):
                if isinstance(event, Record | Rejected):
                    yield len(event.payload) if isinstance(event, Record) else 0

    return run


def warcio_all(path: Path) -> Callable[[], Iterator[int]]:
    """Return a function that reads the responses of a file with warcio alone."""

    def run() -> Iterator[int]:
        with path.open("rb") as stream:
            for record in ArchiveIterator(stream):
                if record.rec_type == "response":
                    yield len(record.content_stream().read())

    return run


def bz2_all(path: Path) -> Callable[[], Iterator[int]]:
    """Return a function that only decompresses a dump."""

    def run() -> Iterator[int]:
        with bz2.open(path) as stream:
            while data := stream.read(1 << 20):
                yield len(data)

    return run


def measure(name: str, run: Callable[[], Iterator[int]], file_bytes: int) -> None:
    """Print the best of some runs."""
    best, sizes = float("inf"), [0]
    for _ in range(REPEATS):
        began = time.process_time()
        sizes = list(run())
        best = min(best, time.process_time() - began)
    print(
        f"{name:<24} {best:6.2f} CPU s  {len(sizes):>6} items  {len(sizes) / best:>7.0f} items/s  "
        f"{file_bytes / best / 1e6:>6.1f} MB/s in  {sum(sizes) / best / 1e6:>6.1f} MB/s out"
    )


def main() -> None:
    """Measure the files named on the command line, or made ones."""
    with tempfile.TemporaryDirectory() as folder:
        given = [Path(name) for name in sys.argv[1:]]
        warc = given[0] if given else Path(folder, "crawl.warc.gz")
        wiki = given[1] if len(given) > 1 else Path(folder, "dump.xml.bz2")
        if not given:
            write_crawl(warc)
        if len(given) < 2:
            write_dump(wiki)
        measure("warc", read_all(Warc(), warc), warc.stat().st_size)
        measure("warcio alone", warcio_all(warc), warc.stat().st_size)
        measure("wikipedia", read_all(Wikipedia(), wiki), wiki.stat().st_size)
        measure("bz2 alone", bz2_all(wiki), wiki.stat().st_size)


if __name__ == "__main__":
    main()
