"""What removing passages that stand in a text before takes from a run, by length; and what it costs as text grows.

    python tests/bench/dedup_substrings.py --run OUT [--least 25 50 100] [--show 20]
    python tests/bench/dedup_substrings.py --megabytes 100 400 [--repeated 0.15]

The first takes a run whose filter stage is done, removes its copies (``dedup: {}``), and then does the search for
passages alone, in a child process, one worker: CPU seconds and peak memory, Beam and libraries included, the largest
size of the tables between the steps, and what goes. Spans drawn by lot are shown with what stands around them. The
second does the same with made texts of 600 words, of which a share repeats 60 to 300 words of a text before.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import resource
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow.parquet as pq

from filters.dedup.substrings import Substrings
from pipelines.recipe.recipe import Dedup, Recipe
from pipelines.stages.dedup import graph
from pipelines.stages.dedup import stage as dedup
from pipelines.stages.dedup.plan import plan_search
from pipelines.stages.dedup.search import FOLDER
from pipelines.store.manifest import UnitResult, read_manifest, write_manifest
from pipelines.store.stage_key import stage_key
from pipelines.store.storage import Storage
from pipelines.store.tables import FILTERED, text_bytes, to_table
from pipelines.work.progress import Progress
from pipelines.work.stage import Run
from tests.pipelines.stages.dedup.corpora import FILTER_KEY, row, table

UNIT_DOCUMENTS, DOCUMENT_WORDS = 5000, 600
VOCABULARY = [f"{a}{b}{c}{d}" for a in "bdfgkl" for b in "aeiou" for c in "mnprst" for d in "aeiou"]


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--run", type=Path)
    parser.add_argument("--least", nargs="+", type=int, default=[25, 50, 100])
    parser.add_argument("--show", type=int, default=20)
    parser.add_argument("--megabytes", nargs="*", type=int, default=[])
    parser.add_argument("--repeated", type=float, default=0.15)
    arguments = parser.parse_args()
    print("text MB  tokens   CPU s  MB/CPU s  peak MB  tables MB   spans  documents  emptied  share of text")
    for least in arguments.least if arguments.run else ():
        in_child(copy_run, (arguments.run,), least, arguments.show if least == arguments.least[-1] else 0)
    for megabytes in arguments.megabytes:
        in_child(make_run, (megabytes, arguments.repeated), Substrings().min_tokens, 0)


def in_child(make: Any, how: tuple[Any, ...], least: int, show: int) -> None:
    """Make a run in a folder of its own, search it, and print what the search found and cost."""
    processes = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        for target, arguments in ((make, how), (measure, (least,))):
            child = processes.Process(target=target, args=(Path(folder), *arguments))
            child.start()
            child.join()
        found = json.loads((Path(folder) / "found.json").read_text())
        lost = found["lost"]
        print(
            f"{found['text'] / 1e6:7.1f}  {least:6}  {found['cpu']:6.1f}  {found['text'] / found['cpu'] / 1e6:8.1f}"
            f"  {found['peak']:7.0f}  {found['tables'] / 1e6:9.1f}  {lost['substrings']:6}"
            f"  {lost['documents_edited']:9}  {lost['documents_emptied']:7}"
            f"  {lost['characters'] / found['characters']:13.2%}",
            flush=True,
        )
        if show:
            show_spans(Path(folder), show)


def copy_run(root: Path, out: Path) -> None:
    """Make a run of the texts of another that stay when its copies are gone."""
    storage = Storage(out)
    filtered = read_manifest(storage, "filtered")
    units = {
        file.unit: pq.read_table(storage.path(file.path)).to_pylist() for file in filtered.folder("filtered")
    }
    write_run(root, units)


def make_run(root: Path, megabytes: int, repeated: float) -> None:
    """Make a run of texts of which some repeat a passage of the one before."""
    chance, before, units = random.Random(1), [""] * DOCUMENT_WORDS, {}
    for unit in range(max(1, megabytes * 1_000_000 // (5 * DOCUMENT_WORDS * UNIT_DOCUMENTS))):
        rows = []
        for number in range(UNIT_DOCUMENTS):
            words = chance.choices(VOCABULARY, k=DOCUMENT_WORDS)
            if chance.random() < repeated * DOCUMENT_WORDS / 180:
                length, start = chance.randint(60, 300), chance.randint(0, 300)
                words[start : start + length] = before[start : start + length]
            before = words
            rows.append(row(words, unit * UNIT_DOCUMENTS + number))
        units[f"{unit:08}"] = rows
    write_run(root, units)


def write_run(root: Path, units: dict[str, list[dict[str, Any]]]) -> None:
    """Write ``filtered/``, and remove the copies."""
    storage, sidecars = Storage(root), []
    for unit, rows in units.items():
        with storage.table_writer(f"filtered/part-{unit}.parquet", FILTERED) as writer:
            writer.write(to_table(rows, FILTERED), row_group_size=1024)
        assert writer.fact is not None
        sidecars.append(UnitResult(unit, {}, (writer.fact,)))
    manifest = write_manifest(storage, "filtered", FILTER_KEY, (), sidecars)
    run = open_run(root, Dedup())
    with patch.object(Storage, "remove_files"):  # the search for passages begins with the decisions
        dedup.run_stage(run, manifest, dedup.key(run, FILTER_KEY))


def open_run(root: Path, section: Dedup) -> Run:
    """Return a run of this section in a folder."""
    storage = Storage(root)
    return Run(Recipe("bench", (), dedup=section), storage, 1, (), Progress(storage, quiet=True))


def measure(root: Path, least: int) -> None:
    """Search and write; note what that cost."""
    section = Dedup(substrings=Substrings(least))
    run = open_run(root, section)
    parts = read_manifest(run.storage, "filtered").folder("filtered")
    size = sum(text_bytes(root / part.path) for part in parts)
    tables, done = [0], threading.Event()
    watch = threading.Thread(target=watch_size, args=(root / FOLDER, tables, done))
    before = sum(path.stat().st_size for path in (root / FOLDER).iterdir())
    watch.start()
    began = time.process_time()
    graph.find_substrings(run, plan_search(run, section, parts, ()))
    written = dedup._write(run, parts, stage_key("bench", {}), ())
    cpu = time.process_time() - began
    done.set()
    watch.join()
    lost: dict[str, int] = {}
    for sidecar in written.values():
        for name, number in sidecar.section("removed_substrings").items():
            lost[name] = lost.get(name, 0) + number
    texts = (text for part in parts for text in pq.read_table(root / part.path)["text"].to_pylist())
    found = {
        "text": size,
        "characters": sum(map(len, texts)),
        "cpu": cpu,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "tables": tables[0] - before,
        "lost": lost,
    }
    (root / "found.json").write_text(json.dumps(found))


def watch_size(folder: Path, largest: list[int], done: threading.Event) -> None:
    """Note the largest size of the files in a folder until told to stop."""
    while not done.wait(0.05):
        largest[0] = max(largest[0], sum(_sizes(folder)))


def _sizes(folder: Path) -> Iterator[int]:
    for path in folder.iterdir():
        try:
            yield path.stat().st_size
        except FileNotFoundError:  # a temporary file that has its name by now
            continue


def show_spans(root: Path, number: int) -> None:
    """Print spans drawn by lot: what stands around each, and around the same words where they stand first."""
    spans = table(root, "removed_substrings")
    texts = {one["id"]: one["text"] for one in table(root, "filtered")}
    for span in random.Random(1).sample(spans, min(number, len(spans))):
        words, end = span["text"].split(), span["start"] + len(span["text"])
        before, after = texts[span["id"]][: span["start"]][-60:], texts[span["id"]][end:][:60]
        first = texts[span["first"]]
        print(
            f"\n{len(words)} words of {span['id'][:8]}, first in {span['first'][:8]} at {span['first_start']}"
        )
        print(f"  {before!r}\n  [-{' '.join(words)[:300]} … {' '.join(words)[-100:]}-]\n  {after!r}")
        print(f"  first: {first[: span['first_start']][-60:]!r} …")


if __name__ == "__main__":
    main()
