"""A thin torch `IterableDataset` over the loader: tensors instead of arrays, batches dealt to workers.

dataset = TokenDataset(ShardLoader("out/shards", batch_size=8, seed=1))
for batch in torch.utils.data.DataLoader(dataset, batch_size=None, num_workers=2):
    ...
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch.utils.data import IterableDataset, get_worker_info

from tokenizer_training.loader import Batch, ShardLoader


class TokenDataset(IterableDataset):  # type: ignore[misc]
    """Batches of a `ShardLoader` as tensors; give it to a `DataLoader` with ``batch_size=None``.

    Workers take batches in turn, so the order is the same for any number of them. To go on after an
    interruption, pass the ``next_sample`` of the last batch trained on as ``start``.
    """

    def __init__(self, loader: ShardLoader) -> None:
        super().__init__()
        self.loader = loader

    def __iter__(self) -> Iterator[Batch]:
        info = get_worker_info()
        worker, workers = (0, 1) if info is None else (info.id, info.num_workers)
        for batch in self.loader.batches(worker, workers):
            yield {name: _to_tensors(value) for name, value in batch.items()}


def _to_tensors(value: Any) -> Any:
    """Return arrays as tensors; arrays of documents are views of read-only memory and are copied."""
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value)
    if isinstance(value, list):
        return [torch.from_numpy(item.copy()) for item in value]
    return value
