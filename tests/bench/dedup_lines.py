"""What removing lines that many documents have takes from a run, by limit; and what counting costs as lines grow.

    python tests/bench/dedup_lines.py --run OUT [--show 30]
    python tests/bench/dedup_lines.py --lines 1000000 10000000

The first counts the lines of the finished text of a run that was deduplicated without ``lines``, with nothing but the
rule's hash and a counter, and lists the most frequent ones. The second makes documents of 20 lines of 60 characters, a
fifth of them from a pool of a thousand, and runs the stage's count over them in a child process, one worker: CPU
seconds and peak memory, Beam and libraries included.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from filters.dedup.lines import UNCOUNTED, Lines
from pipelines.recipe.recipe import Dedup, Recipe
from pipelines.stages.dedup import lines as dedup_lines
from pipelines.stages.dedup.search import FOLDER, SIZES, Search, SearchUnit, write_units
from pipelines.store.storage import Storage
from pipelines.work.progress import Progress
from pipelines.work.stage import Run

LIMITS = (2, 3, 6, 12, 25, 50)
DOCUMENT_LINES, UNIT_DOCUMENTS, POOL = 20, 25_000, 1000
RULE = Lines()


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--run", type=Path)
    parser.add_argument("--show", type=int, default=30)
    parser.add_argument("--lines", nargs="*", type=int, default=[])
    arguments = parser.parse_args()
    if arguments.run:
        print_limits(arguments.run, arguments.show)
    for number in arguments.lines:
        with tempfile.TemporaryDirectory() as folder:
            child = multiprocessing.get_context("spawn").Process(target=count, args=(Path(folder), number))
            child.start()
            child.join()
            found = json.loads((Path(folder) / "found.json").read_text())
        print(
            f"{number:11,} lines: {found['cpu']:6.1f} CPU s, peak {found['peak']:5.0f} MB, {found['goes']:,} go"
        )


def print_limits(out: Path, show: int) -> None:
    """Print what each limit takes, and the most frequent lines."""
    files = sorted((out / "documents").glob("*.parquet"))
    texts = [text for file in files for text in pq.read_table(file, columns=["text"])["text"].to_pylist()]
    cut = [RULE.cut(text) for text in texts]
    keys = [RULE.keys(lines, 0) for lines in cut]
    found = Counter[int](key for one in keys for key in set(one.tolist()) - {int(UNCOUNTED)})
    size = sum(map(len, texts))
    print(f"{len(texts):,} documents, {size:,} characters, {len(found):,} different lines")
    print("more than    lines    different  documents  emptied  share of text")
    for limit in LIMITS:
        gone = [[n for n, key in enumerate(one.tolist()) if found[key] > limit] for one in keys]
        characters = sum(len(lines[n]) for lines, places in zip(cut, gone, strict=True) for n in places)
        left = [dedup_lines.without(RULE, lines, places) for lines, places in zip(cut, gone, strict=True)]
        emptied = sum(not text for text, places in zip(left, gone, strict=True) if places)
        different = sum(number > limit for number in found.values())
        print(
            f"{limit:9}  {sum(map(len, gone)):7,}  {different:11,}  {sum(map(bool, gone)):9,}  {emptied:7}"
            f"  {characters / size:13.2%}"
        )
    examples = {
        key: line
        for one, lines in zip(keys, cut, strict=True)
        for key, line in zip(one.tolist(), lines, strict=True)
    }
    for key, number in found.most_common(show):
        print(f"{number:7}  {' '.join(examples[key].split())[:120]!r}")


def make_units(root: Path, number: int) -> list[SearchUnit]:
    """Write the documents; return their units."""
    random, units = np.random.default_rng(1), []
    for ordinal in range(-(-number // (DOCUMENT_LINES * UNIT_DOCUMENTS))):
        documents = min(UNIT_DOCUMENTS, number // DOCUMENT_LINES - ordinal * UNIT_DOCUMENTS)
        values = random.integers(POOL, 1 << 62, (documents, DOCUMENT_LINES))
        pooled = random.random(values.shape) < 0.2
        values[pooled] = random.integers(0, POOL, int(pooled.sum()))
        texts = ["\n".join(f"{value:060d}" for value in row) for row in values.tolist()]
        path = root / f"text-{ordinal}.parquet"
        pq.write_table(pa.table({"text": texts}), path, row_group_size=1024)
        units.append(SearchUnit(ordinal, f"u{ordinal}", str(path), "none"))
    return units


def count(root: Path, number: int) -> None:
    """Run the count and report its cost."""
    from pipelines.stages.dedup import graph

    writing = multiprocessing.get_context("fork").Pool(1)
    units: list[Any] = writing.apply(make_units, (root, number))
    writing.terminate()
    storage, section = Storage(root), Dedup(lines=RULE)
    run = Run(Recipe("bench", (), dedup=section), storage, 1, (), Progress(storage, quiet=True))
    partitions = dedup_lines.partitions_for(61 * number, RULE, SIZES)
    unit_list = write_units(storage, units)
    search = Search(str(root), section, unit_list, len(units), line_partitions=partitions)
    began = time.process_time()
    graph.count_lines(run, search)
    cpu = time.process_time() - began
    goes = (
        sum(path.stat().st_size for path in (root / FOLDER).glob("lines-*")) // dedup_lines.FREQUENT.itemsize
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    (root / "found.json").write_text(json.dumps({"cpu": cpu, "peak": peak, "goes": goes}))


if __name__ == "__main__":
    main()
