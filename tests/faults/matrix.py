"""All cells of the matrix: every operation of every stage fails once, or is the last that its process does."""

from __future__ import annotations

import random

from tests.faults.harness import STAGES, Bench, Cell, Noting

OPERATIONS = ("create", "write", "fsync", "rename", "fsync_folder")
ERRORS = ("EIO", "ENOSPC", "EROFS")
ENDS = ("segv", "term", "int")
NAMED = "*.*"
"""All points but those of operations: around units, records, batches and manifests."""
EVERY = 8
"""Of many equal writes in a row only the first, the last and every EVERY-th between are cells."""


def all_cells(bench: Bench) -> list[Cell]:
    """Return the cells of the full matrix, in an order in which any beginning is a fair sample.

    For every stage: its N-th create, write, fsync, rename, fsync of a folder fails with an error, and the process is
    killed there, for every N but among many writes in a row (see `EVERY`); at every named point it is killed, and
    ended in one other way.
    """
    cells = [cell for stage in STAGES for cell in stage_cells(stage, passages(bench, stage))]
    random.Random(1).shuffle(cells)
    return cells


def passages(bench: Bench, stage: str) -> list[str]:
    """Return the fail points that a clean run of a stage passes, in order."""
    return bench.run(stage, bench.start(stage, "count"), Noting("*")).passed


def stage_cells(stage: str, passed: list[str]) -> list[Cell]:
    """Return the cells of a stage that passes these points."""
    cells = []
    for point in OPERATIONS:
        places = [place for place, name in enumerate(passed) if name == point]
        for n, place in enumerate(places, 1):
            if point == "write" and n % EVERY and set(passed[max(place - 1, 0) : place + 2]) == {"write"}:
                continue
            cells += [Cell(stage, point, n, ERRORS[n % len(ERRORS)]), Cell(stage, point, n, "kill")]
    named = sum("." in name for name in passed)
    for n in range(1, named + 1):
        cells += [Cell(stage, NAMED, n, "kill"), Cell(stage, NAMED, n, ENDS[n % len(ENDS)])]
    return cells


def thinned(bench: Bench) -> str:
    """Return what the table says of the cells left out."""
    writes = sum(name == "write" for stage in STAGES for name in passages(bench, stage))
    return f"{writes:,} writes: of those in a row the first, the last and every {EVERY}th between"
