"""Second half of the dedup stage, part two: components of candidates across partitions, in rounds.

See `filters.dedup.components`. Edges are partitioned by document; several rounds are unrolled in one pipeline, and
pipelines follow each other until the last round of one changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import numpy as np

from filters.dedup.components import EDGE, both_ways, distinct, fingerprint, large_star, small_star
from pipelines.stages.dedup.search import (
    Array,
    Keyed,
    Search,
    Unit,
    ordinals,
    part_path,
    partitions_of,
    read_records,
    receive,
    send,
    write_records,
)

JOINED: Final = "edges"
"""Kind of the tables with the edges as found; one partition finds those to the roots of whole components."""
ROUNDS: Final = 4
"""Rounds per pipeline."""
MOST_PIPELINES: Final = 12
"""Rounds grow with the logarithm of a component's size; 48 of them are far more than any corpus needs."""

_COUNTS: Final = np.dtype([("edges", "<u8"), ("sum", "<u8")])


def edges(unit: Unit, search: Search, attempt: int) -> Iterator[Keyed]:
    """Yield (partition, edges both ways) of one unit: as found, or as the attempt before left them."""
    kind = f"roots-{attempt - 1}" if attempt else JOINED
    found = both_ways(read_records(search.storage, kind, [unit.ordinal], EDGE))
    yield from _send("stars", unit.ordinal, found, search)


def large(partition: int, batches: Iterable[bytes], search: Search, number: int) -> Iterator[Keyed]:
    """Do the first half of a round for one partition; its edges are counted before the last round."""
    found = distinct(*receive(batches, EDGE))
    if number == ROUNDS - 1:
        _count(search, "before", partition, found[found["doc"] > found["root"]])
    yield from _send(f"large-{number}", partition, large_star(found), search)


def small(partition: int, batches: Iterable[bytes], search: Search, number: int) -> Iterator[Keyed]:
    """Do the second half of a round for one partition."""
    found = both_ways(small_star(distinct(*receive(batches, EDGE))))
    yield from _send(f"small-{number}", partition, found, search)


def collect(partition: int, batches: Iterable[bytes], search: Search) -> Iterator[Keyed]:
    """Yield (ordinal of a unit, its edges) of one partition after the last round."""
    found = distinct(*receive(batches, EDGE))
    found = found[found["doc"] > found["root"]]
    yield from send("settled", partition, ordinals(found["doc"]), found, search)


def write_roots(ordinal: int, batches: Iterable[bytes], search: Search, attempt: int) -> None:
    """Write the edges of one unit's documents after the last round, and count them."""
    found = distinct(*receive(batches, EDGE))
    write_records(search.storage, f"roots-{attempt}", ordinal, found)
    _count(search, "after", ordinal, found)


def is_converged(search: Search, units: int) -> bool:
    """Say whether the last round of a pipeline changed nothing."""
    before = _total(search, "before", search.partitions)
    return before == _total(search, "after", units)


def _send(kind: str, name: int, found: Array, search: Search) -> Iterator[Keyed]:
    yield from send(kind, name, partitions_of(found["doc"], search), found, search)


def _count(search: Search, when: str, name: int, found: Array) -> None:
    write_records(search.storage, when, name, np.array([fingerprint(found)], dtype=_COUNTS))


def _total(search: Search, when: str, names: int) -> tuple[Any, Any]:
    counts = read_records(search.storage, when, range(names), _COUNTS)
    for name in range(names):
        search.storage.remove(part_path(when, name))
    return int(counts["edges"].sum()), int(counts["sum"].sum())
