"""The full fault matrix: ``python -m tests.faults [matrix|scenarios|kills|flips] [--out FOLDER] ...``.

Results are kept in FOLDER, so that the same command continues with the cells that are left.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter
from pathlib import Path

from pipelines.store.folders import REPORT, TIMES
from pipelines.store.storage import Storage
from pipelines.views.verify import verify
from tests.faults.harness import DEMO, RECIPE, Bench, do_cell, tree
from tests.faults.matrix import NAMED, all_cells, thinned
from tests.faults.scenarios import SCENARIOS, finish, fresh, random_kill, start


class Results:
    """What is known of the cells done so far, one JSON line each."""

    def __init__(self, path: Path) -> None:
        self._path = path
        lines = path.read_text().splitlines() if path.exists() else []
        self.known = {entry["name"]: entry for entry in map(json.loads, lines)}

    def add(self, name: str, kind: str, fault: str, began: float, **more: int) -> None:
        seconds = round(time.monotonic() - began, 2)
        entry = {"name": name, "kind": kind, "fault": fault, "seconds": seconds, **more}
        self.known[name] = entry
        with self._path.open("a") as file:
            file.write(json.dumps(entry) + "\n")
        if fault:
            print(f"{name}: {fault}", flush=True)

    def table(self) -> int:
        """Print the sums; return the number of faults."""
        kinds = sorted({entry["kind"] for entry in self.known.values()})
        print(f"{'kind':32}{'cells':>8}{'identical':>11}{'faults':>8}{'minutes':>9}  units redone: times")
        for kind in kinds:
            mine = [entry for entry in self.known.values() if entry["kind"] == kind]
            wrong = sum(bool(entry["fault"]) for entry in mine)
            minutes = sum(entry["seconds"] for entry in mine) / 60
            redone = Counter(entry["redone"] for entry in mine if "redone" in entry)
            again = ", ".join(f"{units}: {times}" for units, times in sorted(redone.items()))
            print(f"{kind:32}{len(mine):8}{len(mine) - wrong:11}{wrong:8}{minutes:9.1f}  {again}")
        wrong = sum(bool(entry["fault"]) for entry in self.known.values())
        print(f"{'all':32}{len(self.known):8}{len(self.known) - wrong:11}{wrong:8}")
        return wrong


def main() -> int:
    """Do what is left, print the table; exit 1 where a cell is not identical."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument(
        "what", nargs="?", choices=("matrix", "scenarios", "kills", "flips"), default="matrix"
    )
    parser.add_argument("--out", type=Path, default=Path("runs/faults"))
    parser.add_argument(
        "--minutes", type=float, default=1e9, help="stop after this time; the same command continues"
    )
    parser.add_argument("--recipe", type=Path, help="of the random kills and flips")
    parser.add_argument("--number", type=int, default=100, help="of random kills or flips")
    parser.add_argument("--workers", type=int, default=2, help="of the randomly killed runs")
    options = parser.parse_args()
    until = time.monotonic() + 60 * options.minutes
    recipe = options.recipe or (DEMO if options.what in ("kills", "flips") else RECIPE)
    bench = Bench(options.out.absolute() / "work", recipe.absolute())
    bench.folder.mkdir(parents=True, exist_ok=True)
    results = Results(options.out / f"{options.what}.jsonl")
    work = {"matrix": do_matrix, "scenarios": do_scenarios, "kills": do_kills, "flips": do_flips}
    work[options.what](bench, results, until, options)
    return 1 if results.table() else 0


def do_matrix(bench: Bench, results: Results, until: float, _: argparse.Namespace) -> None:
    """Do the cells that fit into the time."""
    bench.prepare()
    cells = all_cells(bench)
    print(f"{len(cells):,} cells; {thinned(bench)}", flush=True)
    for cell in cells:
        if str(cell) in results.known:
            continue
        if time.monotonic() > until:
            return
        began = time.monotonic()
        outcome = do_cell(bench, cell)
        kind = f"{cell.stage} {'named point' if cell.point == NAMED else cell.point}"
        results.add(str(cell), kind, outcome.fault, began, redone=outcome.redone, first=outcome.first)


def do_scenarios(bench: Bench, results: Results, until: float, _: argparse.Namespace) -> None:
    """Do the scenarios."""
    bench.prepare()
    for scenario in SCENARIOS:
        if scenario.__name__ in results.known or time.monotonic() > until:
            continue
        began = time.monotonic()
        try:
            results.add(scenario.__name__, scenario.__name__, scenario(bench), began)
        except PermissionError as error:
            print(f"{scenario.__name__}: SKIPPED: {error}", flush=True)


def do_kills(bench: Bench, results: Results, until: float, options: argparse.Namespace) -> None:
    """Kill whole runs at random times."""
    clean = fresh(bench, "clean-pack")
    began = time.monotonic()
    code, said = finish(start(bench, clean, options.workers))
    if code:
        raise RuntimeError(said)
    bench.remember("pack", clean)
    typical_s = time.monotonic() - began
    for number in range(options.number):
        name = f"{bench.recipe.stem} killed {number} workers {options.workers}"
        if name in results.known:
            continue
        if time.monotonic() > until:
            return
        began = time.monotonic()
        fault, redone = random_kill(bench, number, options.workers, typical_s)
        results.add(name, f"kill {bench.recipe.stem}", fault, began, redone=redone)


def do_flips(bench: Bench, results: Results, until: float, options: argparse.Namespace) -> None:
    """Flip one bit of one file of a finished run, each time another; `verify` must name the file."""
    out = fresh(bench, "flipped")
    code, said = finish(start(bench, out, 1))
    if code:
        raise RuntimeError(said)
    dice = random.Random(1)
    files = sorted({*tree(out), TIMES, REPORT})
    files = [path for path in files if not path.startswith("work/")]
    for number in range(options.number):
        path = out / dice.choice(files)
        data = path.read_bytes()
        bit = dice.randrange(8 * len(data))
        name = f"flip {number}: bit {bit} of {path.relative_to(out)}"
        if name in results.known:
            continue
        if time.monotonic() > until:
            return
        began = time.monotonic()
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        faults, _ = verify(Storage(out))
        path.write_bytes(data)
        found = any(str(path) in line for line in faults)
        results.add(name, "flip", "" if found else f"not found; verify said {faults[:1]}", began)


if __name__ == "__main__":
    sys.exit(main())
