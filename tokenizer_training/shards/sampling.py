"""Which samples a rank reads, in which order, and in which batch: arithmetic on sample indices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tokenizer_training.shards.rows import Ints, offsets_of

Hashes = npt.NDArray[np.uint64]

MIXED = 8
"""Most row groups whose rows are shuffled together, so that the rows of one group are separated in every epoch. A
reader holds its share of them: at most 67 MB of int32 at 1,024 rows of 2,048 tokens."""


@dataclass(frozen=True)
class Sampling:
    """Which samples of the stream one rank reads, and how it groups them.

    Sample ``start + i`` belongs to rank ``i % world_size`` and to its batch ``i // (batch_size * world_size)``.

    Attributes:
        batch_size: rows of one batch on one rank.
        seed: permutes row groups, and the rows of every `MIXED` groups together, in another way in every epoch; None =
            the stored order, which is already shuffled.
        epochs: passes over the data; None = endless.
        rank: number of this rank, from 0.
        world_size: number of ranks.
        start: number of samples that all ranks together have already consumed.
        dataset: a number that identifies the data; other data are shuffled in another way.
        drop_last: leave out a last batch that is not full on every rank. Otherwise the last batches of the ranks differ
            in size, and a rank may have one batch less.

    Raises:
        ValueError: a value is impossible.
    """

    batch_size: int
    seed: int | None
    epochs: int | None
    rank: int
    world_size: int
    start: int
    drop_last: bool
    dataset: int

    def __post_init__(self) -> None:
        if self.batch_size < 1 or self.start < 0 or (self.epochs is not None and self.epochs < 1):
            raise ValueError(f"batch_size and epochs must be at least 1 and start at least 0: {self}")
        if not 0 <= self.rank < self.world_size:
            raise ValueError(f"rank must be 0 to world_size - 1, not {self.rank} of {self.world_size}")

    @property
    def step(self) -> int:
        """Return the samples that all ranks together consume with one batch each."""
        return self.batch_size * self.world_size

    def end(self, rows: int) -> int | None:
        """Return the index after the last sample of a split with this many rows; None = endless."""
        if self.epochs is None:
            return None
        total = self.epochs * rows
        left = max(total - self.start, 0)
        return total - left % self.step if self.drop_last else total

    def mine(self, first: int, last: int, worker: int, workers: int) -> tuple[Ints, Ints]:
        """Return which of the samples ``[first, last)`` a worker of this rank reads, and their batch numbers."""
        samples = np.arange(max(first, self.start), last)
        number = (samples - self.start) // self.step
        chosen = ((samples - self.start) % self.world_size == self.rank) & (number % workers == worker)
        return samples[chosen], number[chosen]

    def walk(self, group_rows: Ints) -> Iterator[Block]:
        """Yield the blocks of row groups in reading order, starting with the block of `start`.

        Args:
            group_rows: int64 [row groups]; rows of each, in stored order.
        """
        rows = int(group_rows.sum())
        end = self.end(rows)
        epoch = self.start // rows
        while end is None or epoch * rows < end:
            order = self._permutation(len(group_rows), epoch, -1)
            blocks = len(order) if self.seed is None else -(-len(order) // MIXED)
            first = epoch * rows
            for number in range(blocks):
                groups = order[number * len(order) // blocks : (number + 1) * len(order) // blocks]
                block = Block(epoch, number, first, groups, offsets_of(group_rows[groups]))
                if block.last > self.start and (end is None or first < end):
                    yield block
                first = block.last
            epoch += 1

    def places(self, block: Block) -> Ints:
        """Return the row in the block of each of its samples."""
        return self._permutation(block.last - block.first, block.epoch, block.number)

    def _permutation(self, size: int, epoch: int, what: int) -> Ints:
        if self.seed is None:
            return np.arange(size)
        return permutation(size, self.seed, self.dataset, epoch, what)


@dataclass(frozen=True)
class Block:
    """Row groups whose rows are shuffled together.

    Attributes:
        epoch: pass over the data, from 0.
        number: number of the block in the epoch.
        first: sample index of its first row.
        groups: int64 [groups]; its row groups.
        bounds: int64 [groups + 1]; where the rows of each group start in the block.
    """

    epoch: int
    number: int
    first: int
    groups: Ints
    bounds: Ints

    @property
    def last(self) -> int:
        """Return the sample index after its last row."""
        return self.first + int(self.bounds[-1])


def permutation(size: int, *parts: int) -> Ints:
    """Return the numbers below `size` in the order of a hash of all arguments.

    The hash is SplitMix64 (Steele et al. 2014). A generator of numpy would not do: its streams may change between
    versions.
    """
    state = np.zeros(1, dtype=np.uint64)
    for part in parts:
        state = _mix(state ^ np.uint64(part % 2**64))
    places: Hashes = np.arange(size, dtype=np.uint64)
    return np.argsort(_mix(state + places), kind="stable")


def _mix(value: Hashes) -> Hashes:
    value = value + np.uint64(0x9E3779B97F4A7C15)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))
