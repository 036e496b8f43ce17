"""What it costs to deduplicate a small run against a large older one, as the older one grows.

Usage: python tests/bench/dedup_against.py 100000 1000000 [--new 10000] [--copies 0.1] [--folder DIR]

For each count an older run of so many documents with random signatures (14 x 8) is made, searched and written. Then
a child process runs the dedup stage over a new run against it, one worker, all but the signing: a share of its
documents has 95 % of the numbers of one of the older run. Read are the bytes that the child asked the system for, code
included; what it mapped is counted by the page faults. Texts are a few words, and pairs near
the limit count as copies.
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

from pipelines.recipe.recipe import Dedup, Recipe
from pipelines.stages.dedup import decisions
from pipelines.stages.dedup import stage as dedup
from pipelines.stages.dedup.signatures import Settings
from pipelines.store.manifest import UnitResult, write_manifest
from pipelines.store.sealed import write_sealed
from pipelines.store.stage_key import stage_key
from pipelines.store.storage import FileFact, Storage
from pipelines.store.tables import FILTERED
from pipelines.work.progress import Progress
from pipelines.work.stage import Run

UNIT_ROWS = 20_000
FILTER_KEY = stage_key("filter", {})


def main() -> None:
    """Print one line per count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("counts", nargs="+", type=int)
    parser.add_argument("--new", type=int, default=10_000)
    parser.add_argument("--copies", type=float, default=0.1)
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    print(
        "older documents    CPU s   peak MB   read MB   faults MB   removed     the older run itself, CPU s"
    )
    for count in arguments.counts:
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            root = Path(folder)
            older = in_child(root / "older", count, 0.0, ())
            new = in_child(root / "new", arguments.new, arguments.copies, (root / "older",))
        print(
            f"{count:15,}  {new['cpu']:7.1f}  {new['peak']:8.0f}  {new['read'] / 1e6:8.0f}"
            f"  {new['faults'] / 1e6:10.0f}  {new['removed']:8}  {older['cpu']:30.1f}",
            flush=True,
        )


def in_child(root: Path, count: int, copies: float, against: tuple[Path, ...]) -> dict[str, Any]:
    """Make a run and deduplicate it, each in a process of its own; return what the second cost."""
    processes = multiprocessing.get_context("spawn")
    for target, values in ((make, (count, copies, against)), (measure, (against,))):
        child = processes.Process(target=target, args=(root, *values))
        child.start()
        child.join()
    found: dict[str, Any] = json.loads((root / "found.json").read_text())
    return found


def make(root: Path, count: int, copies: float, against: tuple[Path, ...]) -> None:
    """Write ``filtered/`` and parts of ``signatures/``."""
    random = np.random.default_rng(len(against) + 1)
    storage, folder, sidecars = Storage(root), Settings.of(Dedup()).folder, []
    pool = (
        [pq.read_table(path) for path in sorted((against[0] / "signatures").glob("*.parquet"))]
        if against
        else []
    )
    for unit, start in enumerate(range(0, count, UNIT_ROWS)):
        rows = min(UNIT_ROWS, count - start)
        made = random.integers(0, 1 << 32, (rows, 112), dtype=np.uint32)
        for place in range(int(rows * copies) if pool else 0):
            table = pool[int(random.integers(len(pool)))]
            other = table["signature"][int(random.integers(len(table)))].values.to_numpy()
            chosen = random.random(112) < 0.95
            made[place, chosen] = other[chosen]
        ids = [random.bytes(16) for _ in range(rows)]
        columns = [
            pa.array(ids, pa.binary(16)),
            pa.array(ids, pa.binary(16)),
            pa.array(random.integers(0, 1 << 32, rows, dtype=np.uint32)),
            pa.array(np.zeros(rows, dtype=np.uint64)),
            pa.array(np.zeros(rows, dtype=np.uint64)),
            pa.array(np.full(rows, 100, dtype=np.int32)),
            pa.FixedSizeListArray.from_arrays(made.ravel(), type=folder.schema.field("signature").type),
        ]
        with storage.table_writer(folder.part(f"{unit:08}"), folder.schema, folder.options) as signed:
            signed.write(pa.Table.from_arrays(columns, schema=folder.schema), row_group_size=1024)
        same = {"source": "web", "file": "a", "offset": unit, "length": 1, "text": "a few words"}
        values = [
            pa.array([one.hex() for one in ids])
            if field.name == "id"
            else pa.array(
                [same.get(field.name, 0 if pa.types.is_integer(field.type) else None)] * rows, field.type
            )
            for field in FILTERED
        ]
        with storage.table_writer(f"filtered/part-{unit:08}.parquet", FILTERED) as filtered:
            filtered.write(pa.Table.from_arrays(values, schema=FILTERED), row_group_size=1024)
        sidecars.append(UnitResult(f"{unit:08}", {}, (filtered.fact,)))
    write_manifest(storage, "filtered", FILTER_KEY, (), sidecars)
    write_sealed(storage, "work/name.json", {"name": root.name})


def measure(root: Path, against: tuple[Path, ...]) -> None:
    """Deduplicate a run whose signatures are there already; note what that cost."""
    from pipelines.stages.dedup import graph

    assert graph  # Beam is read before the clock starts
    storage = Storage(root)
    manifest = json.loads((root / "filtered" / "manifest.json").read_text())
    signed = {
        path.stem.removeprefix("part-"): path for path in sorted((root / "signatures").glob("*.parquet"))
    }
    dedup._sign = lambda *_: {unit: as_sidecar(root, unit, path) for unit, path in signed.items()}
    decisions.exact_similarities = lambda pairs, *_: np.full(len(pairs), 0.9)
    run = Run(
        Recipe(root.name, (), dedup=Dedup(against=against)), storage, 1, (), Progress(storage, quiet=True)
    )
    read, faults, began = bytes_read(), resource.getrusage(resource.RUSAGE_SELF), time.process_time()
    done = dedup.run_stage(run, manifest, dedup.key(run, FILTER_KEY))
    cpu, after = time.process_time() - began, resource.getrusage(resource.RUSAGE_SELF)
    removed = sum(unit.section("records").get("removed minhash", 0) for unit in done.units)
    found = {
        "cpu": cpu,
        "peak": after.ru_maxrss / 1024,
        "read": bytes_read() - read,
        "faults": 4096 * (after.ru_majflt + after.ru_minflt - faults.ru_majflt - faults.ru_minflt),
        "removed": removed,
    }
    (root / "found.json").write_text(json.dumps(found))


def as_sidecar(root: Path, unit: str, path: Path) -> UnitResult:
    """Return what the signing of a unit would have left."""
    rows = pq.read_metadata(path).num_rows
    fact = FileFact(str(path.relative_to(root)), rows, path.stat().st_size, "none")
    return UnitResult(unit, {}, (fact,))


def bytes_read() -> int:
    """Return how many bytes this process has asked the system for."""
    return int(Path("/proc/self/io").read_text().split("rchar: ")[1].split()[0])


if __name__ == "__main__":
    main()
