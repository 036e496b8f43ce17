"""Transform that counts words: lanes of units to partitions of words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

import apache_beam as beam

from pipelines.beam.flags import is_local
from pipelines.beam.runner import run_pipeline
from pipelines.stages.tokenizer.word_counts import NAME, Counting, Keyed, count_parts, write_partition
from pipelines.work.graph import ReadTasks, deal
from pipelines.work.stage import Run
from pipelines.work.task import Task


def count_in_beam(run: Run, counting: Counting, tasks: Sequence[Task]) -> None:
    """Count the words of all tasks in one pipeline; every partition writes its table."""
    lanes = run.workers if is_local(run.beam_flags) else len(tasks)
    lines = [f"{lane}\t{task.to_json()}" for lane, task in deal(tasks, lanes)]
    path = run.storage.write_bytes(f"work/{NAME}/todo.tsv", "\n".join(lines).encode()).path
    listing = str(run.storage.path(path))

    def build(pipeline: beam.Pipeline) -> None:
        _ = pipeline | "Read parts" >> ReadTasks(listing) | "Count words" >> CountWords(counting)

    run_pipeline(build, run.workers, run.beam_flags)
    run.storage.remove(path)


class CountWords(beam.PTransform):  # type: ignore[misc]
    """Count the words of every lane, bring the counts of each partition together, and write them."""

    def __init__(self, counting: Counting) -> None:
        super().__init__()
        self._counting = counting

    def expand(self, lanes: beam.PCollection) -> beam.PCollection:
        """Apply."""
        return (
            lanes
            | "Count" >> beam.FlatMap(count_lane, self._counting).with_output_types(Keyed)
            | "Group" >> beam.GroupByKey()
            | "Write" >> beam.MapTuple(partial(write_partition, counting=self._counting))
        )


def count_lane(lane: tuple[int, Iterable[str]], counting: Counting) -> Iterator[Keyed]:
    """Count the words of the tasks of one lane; see `word_counts.count_parts`."""
    yield from count_parts(map(Task.from_json, lane[1]), counting)
