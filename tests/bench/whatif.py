"""``whatif`` on a ledger of a million rows: seconds and peak memory.

Usage: ``python tests/bench/whatif.py RUN [ROWS]``; RUN is a finished run whose ledger is repeated with new ids.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.store.manifest import manifest_path
from pipelines.store.sealed import read_sealed, write_sealed
from pipelines.store.storage import TABLE_OPTIONS, Storage

PART_ROWS = 50_000
OVERRIDES = ("gopher_quality.min_words=100", "fineweb_quality.max_duplicate_characters=0.1")


def repeat(run: Path, out: Path, rows: int) -> None:
    """Write a run folder that has the ledger of another, repeated, and its manifest."""
    storage = Storage(str(out))
    manifest = read_sealed(Storage(str(run)), manifest_path("filtered"))
    source = pa.concat_tables([pq.read_table(path) for path in sorted((run / "ledger").glob("*.parquet"))])
    copies = -(-PART_ROWS // len(source))
    files = []
    for part in range(-(-rows // PART_ROWS)):
        table = pa.concat_tables([source] * copies).slice(0, min(PART_ROWS, rows - part * PART_ROWS))
        ids = [f"{part * PART_ROWS + row:032x}" for row in range(len(table))]
        table = table.set_column(0, table.schema.field("id"), pa.array(ids))
        path = f"ledger/part-{part:016x}.parquet"
        storage.path(path).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, storage.path(path), **TABLE_OPTIONS)
        size = storage.path(path).stat().st_size
        files.append({"path": path, "rows": len(table), "bytes": size, "sha256": "", "unit": f"{part:016x}"})
    write_sealed(storage, manifest_path("filtered"), {**manifest, "files": files})


def main() -> None:
    """Print what the command prints, then its cost."""
    run, rows = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
    with tempfile.TemporaryDirectory(prefix="whatif-") as folder:
        repeat(run, Path(folder), rows)
        size = sum(path.stat().st_size for path in Path(folder).rglob("*.parquet"))
        command = [sys.executable, "-m", "pipelines.cli", "whatif", folder]
        sets = [argument for override in OVERRIDES for argument in ("--set", override)]
        timed = (
            f"import resource,subprocess,time;b=time.time();subprocess.run({[*command, *sets]!r},check=True);"
        )
        timed += "u=resource.getrusage(resource.RUSAGE_CHILDREN);"
        timed += "print(f'{time.time()-b:.2f} s wall, {u.ru_utime+u.ru_stime:.2f} s CPU, {u.ru_maxrss/1024:.0f} MB')"
        subprocess.run([sys.executable, "-c", timed], check=True)
        print(f"ledger: {rows:,} rows, {size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
