"""All cells of the matrix: every operation of every stage fails once, or is the last that its process does."""

from __future__ import annotations

import random

from pipelines.faults import Plan
from tests.faults.harness import NEVER, STAGES, Bench, Cell

OPERATIONS = ("create", "write", "fsync", "rename", "fsync_folder")
ERRORS = ("EIO", "ENOSPC", "EROFS")
NAMED = "*.*"
"""All points but those of operations: around units, records, batches and manifests."""


def all_cells(bench: Bench) -> list[Cell]:
    """Return the cells of the full matrix, in an order in which any beginning is a fair sample.

    For every stage: its N-th create, write, fsync, rename fails with an error, for every N; the process is killed
    at every N-th of them but writes, where every tenth will do, and at every named point.
    """
    cells = []
    for stage in STAGES:
        for point in OPERATIONS:
            passages = range(1, count(bench, stage, point) + 1)
            cells += [Cell(stage, point, n, ERRORS[n % len(ERRORS)]) for n in passages]
            cells += [Cell(stage, point, n, "kill") for n in passages if point != "write" or n % 10 == 0]
        named = range(1, count(bench, stage, NAMED) + 1)
        cells += [Cell(stage, NAMED, n, ("kill", "segv", "term", "int")[n % 4]) for n in named]
    random.Random(1).shuffle(cells)
    return cells


def count(bench: Bench, stage: str, point: str) -> int:
    """Return how often a clean run of a stage passes a point."""
    return bench.run(stage, bench.start(stage, "count"), Plan(point, NEVER, "kill")).passages
