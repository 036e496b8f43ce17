"""Run every hostile and malformed file through the real readers and extraction, and judge what came out.

    python tests/bench/hostile.py [--engine NAME] [--only TEXT] [--write]

One line a file: documents kept, drops, errors and damage with their places, seconds, peak memory, verdict. A file is
right when what came out is what ``hostile.tsv`` says (reviewed by hand against the makers' descriptions;
``--write`` writes it again), every byte of it is accounted for, the text that came out is clean, holds what it must
and lacks what it must not, and it took less than 10 s and 1.5 GB. Pages that are no archive are put into one first.

Each file has a process of its own, forked from one that has everything loaded, with an extraction child of its own.
Memory is the sum of both peaks (VmHWM).
"""

from __future__ import annotations

import argparse
import io
import multiprocessing
import os
import re
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from html import escape
from pathlib import Path

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from filters.label_language import predict
from pipelines.errors import CorpusmillError
from pipelines.readers.jsonl import Jsonl
from pipelines.readers.parquet import Parquet
from pipelines.readers.record import Reader
from pipelines.readers.warc import Warc
from pipelines.readers.wikipedia import Wikipedia
from pipelines.recipe.load import load
from pipelines.recipe.models import find
from pipelines.recipe.recipe import Extract
from pipelines.stages.extract.stage import Settings, process_unit
from pipelines.stages.extract.units import Unit
from pipelines.work.task import Counts
from tokenizer_training.model.sentencepiece_model import TokenizerError
from tokenizer_training.model.tokenizer import Tokenizer

SHARED = Path(__file__).resolve().parents[3] / "shared"
GOLDEN = Path(__file__).with_suffix(".tsv")
MAX_SECONDS = 10.0
MAX_MB = 1536
SAMPLE_S = 0.02

# What no text may hold: lone surrogates, C0 but tab and newline, C1.
DIRTY = re.compile("[\ud800-\udfff\x00-\x08\x0b-\x1f\x7f-\x9f]")
SHOWN_PLACES = 3
PINNED_ENGINE = "resiliparse"
RIGHT = "right"

# The other fastText files are damaged copies of this one, whose hash the recipe pins.
TRUE_MODEL = "ft_ok.bin"


@dataclass
class Outcome:
    """What came out of one file: kept texts, counts, places, broken promises, cost."""

    texts: list[str] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)
    damage: list[str] = field(default_factory=list)
    spans: Counter[str] = field(default_factory=Counter)
    said: str = ""
    broken: list[str] = field(default_factory=list)
    seconds: float = 0.0
    peak_mb: int = 0

    def summary(self) -> str:
        """Return it in one line, places included."""
        if self.said:
            return self.said
        drops = [f"{count} dropped {reason}" for reason, count in sorted(self.dropped.items())]
        return "; ".join(
            [
                f"{len(self.texts)} kept",
                *drops,
                *_listed("error", self.errors),
                *_listed("damage", self.damage),
            ]
        )


def _listed(word: str, found: list[str]) -> list[str]:
    rest = len(found) - SHOWN_PLACES
    shown = [f"{word} {one}" for one in found[:SHOWN_PLACES]]
    return [*shown, f"and {rest} more"] if rest > 0 else shown


def read_file(path: Path, reader: Reader, engine: str, outcome: Outcome) -> None:
    """Do what stage extract does with a unit that is the whole file."""
    size = path.stat().st_size
    unit = Unit("0" * 16, 0, "hostile", path.name, str(path), 0, size, None, f"{size}:0")
    settings = Settings((reader,), Extract(engine=engine))
    for batch in process_unit(unit, settings):
        if isinstance(batch, Counts):
            outcome.spans = Counter(batch.counts["bytes"])
            records = batch.counts["records"]
            if sum(outcome.spans.values()) != size:
                outcome.broken.append(f"bytes: {size} in, {sum(outcome.spans.values())} accounted for")
            if records.get("seen", 0) != sum(n for name, n in records.items() if name != "seen"):
                outcome.broken.append(f"records: {records}")
        elif batch.folder == "extracted":
            for row in batch.table.to_pylist():
                if row["text"] is not None:
                    outcome.texts.append(row["text"])
                elif row["decision"] == "dropped":
                    outcome.dropped[row["reason"]] += 1
        else:
            for row in batch.table.to_pylist():
                place = f"{row['reason']} @{row['offset']}+{row['length']}"
                (outcome.damage if row["id"] is None else outcome.errors).append(place)


def as_archive(page: bytes) -> bytes:
    """Return a WARC file that holds one page, sent without a charset."""
    file = io.BytesIO()
    writer = WARCWriter(file, gzip=True)
    headers = StatusAndHeaders("200 OK", [("Content-Type", "text/html")], protocol="HTTP/1.1")
    record = writer.create_warc_record(
        "https://hostile.example/", "response", payload=io.BytesIO(page), http_headers=headers
    )
    writer.write_record(record)
    return file.getvalue()


def as_dump(wikitext: bytes) -> bytes:
    """Return an export that holds one article."""
    text = escape(wikitext.decode()).encode()
    return (
        b"<mediawiki><page><title>A</title><ns>0</ns><id>1</id><revision><text>%b</text></revision></page></mediawiki>"
        % text
    )


def consume(path: Path, engine: str, scratch: Path) -> Outcome:
    """Give a file to what would read it in a run."""
    outcome = Outcome()
    began = time.monotonic()
    try:
        _consume(path, engine, scratch, outcome)
    except (CorpusmillError, TokenizerError, ValueError) as error:
        outcome.said = f"refused: {type(error).__name__}"
    outcome.seconds = time.monotonic() - began
    outcome.broken += [f"dirty text: {match[0]!r}" for text in outcome.texts if (match := DIRTY.search(text))]
    return outcome


