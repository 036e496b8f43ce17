"""The torch dataset yields what the loader yields, in the same order, with any number of workers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tokenizer_training.loader import ShardLoader  # noqa: E402
from tokenizer_training.torch_dataset import TokenDataset  # noqa: E402

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("workers", [0, 2])
def test_tensors_equal_the_arrays(make_shards: Callable[..., Any], workers: int) -> None:
    folder: Path = make_shards([16] * 30, [3, 30, 9])[0]
    loader = ShardLoader(folder, batch_size=4, seed=1)
    data = torch.utils.data.DataLoader(TokenDataset(loader), batch_size=None, num_workers=workers)
    batches = list(data)
    expected = list(loader)
    assert len(batches) == len(expected)
    for batch, arrays in zip(batches, expected, strict=True):
        assert batch["input_ids"].dtype == batch["labels"].dtype == torch.int64
        for name, value in arrays.items():
            if isinstance(value, np.ndarray):
                assert np.array_equal(batch[name].numpy(), value)
        assert (batch["max_seqlen"], batch["next_sample"]) == (arrays["max_seqlen"], arrays["next_sample"])


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("world_size", [1, 2, 3, 8])
def test_ranks_with_workers_give_one_and_the_same_stream(
    make_shards: Callable[..., Any], world_size: int, workers: int
) -> None:
    """Interleaved row by row, the streams of all ranks are that of the loader alone, for two epochs."""
    folder: Path = make_shards([16] * 100, [3, 30, 9])[0]
    whole = [row for batch in ShardLoader(folder, seed=1, epochs=2) for row in batch["input_ids"].tolist()]
    ranks = []
    for rank in range(world_size):
        loader = ShardLoader(folder, batch_size=5, seed=1, epochs=2, rank=rank, world_size=world_size)
        data = torch.utils.data.DataLoader(TokenDataset(loader), batch_size=None, num_workers=workers)
        ranks.append([row for batch in data for row in batch["input_ids"].tolist()])
    assert [ranks[n % world_size][n // world_size] for n in range(len(whole))] == whole
    assert sum(map(len, ranks)) == len(whole)
