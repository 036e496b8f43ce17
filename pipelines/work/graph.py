"""Transform for stages made of independent units: `UnitWork.do` on every one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import apache_beam as beam

from pipelines.beam.flags import is_local
from pipelines.beam.runner import run_pipeline
from pipelines.work.task import Run, Task, UnitWork


def process_units(run: Run, work: UnitWork, tasks: Sequence[Task], apart: bool = False) -> None:
    """Do the tasks in one pipeline, for `apart` see `run_pipeline`.

    The graph holds only the path of a list file, so it stays small however many units there are.
    """
    local = is_local(run.beam_flags)
    dealt = deal(tasks, run.workers if local else len(tasks))
    lines = [f"{lane}\t{task.to_json()}" for lane, task in dealt]
    path = run.storage.write_bytes(f"work/{work.stage}/todo.tsv", "\n".join(lines).encode()).path
    listing = str(run.storage.path(path))

    def build(pipeline: beam.Pipeline) -> None:
        _ = pipeline | f"Read {work.stage} units" >> ReadTasks(listing) | f"Do {work.stage}" >> DoUnits(work)

    run_pipeline(build, 1 if apart else run.workers, run.beam_flags, apart)
    run.storage.remove(path)


def deal(tasks: Sequence[Task], lanes: int) -> list[tuple[int, Task]]:
    """Deal tasks to lanes, largest first, each to the lane with the least work so far.

    Beam's local runner splits work once and never again, so an even split is ours to make.
    """
    load = [0] * max(lanes, 1)
    dealt = []
    for task in sorted(tasks, key=lambda task: (-task.cost, task.unit)):
        lane = load.index(min(load))
        load[lane] += task.cost + 1
        dealt.append((lane, task))
    return dealt


class ReadTasks(beam.PTransform):  # type: ignore[misc]
    """Read (lane, task line) pairs from a list file."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def expand(self, begin: beam.pvalue.PBegin) -> beam.PCollection:
        """Apply."""
        pair = tuple[int, str]
        return (
            begin
            | "List file" >> beam.Create([self._path])
            | "Lines" >> beam.FlatMap(read_tasks).with_output_types(pair)
            | "Lanes" >> beam.GroupByKey()
        )


class DoUnits(beam.PTransform):  # type: ignore[misc]
    """Do every task of every lane."""

    def __init__(self, work: UnitWork) -> None:
        super().__init__()
        self._work = work

    def expand(self, lanes: beam.PCollection) -> beam.PCollection:
        """Apply."""
        return lanes | "Do" >> beam.FlatMap(do_units, self._work).with_output_types(str)


def read_tasks(path: str) -> Iterator[tuple[int, str]]:
    """Yield (lane, task line) of a list file."""
    for line in Path(path).read_text().splitlines():
        lane, _, task = line.partition("\t")
        yield int(lane), task


def do_units(lane: tuple[int, Iterable[str]], work: UnitWork) -> Iterator[str]:
    """Do the tasks of one lane; yield the names of the units done."""
    for line in lane[1]:
        task = Task.from_json(line)
        work.do(task)
        yield task.unit
