"""Step 3 of the dedup stage: connected components of candidates across partitions, in rounds.

See `filters.dedup.components`. Edges are partitioned by document. One pipeline runs several rounds, and pipelines
follow each other until the last round of one changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from filters.dedup.components import EDGE, both_ways, distinct, fingerprint, large_star, small_star
from pipelines.stages.dedup.records import (
    Array,
    Keyed,
    Received,
    gather,
    ordinals,
    partitions_of,
    read_records,
    scatter,
    write_records,
)
from pipelines.stages.dedup.search import Search, SearchUnit, table_path

EDGES: Final = "edges"
"""Table of the edges as found. Where the search is joined, they lead to the roots of whole components."""
ROUNDS: Final = 4
"""Rounds per pipeline."""
MAX_PIPELINES: Final = 12
"""Pipelines before the search gives up. Rounds grow with the logarithm of a component's size; these are 48."""

_COUNTS: Final = np.dtype([("edges", "<u8"), ("sum", "<u8")])


def edges_to_partitions(unit: SearchUnit, search: Search, attempt: int) -> Iterator[Keyed]:
    """Yield (partition, edges both ways) of one unit: as found, or as the attempt before left them."""
    table = roots_table(attempt - 1) if attempt else EDGES
    found = both_ways(read_records(search.storage, table, [unit.ordinal], EDGE))
    yield from _to_partitions("stars", unit.ordinal, found, search)


def large_stars(received: Received, search: Search, number: int) -> Iterator[Keyed]:
    """Do the first half of a round for one partition; its edges are counted before the last round."""
    partition, batches = received
    found = distinct(*gather(batches, EDGE))
    if number == ROUNDS - 1:
        _count(search, "before", partition, found[found["doc"] > found["root"]])
    yield from _to_partitions(f"large-{number}", partition, large_star(found), search)


def small_stars(received: Received, search: Search, number: int) -> Iterator[Keyed]:
    """Do the second half of a round for one partition."""
    partition, batches = received
    found = both_ways(small_star(distinct(*gather(batches, EDGE))))
    yield from _to_partitions(f"small-{number}", partition, found, search)


def roots_to_units(received: Received, search: Search) -> Iterator[Keyed]:
    """Yield (ordinal of a unit, its edges) of one partition after the last round."""
    partition, batches = received
    found = distinct(*gather(batches, EDGE))
    found = found[found["doc"] > found["root"]]
    yield from scatter("roots-to-units", partition, ordinals(found["doc"]), found, search)


def write_roots(received: Received, search: Search, attempt: int) -> None:
    """Write the edges of one unit's documents after the last round, and count them."""
    ordinal, batches = received
    found = distinct(*gather(batches, EDGE))
    write_records(search.storage, roots_table(attempt), ordinal, found)
    _count(search, "after", ordinal, found)


def roots_table(attempt: int) -> str:
    """Return the table of the edges to the roots of components, as one attempt leaves them."""
    return f"roots-{attempt}"


def is_converged(search: Search) -> bool:
    """Return True if the last round of a pipeline changed nothing."""
    before = _total(search, "before", search.partitions)
    return before == _total(search, "after", len(search.units()))


def _to_partitions(table: str, owner: int, found: Array, search: Search) -> Iterator[Keyed]:
    yield from scatter(table, owner, partitions_of(found["doc"], search), found, search)


def _count(search: Search, when: str, owner: int, found: Array) -> None:
    write_records(search.storage, when, owner, np.array([fingerprint(found)], dtype=_COUNTS))


def _total(search: Search, when: str, owners: int) -> tuple[int, int]:
    counts = read_records(search.storage, when, range(owners), _COUNTS)
    for owner in range(owners):
        search.storage.remove(table_path(when, owner))
    return int(counts["edges"].sum()), int(counts["sum"].sum())
