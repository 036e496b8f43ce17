"""Measure what the killable child costs: CPU seconds of extraction in it and without it, on the same pages.

    python tests/bench/isolation.py [--engine NAME] [--pages N] [--rounds N]

Pages are the first HTML pages of the development crawl (105 kB on average). Without it, the same function that the
child calls for each page is called in this process. CPU seconds are those of this process and the child together; the
start of the child (paid once a worker) is measured with a single page and taken off. Rounds alternate; the smallest
figure of each counts, because the machine may be busy.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

from pipelines.extraction.child import respond
from pipelines.extraction.engines import CAPS, load_engine
from pipelines.extraction.extractor import Extractor
from pipelines.extraction.messages import Request
from pipelines.readers.record import Record
from pipelines.readers.warc import Warc
from pipelines.recipe.recipe import Extract

CRAWL = Path(__file__).resolve().parents[3] / "shared" / "data" / "web_dev.warc.gz"


def pages(count: int, max_bytes: int) -> list[Record]:
    """Return the first HTML pages of the crawl that are parsed at all."""
    with CRAWL.open("rb") as stream:
        records = (
            event for event in Warc().read(stream, 0, CRAWL.stat().st_size) if isinstance(event, Record)
        )
        html = (record for record in records if record.media == "html" and len(record.payload) <= max_bytes)
        return list(islice(html, count))


def cpu_seconds(run: Callable[[], None]) -> float:
    """Return the CPU seconds of a call, those of its ended children included."""

    def used() -> float:
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return time.process_time() + children.ru_utime + children.ru_stime

    began = used()
    run()
    return used() - began


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--engine", default="resiliparse")
    parser.add_argument("--pages", type=int, default=1500)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    records = pages(options.pages, CAPS[options.engine].bytes)
    engine = load_engine(options.engine)
    tasks = [Request(record.media, record.charset, record.payload) for record in records]

    def inside(some: list[Record]) -> None:
        with Extractor(Extract(engine=options.engine)) as extractor:
            for _ in extractor.extract(some):
                pass

    def plain() -> None:
        for task in tasks:
            respond(task, engine)

    rounds = range(options.rounds)
    start = min(cpu_seconds(lambda: inside(records[:1])) for _ in rounds)
    figures = [(cpu_seconds(plain), cpu_seconds(lambda: inside(records)) - start) for _ in rounds]
    bare, held = (min(column) for column in zip(*figures, strict=True))
    size = sum(len(record.payload) for record in records)
    print(f"{options.engine}: {len(records)} pages, {size / len(records) / 1e3:.0f} kB each")
    print(f"without child  {bare:7.2f} CPU s  {1e3 * bare / len(records):6.2f} ms a page")
    print(
        f"with child     {held:7.2f} CPU s  {1e3 * held / len(records):6.2f} ms a page, start {start:.2f} s aside"
    )
    print(f"overhead       {held / bare - 1:7.1%}  {1e3 * (held - bare) / len(records):6.2f} ms a page")


if __name__ == "__main__":
    main()
