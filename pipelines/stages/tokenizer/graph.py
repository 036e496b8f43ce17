"""Transform that counts words: lanes of tasks to partitions of words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import apache_beam as beam

from pipelines.stages.tokenizer.word_counts import NAME, Counting, Keyed, count_parts, write_partition
from pipelines.work.graph import run_lanes
from pipelines.work.stage import Run
from pipelines.work.task import Part, Task


def count_in_beam(run: Run, counting: Counting, tasks: Sequence[Task[Part]]) -> None:
    """Count the words of all tasks in one pipeline; every partition writes its table."""
    run_lanes(run, NAME, tasks, CountWords(counting))


@dataclass(eq=False)
class CountWords(beam.PTransform):  # type: ignore[misc]  # mypy sees no Beam
    """Count the words of every lane, bring the counts of each partition together, and write them.

    Attributes:
        counting: what is counted.
    """

    counting: Counting

    def expand(self, lanes: beam.PCollection) -> beam.PCollection:
        return (
            lanes
            | "Count"
            >> beam.FlatMapTuple(partial(count_lane, counting=self.counting)).with_output_types(Keyed)
            | "Group" >> beam.GroupByKey()
            | "Write" >> beam.MapTuple(partial(write_partition, counting=self.counting))
        )


def count_lane(_lane: int, lines: Iterable[str], counting: Counting) -> Iterator[Keyed]:
    """Count the words of the tasks of one lane; see `word_counts.count_parts`."""
    yield from count_parts((Task.from_json(line, Part) for line in lines), counting)
