"""Sends tasks to workers: a list file of tasks, dealt to lanes, and one pipeline that works on every lane."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import apache_beam as beam

from pipelines.beam.runner import run_pipeline
from pipelines.work.stage import Run
from pipelines.work.task import P, S, Task, UnitWork


def submit(run: Run, work: UnitWork[P, S], tasks: Sequence[Task[P]], apart: bool = False) -> None:
    """Do the tasks in one pipeline; for `apart` see `run_pipeline`."""
    run_lanes(run, work.stage, tasks, ProcessLane(work), apart)


def run_lanes(
    run: Run, stage: str, tasks: Sequence[Task[P]], work: beam.PTransform, apart: bool = False
) -> None:
    """Run one pipeline over tasks, dealt to lanes.

    The graph holds only the path of a list file, so it stays small however many tasks there are.

    Args:
        run: the run.
        stage: name of the stage.
        tasks: what to do.
        work: takes (lane, task lines) pairs.
        apart: see `run_pipeline`.
    """
    lanes = assign_lanes(tasks, run.lanes(len(tasks)))
    lines = [f"{lane}\t{task.to_json()}" for lane, task in lanes]
    path = run.storage.write_bytes(f"work/{stage}/todo.tsv", "\n".join(lines).encode()).path
    listing = str(run.storage.path(path))

    def build(pipeline: beam.Pipeline) -> None:
        _ = pipeline | f"Read {stage} tasks" >> ReadTasks(listing) | f"Do {stage}" >> work

    run_pipeline(build, 1 if apart else run.workers, run.beam_flags, apart)
    run.storage.remove(path)


def assign_lanes(tasks: Sequence[Task[P]], lanes: int) -> list[tuple[int, Task[P]]]:
    """Return (lane, task) pairs: the largest task first, each to the lane with the least work so far.

    Beam's local runner splits work once and never again, so the split must be even from the start.
    """
    load = [0] * max(lanes, 1)
    assigned = []
    for task in sorted(tasks, key=lambda task: (-task.cost, task.unit)):
        lane = load.index(min(load))
        load[lane] += task.cost + 1
        assigned.append((lane, task))
    return assigned


@dataclass(eq=False)
class ReadTasks(beam.PTransform):  # type: ignore[misc]  # mypy sees no Beam
    """Read (lane, task lines) pairs from a list file.

    Attributes:
        path: of the list file.
    """

    path: str

    def expand(self, begin: beam.pvalue.PBegin) -> beam.PCollection:
        pair = tuple[int, str]
        return (
            begin
            | "List file" >> beam.Create([self.path])
            | "Lines" >> beam.FlatMap(read_tasks).with_output_types(pair)
            | "Lanes" >> beam.GroupByKey()
        )


@dataclass(eq=False)
class ProcessLane(beam.PTransform):  # type: ignore[misc]  # mypy sees no Beam
    """Process every task of every lane.

    Attributes:
        work: what to do with a task.
    """

    work: UnitWork[Any, Any]

    def expand(self, lanes: beam.PCollection) -> beam.PCollection:
        process = partial(process_lane, work=self.work)
        return lanes | "Process" >> beam.FlatMapTuple(process).with_output_types(str)


def read_tasks(path: str) -> Iterator[tuple[int, str]]:
    """Yield (lane, task line) of a list file."""
    for line in Path(path).read_text().splitlines():
        lane, _, task = line.partition("\t")
        yield int(lane), task


def process_lane(_lane: int, lines: Iterable[str], work: UnitWork[P, S]) -> Iterator[str]:
    """Process the tasks of one lane; yield the names of the units done."""
    for line in lines:
        task = Task.from_json(line, work.payload)
        work.process(task)
        yield task.unit
