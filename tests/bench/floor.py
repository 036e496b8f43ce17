"""What the FineWeb recipe costs at least: the libraries and our own pure functions in one bare loop.

    python -m tests.bench.floor WARC [--engine blocks] [--recipe configs/fineweb.yaml]

No Beam, no child process, no files, no ledger: each record is read, decoded and extracted, judged by the steps and
signed, in one process. Prints one JSON line: CPU seconds of each, of all together, and the documents at each place.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from filters.dedup.bands import band_hashes
from filters.dedup.exact import content_hash
from filters.document import Document, Origin, Place
from filters.step import Step, first_fault
from filters.text import TextView
from pipelines.extraction.child import respond
from pipelines.extraction.engines import load_engine
from pipelines.extraction.messages import Request
from pipelines.readers.record import Record
from pipelines.readers.warc import Warc
from pipelines.recipe.load import load
from pipelines.recipe.models import resolve


class Clock:
    """CPU seconds of this process by what they were used for."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.process_time()

    def lap(self, name: str) -> None:
        """Add what was used since the last call to a name."""
        now = time.process_time()
        self.seconds[name] = self.seconds.get(name, 0.0) + now - self._last
        self._last = now


def main() -> None:
    """Print what the loop takes."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("warc", type=Path)
    parser.add_argument("--engine", default="blocks")
    parser.add_argument("--recipe", type=Path, default=Path("configs/fineweb.yaml"))
    arguments = parser.parse_args()
    source = [f"inputs=[{{reader: warc, paths: ['{arguments.warc.absolute()}']}}]"]
    recipe = load(arguments.recipe, source)
    steps = [(entry.name, resolve(entry, recipe.folder).step) for entry in recipe.steps]
    if recipe.dedup is None or recipe.dedup.minhash is None:
        parser.error("the recipe has no MinHash")
    print(json.dumps(floor(arguments.warc, arguments.engine, steps, recipe.dedup.minhash)))


def floor(warc: Path, engine_name: str, steps: list[tuple[str, Step]], minhash: Any) -> dict[str, Any]:
    """Do what a run does with the records of a WARC; return CPU seconds and counts."""
    engine, scheme, signatures, kept = load_engine(engine_name), minhash.signing(), [], 0
    warm_up(engine, steps, scheme)
    clock, counts = Clock(), {"records": 0, "texts": 0}
    for record in records(warc):
        clock.lap("read")
        counts["records"] += 1
        text = respond(Request(record.media, record.charset, record.payload, record.wiki), engine).text
        clock.lap("extract")
        if text is None:
            continue
        counts["texts"] += 1
        final = judged(TextView(document(text)), steps, clock)
        if final is not None:
            kept += 1
            content_hash(final)
            signatures.append(scheme.signature(scheme.windows(final)))
            clock.lap("sign")
    clock.lap("read")
    found = np.concatenate(signatures).reshape(kept, -1)
    np.sort(band_hashes(found, np.zeros(kept, np.uint64), minhash.cut()), axis=None)
    clock.lap("band")
    total = sum(clock.seconds.values())
    return {"seconds": clock.seconds | {"total": total}, **counts, "kept": kept}


def records(warc: Path) -> Iterator[Record]:
    """Yield the records with a payload."""
    with warc.open("rb") as stream:
        size = stream.seek(0, 2)
        yield from (event for event in Warc().read(stream, 0, size) if isinstance(event, Record))


def document(text: str) -> Document:
    """Return a document of a text."""
    return Document("0" * 32, None, text, None, "web", None, None, None, Origin("f", Place(0, 0, 0)))


def judged(view: TextView, steps: list[tuple[str, Step]], clock: Clock) -> str | None:
    """Return the text that a document has after the steps; None where one drops it."""
    for name, step in steps:
        view, measured = step.apply(view)
        fault = first_fault(step, measured)
        clock.lap(name)
        if fault is not None:
            return None
    return view.text


def warm_up(engine: Any, steps: list[tuple[str, Step]], scheme: Any) -> None:
    """Load models and compiled code, which a run does once whatever its input."""
    text = "The house stands by the river, and that is the end of the story. " * 30
    respond(Request("html", None, f"<html><body><p>{text}</p></body></html>".encode()), engine)
    judged(TextView(document(text)), steps, Clock())
    scheme.signature(scheme.windows(text))


if __name__ == "__main__":
    main()
