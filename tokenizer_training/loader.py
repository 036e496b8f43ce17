"""The trainer's loader: token shards as batches of numpy arrays, in a fixed order, resumable at any sample.

The order of samples is a function of the shards, the seed and the epoch. A position in it is one integer, the number of
samples that all ranks together have consumed. So training can resume with another number of ranks or workers and still
sees every sample exactly once. The loader needs pyarrow and numpy, nothing else.

    loader = ShardLoader("out/shards", batch_size=8, seed=1, rank=rank, world_size=world)
    for batch in loader:
        loss = train_step(batch["input_ids"], batch["position_ids"], batch["labels"])
        checkpoint["data"] = loader.state_dict(batch["next_sample"])
    loader.load_state_dict(checkpoint["data"])

Pass `position_ids`, no attention mask and ``use_cache=False`` to a Hugging Face model: otherwise the documents of one
row attend to each other (transformers 5.23). FlashAttention needs one flat row (`collate.Collator`).
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, TypedDict

import numpy as np

from tokenizer_training.shards.batches import Batch, make_batch
from tokenizer_training.shards.folder import ShardFolder
from tokenizer_training.shards.rows import Ints, Rows, concatenate, gather
from tokenizer_training.shards.sampling import Block, Sampling
from tokenizer_training.shards.schema import ShardError


class State(TypedDict):
    """Where an iteration resumes.

    Attributes:
        sample: number of samples that all ranks together have consumed.
        seed: seed of the loader.
        dataset: hex digest of the shards.
    """

    sample: int
    seed: int | None
    dataset: str


class ShardLoader:
    """Iterates over one split of a shards folder; every new iteration starts at the loaded state.

    Every rank decodes all row groups and keeps its share of the rows: more than 100 million tokens a second, divided by
    the number of ranks.

    Args:
        folder: the shards folder; its ``manifest.json`` names the files.
        split: which rows.
        language: language of the rows, if there are shards per language; None = all.
        batch_size: rows of one batch on one rank.
        seed: permutes the rows, in another way in each epoch; None = the order of the shards, already shuffled.
        epochs: passes over the data; None = without end.
        rank: which of the ranks this is, from 0.
        world_size: number of ranks.
        drop_last: leave out a last batch that is not full on every rank.
        shifted: shift the targets by one token, for models that do not shift labels; see `make_batch`.

    Raises:
        NoRowsError: there are no rows of this split or language.
        ShardError: the folder is not what its manifest says, or has another schema version.
        ValueError: impossible arguments.
    """

    def __init__(
        self,
        folder: Path | str,
        split: Literal["train", "validation"] = "train",
        *,
        language: str | None = None,
        batch_size: int = 8,
        seed: int | None = None,
        epochs: int | None = 1,
        rank: int = 0,
        world_size: int = 1,
        drop_last: bool = False,
        shifted: bool = False,
    ) -> None:
        self.shards = ShardFolder(folder, split, language)
        dataset = int(self.shards.digest[:16], 16)
        self.sampling = Sampling(batch_size, seed, epochs, rank, world_size, 0, drop_last, dataset)
        self.shifted = shifted
        self._sample = 0

    def state_dict(self, sample: int | None = None) -> State:
        """Return the state from which `load_state_dict` resumes, with any number of ranks and workers.

        Args:
            sample: ``next_sample`` of the last batch trained on; None = of the last batch that this object yielded,
                which is a later one if worker processes read ahead.
        """
        sample = self._sample if sample is None else sample
        return {"sample": sample, "seed": self.sampling.seed, "dataset": self.shards.digest}

    def load_state_dict(self, state: State) -> None:
        """Start the next iteration after the samples that the state counts as consumed.

        Raises:
            ShardError: the state is of other shards or of another seed, so its samples are different.
        """
        own = self.state_dict()
        for what, theirs, ours in (
            ("other shards (their digest differs)", state["dataset"], own["dataset"]),
            ("another seed", state["seed"], own["seed"]),
        ):
            if theirs != ours:
                hint = "use the shards and seed it was saved with"
                raise ShardError(f"this state is of {what}: {theirs}, not {ours}; {hint}")
        self.sampling = dataclasses.replace(self.sampling, start=int(state["sample"]))
        self._sample = self.sampling.start

    def __iter__(self) -> Iterator[Batch]:
        return self.batches()

    def batches(self, worker: int = 0, workers: int = 1) -> Iterator[Batch]:
        """Yield every `workers`-th batch, starting with the one at `worker`.

        Yields:
            The result of `make_batch`, and ``next_sample``, int: the number of samples that all ranks together have
            consumed after this batch.
        """
        pending: list[Rows] = []
        current = worker
        for number, rows in self._runs(worker, workers):
            if number != current:
                yield self._finish(pending, current)
                pending, current = [], number
            pending.append(rows)
        if pending:
            yield self._finish(pending, current)

    def _runs(self, worker: int, workers: int) -> Iterator[tuple[int, Rows]]:
        """Yield (number of a batch, its rows in one block) in order."""
        end = self.sampling.end(self.shards.rows)
        for block in self.sampling.walk(self.shards.group_rows):
            last = block.last if end is None else min(block.last, end)
            samples, number = self.sampling.mine(block.first, last, worker, workers)
            if len(samples):
                yield from _by_batch(self._read(block, samples), number)

    def _read(self, block: Block, samples: Ints) -> Rows:
        """Return the rows of some samples of a block in their order; row groups are decoded one at a time."""
        places = self.sampling.places(block)[samples - block.first]
        order = np.argsort(places, kind="stable")
        ascending = places[order]
        bounds = np.searchsorted(ascending, block.bounds)
        parts = (
            self._some(group, ascending[begin:end] - first)
            for group, first, (begin, end) in zip(
                block.groups.tolist(), block.bounds[:-1], itertools.pairwise(bounds), strict=True
            )
            if begin < end
        )
        return gather(parts, np.argsort(order, kind="stable"), self.shards.header.row_len)

    def _some(self, group: int, places: Ints) -> Rows:
        rows = self.shards.read(group)
        return rows if len(places) == len(rows) else rows.take(places)

    def _finish(self, pending: list[Rows], number: int) -> Batch:
        after = self.sampling.start + (number + 1) * self.sampling.step
        end = self.sampling.end(self.shards.rows)
        self._sample = after if end is None else min(after, end)
        return {**make_batch(concatenate(pending), self.shifted), "next_sample": self._sample}


def _by_batch(rows: Rows, number: Ints) -> Iterator[tuple[int, Rows]]:
    bounds = [0, *(np.flatnonzero(np.diff(number)) + 1).tolist(), len(number)]
    for begin, end in itertools.pairwise(bounds):
        yield int(number[begin]), rows.slice(begin, end)
