"""Transforms of the search for duplicates: records to partitions, edges in rounds, nodes to groups to units."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import apache_beam as beam

from pipelines.beam.runner import run_pipeline
from pipelines.errors import CorpusmillError
from pipelines.stages.dedup import candidates as dedup_candidates
from pipelines.stages.dedup import components as dedup_components
from pipelines.stages.dedup import counts as dedup_counts
from pipelines.stages.dedup import decisions as dedup_decisions
from pipelines.stages.dedup import index as dedup_index
from pipelines.stages.dedup import lines as dedup_lines
from pipelines.stages.dedup import substrings as dedup_substrings
from pipelines.stages.dedup.components import MOST_PIPELINES, ROUNDS
from pipelines.stages.dedup.search import FOLDER, Keyed, Search, Unit, unit_of
from pipelines.work.stage import Run

LISTING = f"{FOLDER}/units.jsonl"
Emit = Callable[..., Iterator[Keyed]]


def find_candidates(run: Run, search: Search, listing: str, groups: int = 0) -> None:
    """Tell every unit what its documents have in common with others.

    It takes 10 CPU seconds per million documents, less than worker processes take to start.

    Args:
        run: the run.
        search: the search.
        listing: path of the list of units.
        groups: decide in the same pipeline, in so many work groups; where the search `is_joined`. 0 = do not.
    """

    def build(pipeline: beam.Pipeline) -> None:
        units = pipeline | "Units" >> ReadUnits(listing)
        if search.indexes:
            whole = units | "Whole" >> beam.Filter(lambda unit: not unit.probed)
            found = (
                units
                | "Of this run" >> beam.Filter(lambda unit: unit.ordinal < search.own_units)
                | "Look up keys" >> Regroup(partial(dedup_candidates.probe, search=search))
                | "Note rows" >> beam.MapTuple(partial(note_rows, search=search, listing=listing))
            )
            units = (whole, found) | "Units that take part" >> beam.Flatten()
        written = (
            units
            | "Send keys" >> Regroup(partial(dedup_candidates.send_keys, search=search))
            | "Find shared" >> Regroup(Call(partial(dedup_candidates.find_shared, search=search)))
            | "Write" >> beam.MapTuple(partial(write_found, search=search, listing=listing))
        )
        if groups:
            _ = written | "Decide" >> DecideGroups(search, listing, groups, dedup_components.JOINED)

    run_pipeline(build, 1, run.beam_flags)


def join_components(run: Run, search: Search, units: Sequence[Unit], listing: str) -> tuple[str, int]:
    """Connect the components of all partitions; return the kind of the tables with the roots, and the rounds.

    Raises:
        CorpusmillError: the rounds do not come to an end.
    """
    for attempt in range(MOST_PIPELINES):

        def build(pipeline: beam.Pipeline, attempt: int = attempt) -> None:
            emit = partial(dedup_components.edges, search=search, attempt=attempt)
            edges = pipeline | "Units" >> ReadUnits(listing) | "Send edges" >> Regroup(emit)
            for number in range(ROUNDS):
                large = partial(dedup_components.large, search=search, number=number)
                small = partial(dedup_components.small, search=search, number=number)
                edges |= f"Large star {number}" >> Regroup(Call(large))
                edges |= f"Small star {number}" >> Regroup(Call(small))
            collect = partial(dedup_components.collect, search=search)
            write = partial(dedup_components.write_roots, search=search, attempt=attempt)
            _ = edges | "Collect" >> Regroup(Call(collect)) | "Write" >> beam.MapTuple(write)

        run_pipeline(build, 1, run.beam_flags)
        if dedup_components.is_converged(search, len(units)):
            return f"roots-{attempt}", (attempt + 1) * ROUNDS
    rounds = MOST_PIPELINES * ROUNDS
    raise CorpusmillError(f"dedup: components did not settle in {rounds} rounds; please report this corpus")


def decide_groups(run: Run, search: Search, listing: str, groups: int, roots: str) -> None:
    """Write the decisions of all work groups, by unit."""

    def build(pipeline: beam.Pipeline) -> None:
        units = pipeline | "Units" >> ReadUnits(listing)
        _ = units | "Decide" >> DecideGroups(search, listing, groups, roots)

    run_pipeline(build, min(run.workers, groups), run.beam_flags)


def count_lines(run: Run, search: Search, listing: str, partitions: int) -> None:
    """Tell every unit which of its lines too many documents have; every text is read once."""

    def build(pipeline: beam.Pipeline) -> None:
        count = partial(dedup_lines.count_lines, search=search, partitions=partitions)
        most = dedup_lines.rule_of(search.dedup).max_documents
        frequent = partial(dedup_counts.find_frequent, search=search, kind=dedup_lines.KIND, most=most)
        _ = (
            pipeline
            | "Units" >> ReadUnits(listing)
            | "Send lines" >> Regroup(count)
            | "Find frequent" >> Regroup(Call(frequent))
            | "Write" >> beam.MapTuple(partial(dedup_lines.write_frequent, search=search))
        )

    run_pipeline(build, min(run.workers, search.own_units), run.beam_flags)


def find_substrings(run: Run, search: Search, listing: str, partitions: int) -> None:
    """Tell every unit which spans of its texts stand in a text before; every text is read twice."""

    def build(pipeline: beam.Pipeline) -> None:
        count = partial(dedup_substrings.count_anchors, search=search, partitions=partitions)
        repeated = partial(dedup_counts.find_frequent, search=search, kind="anchors", most=1)
        passages = partial(send_passages, search=search, listing=listing, partitions=partitions)
        _ = (
            pipeline
            | "Units" >> ReadUnits(listing)
            | "Send anchors" >> Regroup(count)
            | "Find repeated" >> Regroup(Call(repeated))
            | "Send passages" >> Regroup(Call(passages))
            | "Find firsts" >> Regroup(Call(partial(dedup_substrings.find_firsts, search=search)))
            | "Write" >> beam.MapTuple(partial(dedup_substrings.write_spans, search=search))
        )

    run_pipeline(build, min(run.workers, search.own_units), run.beam_flags)


class ReadUnits(beam.PTransform):  # type: ignore[misc]
    """Read units from a list file; the graph holds its path only."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def expand(self, begin: beam.pvalue.PBegin) -> beam.PCollection:
        """Apply."""
        return (
            begin
            | "List file" >> beam.Create([self._path])
            | "Lines" >> beam.FlatMap(read_lines).with_output_types(str)
            | "Shuffle" >> beam.Reshuffle()
            | "Parse" >> beam.Map(lambda line: unit_of(json.loads(line)))
        )


