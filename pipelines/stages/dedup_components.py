"""Second half of the dedup stage, part two: components of candidates across partitions, in rounds.

See `filters.dedup.components`. Edges are partitioned by document; several rounds are unrolled in one pipeline, and
pipelines follow each other until the last round of one changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import numpy as np

from filters.dedup.components import EDGE, both_ways, distinct, fingerprint, large_star, small_star
from pipelines.stages.dedup_search import (
    Array,
    Keyed,
    Search,
    Unit,
    deal,
    join,
    ordinals,
    part_path,
    partitions_of,
    read_records,
    write_records,
)

ROUNDS: Final = 4
"""Rounds per pipeline."""
MOST_PIPELINES: Final = 12
"""Rounds grow with the logarithm of a component's size; 48 of them are far more than any corpus needs."""

_COUNTS: Final = np.dtype([("edges", "<u8"), ("sum", "<u8")])


def edges(unit: Unit, search: Search, attempt: int) -> Iterator[Keyed]:
    """Yield (partition, edges both ways) of one unit: as found, or as the attempt before left them."""
    kind = f"roots-{attempt - 1}" if attempt else "edges"
    yield from _send(both_ways(read_records(search.storage, kind, [unit.ordinal], EDGE)), search)


def large(partition: int, batches: Iterable[bytes], search: Search, counted: bool) -> Iterator[Keyed]:
    """Do the first half of a round for one partition; its edges are counted before the last round."""
    found = distinct(join(batches, EDGE))
    if counted:
        _count(search, "before", partition, found[found["doc"] > found["root"]])
    yield from _send(large_star(found), search)


def small(_: int, batches: Iterable[bytes], search: Search) -> Iterator[Keyed]:
    """Do the second half of a round for one partition."""
    yield from _send(both_ways(small_star(distinct(join(batches, EDGE)))), search)


def collect(_: int, batches: Iterable[bytes]) -> Iterator[Keyed]:
    """Yield (ordinal of a unit, its edges) of one partition after the last round."""
    found = distinct(join(batches, EDGE))
    found = found[found["doc"] > found["root"]]
    yield from ((ordinal, part.tobytes()) for ordinal, part in deal(ordinals(found["doc"]), found))


def write_roots(ordinal: int, batches: Iterable[bytes], search: Search, attempt: int) -> None:
    """Write the edges of one unit's documents after the last round, and count them."""
    found = distinct(join(batches, EDGE))
    write_records(search.storage, f"roots-{attempt}", ordinal, found)
    _count(search, "after", ordinal, found)


def is_converged(search: Search, units: int) -> bool:
    """Say whether the last round of a pipeline changed nothing."""
    before = _total(search, "before", search.partitions)
    return before == _total(search, "after", units)


def _send(found: Array, search: Search) -> Iterator[Keyed]:
    parts = deal(partitions_of(found["doc"], search), found)
    yield from ((partition, part.tobytes()) for partition, part in parts)


def _count(search: Search, when: str, name: int, found: Array) -> None:
    write_records(search.storage, when, name, np.array([fingerprint(found)], dtype=_COUNTS))


def _total(search: Search, when: str, names: int) -> tuple[Any, Any]:
    counts = read_records(search.storage, when, range(names), _COUNTS)
    for name in range(names):
        search.storage.remove(part_path(when, name))
    return int(counts["edges"].sum()), int(counts["sum"].sum())
