"""Transforms of the search for duplicates: records to partitions, nodes to groups, decisions to units."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import apache_beam as beam

from pipelines.beam.runner import run_pipeline
from pipelines.stages import dedup_candidates, dedup_decisions
from pipelines.stages.dedup_candidates import FOLDER, Search
from pipelines.stages.run import Run

LISTING = f"{FOLDER}/units.jsonl"
Keyed = tuple[int, bytes]
Emit = Callable[[Mapping[str, Any]], Iterator[Keyed]]
Write = Callable[[int, Iterable[bytes]], None]


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit of the search.

    Attributes:
        ordinal: its place among all units by name.
        unit: its name.
        text: path of its part of ``filtered/``.
        signatures: path of its part of ``signatures/``.
    """

    ordinal: int
    unit: str
    text: str
    signatures: str


def find_candidates(run: Run, search: Search, units: Sequence[Unit]) -> None:
    """Write the buckets and the exact copies of all partitions, a turn of partitions at a time.

    It takes 2 CPU seconds per million documents, less than worker processes take to start.
    """
    listing = _write_listing(run, units)
    for turn in range(search.turns):

        def build(pipeline: beam.Pipeline, turn: int = turn) -> None:
            read = pipeline | "Units" >> ReadUnits(listing)
            for kind, emit, write in (
                ("buckets", dedup_candidates.members, dedup_candidates.write_buckets),
                ("copies", dedup_candidates.copies, dedup_candidates.write_copies),
            ):
                _ = (
                    read
                    | f"Send {kind}" >> Regroup(partial(emit, search=search, turn=turn))
                    | f"Write {kind}" >> beam.MapTuple(partial(write, search=search))
                )

        run_pipeline(build, 1, run.beam_flags)


def decide_groups(run: Run, search: Search, units: Sequence[Unit], groups: int) -> None:
    """Write the decisions of all work groups, by unit."""
    listing = _write_listing(run, units)

    def build(pipeline: beam.Pipeline) -> None:
        _ = (
            pipeline
            | "Units" >> ReadUnits(listing)
            | "Send nodes" >> Regroup(partial(dedup_decisions.nodes, search=search))
            | "Decide groups" >> Regroup(partial(decide, search=search, listing=listing))
            | "Write decisions" >> beam.MapTuple(partial(write_decisions, search=search, listing=listing))
        )

    run_pipeline(build, min(run.workers, groups), run.beam_flags)


class ReadUnits(beam.PTransform):  # type: ignore[misc]
    """Read units, as JSON-able mappings, from a list file; the graph holds its path only."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def expand(self, begin: beam.pvalue.PBegin) -> beam.PCollection:
        """Apply."""
        return (
            begin
            | "List file" >> beam.Create([self._path])
            | "Lines" >> beam.FlatMap(read_lines).with_output_types(str)
            | "Spread" >> beam.Reshuffle()
            | "Parse" >> beam.Map(json.loads)
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


def decide(group: tuple[int, Iterable[bytes]], search: Search, listing: str) -> Iterator[Keyed]:
    """Decide one group; see `dedup_decisions.decide`."""
    yield from dedup_decisions.decide(*group, search, [unit["text"] for unit in read_units(listing)])


def write_decisions(ordinal: int, batches: Iterable[bytes], search: Search, listing: str) -> None:
    """Write the decisions about one unit; see `dedup_decisions.write_decisions`."""
    dedup_decisions.write_decisions(ordinal, batches, search, [unit["unit"] for unit in read_units(listing)])


def read_lines(path: str) -> Iterator[str]:
    """Yield the lines of a list file."""
    yield from Path(path).read_text().splitlines()


def read_units(path: str) -> list[dict[str, Any]]:
    """Return the units of a list file, by ordinal."""
    return [json.loads(line) for line in read_lines(path)]


def _write_listing(run: Run, units: Sequence[Unit]) -> str:
    lines = "\n".join(json.dumps(asdict(unit)) for unit in units)
    return str(run.storage.path(run.storage.write_bytes(LISTING, lines.encode()).path))
