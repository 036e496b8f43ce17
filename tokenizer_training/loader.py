"""What a trainer imports: token shards as batches of numpy arrays, in a fixed order, resumable at any sample.

The order of samples is a function of the shards, the seed and the epoch. A position in it is one integer, the
number of samples that all ranks together have consumed, so a run may go on with another number of ranks or
workers and sees every sample exactly once. Needs pyarrow and numpy, nothing else.

    loader = ShardLoader("out/shards", batch_size=8, seed=1, rank=rank, world_size=world)
    for batch in loader:
        loss = train_step(batch["input_ids"], batch["position_ids"], batch["labels"])

Pass `position_ids`, no attention mask and ``use_cache=False`` to a Hugging Face model: otherwise the documents of
one row see each other (transformers 5.23).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np

from tokenizer_training.rows import Ints, Rows, concatenate, offsets_of
from tokenizer_training.sampling import Sampling
from tokenizer_training.shard_folder import ShardFolder

IGNORED = -100
"""Label that no loss function counts."""

Batch = dict[str, Any]


class ShardLoader:
    """Iterates over one split of a shards folder; every new iteration begins at ``start``.

    Every rank decodes all row groups and keeps its share of the rows: over 100 million tokens a second, divided
    by the number of ranks.

    Args:
        folder: the shards folder; it is opened through its ``manifest.json``.
        split: which rows.
        batch_size, seed, epochs, rank, world_size, start, drop_last: see `Sampling`.

    Raises:
        ShardError: the folder is not what its manifest says, or of another schema version.
        ValueError: impossible arguments.
    """

    def __init__(
        self,
        folder: Path | str,
        split: Literal["train", "validation"] = "train",
        *,
        batch_size: int = 8,
        seed: int | None = None,
        epochs: int | None = 1,
        rank: int = 0,
        world_size: int = 1,
        start: int = 0,
        drop_last: bool = False,
    ) -> None:
        self.sampling = Sampling(batch_size, seed, epochs, rank, world_size, start, drop_last)
        self.shards = ShardFolder(folder, split)
        self._sample = start

    def state(self) -> int:
        """Return the ``start`` that continues after the last batch this object yielded.

        Where worker processes read ahead, use the ``next_sample`` of the last batch trained on instead.
        """
        return self._sample

    def __iter__(self) -> Iterator[Batch]:
        return self.batches()

    def batches(self, worker: int = 0, workers: int = 1) -> Iterator[Batch]:
        """Yield every `workers`-th batch, beginning with the one at `worker`.

        Yields:
            input_ids, position_ids, labels: int64 [rows, row_len]; positions restart at every document; labels
                are the input_ids with -100 at each document's first token and at padding, for models that
                shift labels themselves.
            cu_seqlens: int32 [sequences + 1]; bounds of the documents in the flattened batch; the padding of a
                row counts as one more sequence.
            max_seqlen: int; tokens of the longest sequence.
            doc_ids, doc_flags: a list of one array per row, uint8 [documents, 16] and int8 [documents].
            next_sample: int; the ``start`` that continues after this batch.
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
        """Yield (number of a batch, those of its rows that lie in one row group) in order."""
        end = self.sampling.end(self.shards.rows)
        for epoch, group, first in self.sampling.walk(self.shards.group_rows):
            size = int(self.shards.group_rows[group])
            last = first + size if end is None else min(first + size, end)
            samples, number = self.sampling.mine(first, last, worker, workers)
            if len(samples):
                places = self.sampling.places(size, epoch, group)[samples - first]
                yield from _by_batch(self.shards.read(group), places, number)

    def _finish(self, pending: list[Rows], number: int) -> Batch:
        after = self.sampling.start + (number + 1) * self.sampling.step
        end = self.sampling.end(self.shards.rows)
        self._sample = after if end is None else min(after, end)
        return {**make_batch(concatenate(pending)), "next_sample": self._sample}


def _by_batch(rows: Rows, places: Ints, number: Ints) -> Iterator[tuple[int, Rows]]:
    bounds = [0, *(np.flatnonzero(np.diff(number)) + 1).tolist(), len(number)]
    for begin, end in itertools.pairwise(bounds):
        yield int(number[begin]), rows.take(places[begin:end])


def make_batch(rows: Rows) -> Batch:
    """Return what a trainer needs of these rows; see `ShardLoader.batches`."""
    with_padding = np.insert(rows.doc_lens, rows.entries[1:], rows.n_pad)
    cu_seqlens = offsets_of(with_padding[with_padding > 0])
    starts, lengths = cu_seqlens[:-1], np.diff(cu_seqlens)
    input_ids = rows.input_ids.astype(np.int64)
    labels = input_ids.copy()
    labels.reshape(-1)[starts] = IGNORED
    for row in np.flatnonzero(rows.n_pad).tolist():
        labels[row, rows.row_len - rows.n_pad[row] :] = IGNORED
    of_row = list(itertools.pairwise(rows.entries.tolist()))
    position_ids = np.arange(input_ids.size) - np.repeat(starts, lengths)
    return {
        "input_ids": input_ids,
        "position_ids": position_ids.reshape(input_ids.shape),
        "labels": labels,
        "cu_seqlens": cu_seqlens.astype(np.int32),
        "max_seqlen": int(lengths.max()),
        "doc_ids": [rows.doc_ids[begin:end] for begin, end in of_row],
        "doc_flags": [rows.doc_flags[begin:end] for begin, end in of_row],
    }