class DecideGroups(beam.PTransform):  # type: ignore[misc]
    """Decide all work groups, given the units that were told something; write the decisions by unit."""

    def __init__(self, search: Search, listing: str, groups: int, roots: str) -> None:
        super().__init__()
        self._nodes = partial(dedup_decisions.nodes, search=search, groups=groups, roots=roots)
        self._decide = partial(decide, search=search, listing=listing)
        self._write = partial(write_decisions, search=search, listing=listing)

    def expand(self, units: beam.PCollection) -> beam.PCollection:
        """Apply."""
        return (
            units
            | "Send nodes" >> Regroup(self._nodes)
            | "Decide groups" >> Regroup(Call(self._decide))
            | "Write decisions" >> beam.MapTuple(self._write)
        )


class Regroup(beam.PTransform):  # type: ignore[misc]
    """Turn each element into (number, records) pairs and bring the records of each number together."""

    def __init__(self, emit: Callable[[Any], Iterator[Keyed]]) -> None:
        super().__init__()
        self._emit = emit

    def expand(self, elements: beam.PCollection) -> beam.PCollection:
        """Apply."""
        return (
            elements
            | "Emit" >> beam.FlatMap(self._emit).with_output_types(Keyed)
            | "Group" >> beam.GroupByKey()
        )


class Call:
    """A function of two arguments as one of a pair."""

    def __init__(self, function: Emit) -> None:
        self._function = function

    def __call__(self, pair: tuple[int, Iterable[bytes]]) -> Iterator[Keyed]:
        """Call the function with the two parts of a pair."""
        return self._function(*pair)


def write_found(ordinal: int, batches: Iterable[bytes], search: Search, listing: str) -> Unit:
    """Write what one unit is told, see `dedup_candidates.write_found`; return the unit."""
    dedup_candidates.write_found(ordinal, batches, search)
    return read_units(listing)[ordinal]


def decide(group: int, batches: Iterable[bytes], search: Search, listing: str) -> Iterator[Keyed]:
    """Decide one group; see `dedup_decisions.decide`."""
    texts = [unit.text for unit in read_units(listing)]
    yield from dedup_decisions.decide(group, batches, search, texts)


def note_rows(ordinal: int, batches: Iterable[bytes], search: Search, listing: str) -> Unit:
    """Note which rows of an older unit take part; return the unit."""
    dedup_index.note_rows(ordinal, batches, search)
    return read_units(listing)[ordinal]


def send_passages(
    ordinal: int, batches: Iterable[bytes], search: Search, listing: str, partitions: int
) -> Iterator[Keyed]:
    """Send the passages of one unit; see `dedup_substrings.send_passages`."""
    yield from dedup_substrings.send_passages(ordinal, batches, search, read_units(listing), partitions)


def write_decisions(ordinal: int, batches: Iterable[bytes], search: Search, listing: str) -> None:
    """Write the decisions about one unit; see `dedup_decisions.write_decisions`."""
    names = [unit.unit for unit in read_units(listing)]
    dedup_decisions.write_decisions(ordinal, batches, search, names)


def read_lines(path: str) -> Iterator[str]:
    """Yield the lines of a list file."""
    yield from Path(path).read_text().splitlines()


def read_units(path: str) -> list[Unit]:
    """Return the units of a list file, by ordinal."""
    return [unit_of(json.loads(line)) for line in read_lines(path)]


def write_listing(run: Run, units: Sequence[Unit]) -> str:
    """Write the list file of units; return its path."""
    lines = "\n".join(json.dumps(asdict(unit)) for unit in units)
    return str(run.storage.path(run.storage.write_bytes(LISTING, lines.encode()).path))
