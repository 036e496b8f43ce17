"""CPU seconds and memory of the search for near-duplicates on synthetic signatures: how both grow.

Usage: python tests/bench/dedup_scale.py 1000000 5000000 [--copies 0.1] [--folder DIR]

For each count a child process runs the search of the dedup stage, one worker, over parts of ``signatures/`` with
random signatures (14 x 8), of which a share are copies with 95 % of the numbers of another. Timed is everything
between reading those parts and the tables of decisions; writing the synthetic parts is not. There are no texts:
the few pairs near the limit keep their estimate. Memory is the peak of the child, Beam and libraries included.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from filters.dedup.minhash import estimate
from pipelines.recipe.recipe import Dedup, Recipe
from pipelines.stages.dedup import decisions
from pipelines.stages.dedup import stage as dedup
from pipelines.stages.dedup.search import FOLDER, SIZES
from pipelines.stages.dedup.signatures import Settings
from pipelines.store.manifest import UnitFile
from pipelines.store.storage import Storage
from pipelines.work.progress import Progress
from pipelines.work.stage import Run

UNIT_ROWS = 50_000
SECTION = Dedup()


def main() -> None:
    """Print one line per count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("counts", nargs="+", type=int)
    parser.add_argument("--copies", type=float, default=0.1)
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    processes = multiprocessing.get_context("spawn")
    print("documents    CPU s   per million   peak MB   removed  pipelines")
    for count in arguments.counts:
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            make = processes.Process(target=make_run, args=(Path(folder), count, arguments.copies))
            make.start()
            make.join()
            child = processes.Process(target=search, args=(Path(folder),))
            child.start()
            child.join()
            found = json.loads((Path(folder) / "found.json").read_text())
        print(
            f"{count:9}  {found['cpu']:7.1f}  {found['cpu'] / count * 1e6:10.1f}  {found['peak']:8.0f}"
            f"  {found['removed']:8}  {found['pipelines']}",
            flush=True,
        )


def make_run(root: Path, count: int, copies: float) -> None:
    """Write parts of ``signatures/``; every unit repeats documents of the unit before it."""
    random, folder, storage = np.random.default_rng(3), Settings.of(SECTION).folder, Storage(root)
    before: Any = None
    for unit, start in enumerate(range(0, count, UNIT_ROWS)):
        rows = min(UNIT_ROWS, count - start)
        made = random.integers(0, 1 << 32, (rows, 112), dtype=np.uint32)
        if before is not None:
            repeated = min(int(rows * copies), len(before))
            chosen = random.random((repeated, 112)) < 0.95
            made[:repeated] = np.where(chosen, before[-repeated:], made[:repeated])
        before = made
        ids = random.bytes(16 * rows)
        columns = [
            pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), rows, [None, pa.py_buffer(ids)]),
            pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), rows, [None, pa.py_buffer(ids)]),
            pa.array(random.integers(0, 1 << 32, rows, dtype=np.uint32)),
            pa.array(np.zeros(rows, dtype=np.uint64)),
            pa.array(np.zeros(rows, dtype=np.uint64)),
            pa.array(np.full(rows, 100, dtype=np.int32)),
            pa.FixedSizeListArray.from_arrays(made.ravel(), type=folder.schema.field("signature").type),
        ]
        with storage.table_writer(folder.part(f"{unit:016x}"), folder.schema, folder.options) as writer:
            writer.write(pa.Table.from_arrays(columns, schema=folder.schema), row_group_size=1024)


def search(root: Path) -> None:
    """Run the search and report its cost."""
    from pipelines.stages.dedup import graph

    storage, recipe = Storage(root), Recipe("bench", (), dedup=SECTION)
    run = Run(recipe, storage, 1, (), Progress(storage, quiet=True))
    parts = [
        UnitFile("none", pq.read_metadata(path).num_rows, 0, "none", path.stem.removeprefix("part-"))
        for path in sorted((root / "signatures").glob("*.parquet"))
    ]
    signatures = [str(path) for path in sorted((root / "signatures").glob("*.parquet"))]

    def exact_similarities(pairs: Any, *_: object) -> Any:
        made = {int(one): None for one in pairs.ravel()}
        tables = {o: decisions.SignaturePart.read(signatures[o]) for o in {one >> 32 for one in made}}
        rows = [
            np.stack([tables[d >> 32].signatures[d & 0xFFFFFFFF] for d in column])
            for column in pairs.T.tolist()
        ]
        return estimate(*rows)

    decisions.exact_similarities = exact_similarities
    pipelines, original = [], graph.run_pipeline

    def counted(*arguments: Any) -> None:
        pipelines.append(1)
        original(*arguments)

    graph.run_pipeline = counted
    began = time.process_time()
    dedup._search(run, parts, (), SIZES)
    cpu = time.process_time() - began
    tables = [pq.read_table(path) for path in (root / FOLDER).glob("decisions-*")]
    removed = sum(table.num_rows - table["layer"].null_count for table in tables)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found = {"cpu": cpu, "peak": peak, "removed": removed, "pipelines": len(pipelines)}
    (root / "found.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main()
