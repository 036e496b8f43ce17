"""The FineWeb recipe on a WARC, from its bytes to deduplicated documents: CPU seconds, memory, and how near the floor.

    make bench WARC=path.warc.gz [PEER=PYTHON]
    python -m tests.bench.pipeline WARC [--engine blocks] [--workers 1 2] [--peer PYTHON --model lid.176.ftz]

Each stage is a run of its own in the same folder, so that its CPU seconds are those of all its processes; what a run
takes on a sample of ten records (imports, models, Beam, the report) is its start-up and stands apart. One such run
comes before all and does not count: it compiles what a machine compiles once. Memory is measured in runs of its own,
because that takes time from the others. The floor is `tests.bench.floor`, the
peer `tests/bench/peer_datatrove.py`; all run in turn, one after the other.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.bench.process_tree import measure

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "tests" / "sample" / "web.warc.gz"
STAGES = ("extract", "filter", "dedup")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("warc", type=Path)
    parser.add_argument("--engine", default="blocks")
    parser.add_argument("--workers", type=int, nargs="+", default=[1])
    parser.add_argument("--recipe", type=Path, default=ROOT / "configs" / "fineweb.yaml")
    parser.add_argument("--peer", help="a Python that has datatrove")
    parser.add_argument("--model", type=Path, default=Path.home() / ".cache" / "corpusmill" / "lid.176.ftz")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run(arguments, STAGES[-1], SAMPLE, folder, workers=1, limit=10)
    work = {workers: ours(arguments, workers) for workers in arguments.workers}
    first = work[arguments.workers[0]]
    for workers, found in work.items():
        if workers != arguments.workers[0]:
            ratio = first["wall"] / found["wall"]
            print(f"work phase, {arguments.workers[0]} to {workers} workers: {ratio:.2f} times as fast")
    least = floor(arguments)
    print(f"ours / floor: {first['cpu'] / least:.2f}")
    if arguments.peer:
        theirs = peer(arguments)
        print(f"datatrove / ours: {theirs / first['cpu']:.1f}")


def ours(arguments: argparse.Namespace, workers: int) -> dict[str, float]:
    """Run the stages; print and return what the work took, start-up left out."""
    print(f"corpusmill, engine {arguments.engine}, workers {workers}")
    print("             CPU s  start-up   work   wall s  start-up   work   peak MB")
    sums = {"cpu": 0.0, "wall": 0.0}
    with tempfile.TemporaryDirectory() as home:
        small, folder, sampled = (f"{home}/{name}" for name in ("small", "whole", "sampled"))
        for stage in STAGES:
            started = run(arguments, stage, SAMPLE, small, workers, 10)
            whole = run(arguments, stage, arguments.warc, folder, workers)
            peak = run(arguments, stage, arguments.warc, sampled, workers, sampled=True)["peak_tree_mb"]
            cpu, wall = whole["cpu_s"] - started["cpu_s"], whole["wall_s"] - started["wall_s"]
            sums = {"cpu": sums["cpu"] + cpu, "wall": sums["wall"] + wall}
            print(
                f"{stage:10} {whole['cpu_s']:7.1f}  {started['cpu_s']:8.1f} {cpu:6.1f}"
                f"  {whole['wall_s']:7.1f}  {started['wall_s']:8.1f} {wall:6.1f}   {peak:7}",
                flush=True,
            )
        seen = json.loads((Path(folder) / "manifest.json").read_text())["balance"]["filter"]["seen"]
    rate = seen / sums["cpu"]
    print(
        f"work: {sums['cpu']:.1f} CPU s, {sums['wall']:.1f} s; {rate:.0f} documents/s of a core\n", flush=True
    )
    return sums


def run(
    arguments: argparse.Namespace,
    stage: str,
    warc: Path,
    folder: str,
    workers: int,
    limit: int | None = None,
    sampled: bool = False,
) -> dict[str, Any]:
    """Do one stage; return what it took."""
    source = f"inputs=[{{reader: warc, paths: ['{warc.absolute()}'], limit: {limit or 'none'}}}]"
    command = [
        sys.executable,
        "-m",
        "pipelines.cli",
        stage,
        str(arguments.recipe),
        "--out",
        folder,
        "--quiet",
    ]
    options = ["--workers", str(workers), "--set", source, "--set", f"extract.engine={arguments.engine}"]
    found = measure([*command, *options], sampled)
    if found["exit"]:
        sys.exit(found["exit"])
    return found


def floor(arguments: argparse.Namespace) -> float:
    """Run the bare loop; print what each part of it took and return the sum of CPU seconds."""
    command = [sys.executable, "-m", "tests.bench.floor", str(arguments.warc), "--engine", arguments.engine]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    parts = ", ".join(f"{name} {seconds:.1f}" for name, seconds in found["seconds"].items())
    print(f"floor, CPU s: {parts}; {found['records']:,} records, {found['kept']:,} documents", flush=True)
    return float(found["seconds"]["total"])


def peer(arguments: argparse.Namespace) -> float:
    """Run datatrove; print what it took and return the CPU seconds of its work."""
    script = str(ROOT / "tests" / "bench" / "peer_datatrove.py")
    with tempfile.TemporaryDirectory() as folder:
        command = [arguments.peer, script, str(arguments.warc.absolute()), folder, str(arguments.model)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    found = json.loads(done.stdout.splitlines()[-1])
    print(f"datatrove, CPU s: {found}", flush=True)
    return float(found["work"])


if __name__ == "__main__":
    main()