def _consume(path: Path, engine: str, scratch: Path, outcome: Outcome) -> None:
    match path.suffix:
        case ".html":
            wrapped = scratch / "page.warc.gz"
            wrapped.write_bytes(as_archive(path.read_bytes()))
            read_file(wrapped, Warc(), engine, outcome)
        case ".wikitext":
            wrapped = scratch / "dump.xml"
            wrapped.write_bytes(as_dump(path.read_bytes()))
            read_file(wrapped, Wikipedia(), engine, outcome)
        case ".yaml":
            load(path)
            outcome.said = "loads"
        case ".bin":
            model, _ = find(
                f"{path}#sha256={sha256(path.with_name(TRUE_MODEL).read_bytes()).hexdigest()}", path.parent
            )
            predict(str(model), "a text to label")
            outcome.said = "loads"
        case ".model":
            Tokenizer.load(path)
            outcome.said = "loads"
        case _:
            read_file(path, reader_of(path), engine, outcome)


def reader_of(path: Path) -> Reader:
    """Return the reader that a user would name for a file."""
    if path.suffix == ".parquet":
        return Parquet()
    if path.parent.name == "security":
        return Jsonl()
    return Wikipedia() if path.parent.name == "wiki" else Warc()


@dataclass(frozen=True)
class Expected:
    """A line of the golden file.

    Attributes:
        summary: what comes out.
        pattern: of the kept text, which must hold it; after ``!``, which must lack it.
    """

    summary: str
    pattern: str

    def faults(self, outcome: Outcome, strict: bool) -> Iterator[str]:
        """Yield what is wrong; `strict` = the summary must be the same."""
        if strict and outcome.summary() != self.summary:
            yield f"expected {self.summary}"
        text = "\n".join(outcome.texts)
        if self.pattern.startswith("!"):
            if re.search(self.pattern[1:], text):
                yield f"holds {self.pattern[1:]}"
        elif text and not re.search(self.pattern, text):
            yield f"lacks {self.pattern}"


def expectations() -> dict[str, Expected]:
    """Return the golden file."""
    rows = [line.split("\t") for line in GOLDEN.read_text().splitlines()] if GOLDEN.exists() else []
    return {name: Expected(summary, pattern) for name, summary, pattern in rows}


def files() -> dict[str, Path]:
    """Return all files by the name they have in the golden file."""
    named = [path for path in (SHARED / "hostile").glob("*/*") if path.is_file()]
    found = [path for path in (SHARED / "data/malformed_real").rglob("*") if path.is_file()]
    return {str(path.relative_to(path.parents[2])): path for path in sorted([*named, *found])}


def measured(job: tuple[str, Path, str]) -> tuple[str, str, str, str]:
    """Consume a file in this process, watching its memory; return name, summary, cost, verdict."""
    from process_tree import descendants

    name, path, engine = job
    peaks: dict[int, int] = {}
    ended = threading.Event()

    def watch() -> None:
        while True:
            last = ended.wait(SAMPLE_S)
            for process in descendants(os.getpid()):
                peaks[process] = max(peaks.get(process, 0), _peak_kb(process))
            if last:
                return

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        with tempfile.TemporaryDirectory() as scratch:
            outcome = consume(path, engine, Path(scratch))
    finally:
        ended.set()
        watcher.join()
    outcome.peak_mb = sum(peaks.values()) // 1024
    cost = f"{outcome.seconds:.2f} s\t{outcome.peak_mb} MB"
    found = verdict(outcome, expectations().get(name), engine == PINNED_ENGINE)
    return name, outcome.summary(), cost, found


def _peak_kb(process: int) -> int:
    try:
        found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process}/status").read_text())
    except OSError:
        return 0
    return int(found[1]) if found else 0


def verdict(outcome: Outcome, expected: Expected | None, strict: bool) -> str:
    """Return ``right``, or what is wrong."""
    pages = len(outcome.texts) + outcome.dropped.total() + len(outcome.errors)
    faults = list(outcome.broken)
    faults += expected.faults(outcome, strict) if expected else ["not in the golden file"]
    faults += [f"takes {outcome.seconds:.0f} s"] if outcome.seconds > MAX_SECONDS * max(1, pages) else []
    faults += [f"takes {outcome.peak_mb} MB"] if outcome.peak_mb > MAX_MB else []
    return "; ".join(faults) or RIGHT


def main() -> None:
    """Run the files, print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--engine", default=PINNED_ENGINE)
    parser.add_argument("--only", default="", help="files whose name holds this")
    parser.add_argument("--write", action="store_true", help="write the golden file again")
    options = parser.parse_args()
    golden = expectations()
    jobs = [(name, path, options.engine) for name, path in files().items() if options.only in name]
    wrong = 0
    with multiprocessing.get_context("fork").Pool(1, maxtasksperchild=1) as pool:
        for name, summary, cost, found in pool.imap(measured, jobs, chunksize=1):
            wrong += found != RIGHT
            print(f"{name}\t{summary}\t{cost}\t{found}", flush=True)
            golden[name] = Expected(summary, golden[name].pattern if name in golden else "")
    print(f"{len(jobs)} files, {wrong} wrong")
    if options.write:
        rows = (f"{name}\t{one.summary}\t{one.pattern}\n" for name, one in sorted(golden.items()))
        GOLDEN.write_text("".join(rows))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
