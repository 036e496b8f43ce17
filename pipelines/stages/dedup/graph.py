"""The Beam pipelines of a search for duplicates.

Every pipeline begins with the list of units and ends with tables. In between, each `Exchange` sends records to numbered
receivers (partitions, work groups, or units) and brings those of one receiver together. The functions that send and
write are those of the steps, and take one element and the search; here they are only wired.
"""

from __future__ import annotations

from dataclasses import dataclass

import apache_beam as beam

from pipelines.beam.runner import run_pipeline
from pipelines.errors import CorpusmillError
from pipelines.stages.dedup import candidates, components, decisions, index, lines, substrings
from pipelines.stages.dedup.components import EDGES, MAX_PIPELINES, ROUNDS
from pipelines.stages.dedup.records import Keyed
from pipelines.stages.dedup.search import Search, unit_lines, unit_of
from pipelines.work.stage import Run


def find_candidates(run: Run, search: Search) -> None:
    """Write the tables of each unit: what its documents have in common with others.

    If the search is joined, the same pipeline decides. The work takes 10 CPU seconds per million documents, less than
    worker processes take to start, so there is one worker.
    """

    def build(pipeline: beam.Pipeline) -> None:
        units = pipeline | "Units" >> ReadUnits(search)
        if search.indexes:
            whole = units | "Whole" >> beam.Filter(lambda unit: not unit.probed)
            probed = (
                units
                | "Of this run" >> beam.Filter(lambda unit: unit.ordinal < search.own_units)
                | "Look up keys" >> Exchange(beam.FlatMap(candidates.probed_to_units, search))
                | "Write rows" >> beam.Map(index.write_rows, search)
            )
            units = (whole, probed) | "Units that take part" >> beam.Flatten()
        found = (
            units
            | "Send keys" >> Exchange(beam.FlatMap(candidates.keys_to_partitions, search))
            | "Find shared" >> Exchange(beam.FlatMap(candidates.shared_to_units, search))
            | "Write" >> beam.Map(candidates.write_unit_tables, search)
        )
        if search.is_joined:
            _ = found | "Decide" >> DecideGroups(search, EDGES)

    run_pipeline(build, 1, run.beam_flags)


def join_components(run: Run, search: Search) -> tuple[str, int]:
    """Connect the components of all partitions; return the table of their roots, and the number of rounds.

    Raises:
        CorpusmillError: the rounds do not come to an end.
    """
    for attempt in range(MAX_PIPELINES):

        def build(pipeline: beam.Pipeline, attempt: int = attempt) -> None:
            send = beam.FlatMap(components.edges_to_partitions, search, attempt)
            edges = pipeline | "Units" >> ReadUnits(search) | "Send edges" >> Exchange(send)
            for number in range(ROUNDS):
                large = beam.FlatMap(components.large_stars, search, number)
                small = beam.FlatMap(components.small_stars, search, number)
                edges = edges | f"Large stars {number}" >> Exchange(large)
                edges = edges | f"Small stars {number}" >> Exchange(small)
            _ = (
                edges
                | "Send roots" >> Exchange(beam.FlatMap(components.roots_to_units, search))
                | "Write" >> beam.Map(components.write_roots, search, attempt)
            )

        run_pipeline(build, 1, run.beam_flags)
        if components.is_converged(search):
            return components.roots_table(attempt), (attempt + 1) * ROUNDS
    rounds = MAX_PIPELINES * ROUNDS
    raise CorpusmillError(f"dedup: components did not converge in {rounds} rounds; please report this corpus")


def decide_groups(run: Run, search: Search, roots: str) -> None:
    """Write the decisions of all work groups, by unit."""

    def build(pipeline: beam.Pipeline) -> None:
        _ = pipeline | "Units" >> ReadUnits(search) | "Decide" >> DecideGroups(search, roots)

    run_pipeline(build, min(run.workers, search.groups), run.beam_flags)


def count_lines(run: Run, search: Search) -> None:
    """Write for each unit which of its lines too many documents have; every text is read once."""

    def build(pipeline: beam.Pipeline) -> None:
        _ = (
            pipeline
            | "Units" >> ReadUnits(search)
            | "Send lines" >> Exchange(beam.FlatMap(lines.lines_to_partitions, search))
            | "Find frequent" >> Exchange(beam.FlatMap(lines.frequent_lines_to_units, search))
            | "Write" >> beam.Map(lines.write_lines, search)
        )

    run_pipeline(build, min(run.workers, search.own_units), run.beam_flags)


def find_substrings(run: Run, search: Search) -> None:
    """Write for each unit which spans of its texts an earlier text has; every text is read twice."""

    def build(pipeline: beam.Pipeline) -> None:
        _ = (
            pipeline
            | "Units" >> ReadUnits(search)
            | "Send anchors" >> Exchange(beam.FlatMap(substrings.anchors_to_partitions, search))
            | "Find repeated" >> Exchange(beam.FlatMap(substrings.repeated_to_units, search))
            | "Send passages" >> Exchange(beam.FlatMap(substrings.passages_to_partitions, search))
            | "Find repeats" >> Exchange(beam.FlatMap(substrings.repeats_to_units, search))
            | "Write" >> beam.Map(substrings.write_spans, search)
        )

    run_pipeline(build, min(run.workers, search.own_units), run.beam_flags)


@dataclass
class ReadUnits(beam.PTransform):  # type: ignore[misc]  # Beam has no types
    """Read the units of a search; the graph holds only the path of their list."""

    search: Search

    def expand(self, begin: beam.pvalue.PBegin) -> beam.PCollection:
        """Return the units, in no particular order."""
        return (
            begin
            | "List" >> beam.Create([self.search.unit_list])
            | "Lines" >> beam.FlatMap(unit_lines).with_output_types(str)
            | "Shuffle" >> beam.Reshuffle()
            | "Parse" >> beam.Map(unit_of)
        )


@dataclass
class DecideGroups(beam.PTransform):  # type: ignore[misc]  # as above
    """Decide the documents of all work groups, given the units that have tables; write the decisions by unit."""

    search: Search
    roots: str

    def expand(self, units: beam.PCollection) -> beam.PCollection:
        """Return one None for each unit that has decisions."""
        return (
            units
            | "Send nodes" >> Exchange(beam.FlatMap(decisions.nodes_to_groups, self.search, self.roots))
            | "Decide groups" >> Exchange(beam.FlatMap(decisions.decisions_to_units, self.search))
            | "Write decisions" >> beam.Map(decisions.write_decisions, self.search)
        )


@dataclass
class Exchange(beam.PTransform):  # type: ignore[misc]  # as above
    """Send records to numbered receivers; yield (receiver, its batches) for each that got any."""

    send: beam.PTransform

    def expand(self, elements: beam.PCollection) -> beam.PCollection:
        """Return the pairs."""
        return elements | "Send" >> self.send.with_output_types(Keyed) | "Group" >> beam.GroupByKey()
