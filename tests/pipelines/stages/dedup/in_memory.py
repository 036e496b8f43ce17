"""The pipelines of the dedup stage in this process, without Beam: the same functions, chained by a dictionary."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any
from unittest.mock import patch

from pipelines.stages.dedup import candidates, components, decisions, graph, index, lines, stage, substrings
from pipelines.stages.dedup.search import Search, SearchUnit
from pipelines.work.stage import Run
from pipelines.work.task import Task, UnitWork, pending, sidecar_of


def chain(search: Search, units: Sequence[SearchUnit], *steps: Callable[..., Any]) -> list[Any]:
    """Each step but the last sends records to receivers; the last one writes."""
    elements: Sequence[Any] = units
    for send in steps[:-1]:
        received = defaultdict[int, list[bytes]](list)
        for element in elements:
            for receiver, batch in send(element, search):
                received[receiver].append(batch)
        elements = list(received.items())
    return [steps[-1](element, search) for element in elements]


def find_candidates(_: Run, search: Search) -> None:
    units = search.units()
    if search.indexes:
        probed = chain(search, units[: search.own_units], candidates.probed_to_units, index.write_rows)
        units = [*(unit for unit in units if not unit.probed), *probed]
    steps = (candidates.keys_to_partitions, candidates.shared_to_units, candidates.write_unit_tables)
    found = chain(search, units, *steps)
    if search.is_joined:
        _decide(search, found, components.EDGES)


def join_components(_: Run, search: Search) -> tuple[str, int]:
    for attempt in range(components.MAX_PIPELINES):
        halves = (components.large_stars, components.small_stars)
        rounds = [partial(half, number=number) for number in range(components.ROUNDS) for half in halves]
        send = partial(components.edges_to_partitions, attempt=attempt)
        write = partial(components.write_roots, attempt=attempt)
        chain(search, search.units(), send, *rounds, components.roots_to_units, write)
        if components.is_converged(search):
            return components.roots_table(attempt), (attempt + 1) * components.ROUNDS
    raise AssertionError("components did not converge")


def decide_groups(_: Run, search: Search, roots: str) -> None:
    _decide(search, search.units(), roots)


def _decide(search: Search, units: Sequence[SearchUnit], roots: str) -> None:
    send = partial(decisions.nodes_to_groups, roots=roots)
    chain(search, units, send, decisions.decisions_to_units, decisions.write_decisions)


def count_lines(_: Run, search: Search) -> None:
    steps = (lines.lines_to_partitions, lines.frequent_lines_to_units, lines.write_lines)
    chain(search, search.units(), *steps)


def find_substrings(_: Run, search: Search) -> None:
    to_partitions = (substrings.anchors_to_partitions, substrings.repeated_to_units)
    to_units = (substrings.passages_to_partitions, substrings.repeats_to_units)
    chain(search, search.units(), *to_partitions, *to_units, substrings.write_spans)


def run_units(run: Run, work: UnitWork, tasks: Sequence[Task]) -> dict[str, Any]:
    for task in pending(run.storage, work, tasks):
        work.process(task)
    return {task.unit: sidecar_of(run.storage, work, task) for task in tasks}


@contextmanager
def without_beam() -> Iterator[None]:
    """Run the dedup stage with these functions in place of Beam's."""
    with ExitStack() as stack:
        for function in (find_candidates, join_components, decide_groups, count_lines, find_substrings):
            stack.enter_context(patch.object(graph, function.__name__, function))
        stack.enter_context(patch.object(stage, "run_units", run_units))
        yield
