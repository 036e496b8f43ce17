"""A thin torch `IterableDataset` over the loader: tensors instead of arrays, batches shared among workers.

dataset = TokenDataset(ShardLoader("out/shards", batch_size=8, seed=1))
for batch in torch.utils.data.DataLoader(dataset, batch_size=None, num_workers=2):
    ...
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch.nn.attention.flex_attention import BlockMask, create_block_mask
from torch.utils.data import IterableDataset, get_worker_info

from tokenizer_training.loader import ShardLoader
from tokenizer_training.shards.batches import Batch


class TokenDataset(IterableDataset):  # type: ignore[misc]
    """Batches of a `ShardLoader` as tensors; give it to a `DataLoader` with ``batch_size=None``.

    Workers take batches in turn, so the order is the same for any number of them. All values are tensors that
    ``pin_memory=True`` pins, except two integers. To resume after an interruption, save the loader's
    ``state_dict(next_sample)`` of the last batch trained on, because workers read ahead.
    """

    def __init__(self, loader: ShardLoader) -> None:
        super().__init__()
        self.loader = loader

    def __iter__(self) -> Iterator[Batch]:
        info = get_worker_info()
        worker, workers = (0, 1) if info is None else (info.id, info.num_workers)
        for batch in self.loader.batches(worker, workers):
            yield to_tensors(batch)


def to_tensors(batch: Batch) -> Batch:
    """Return a batch with tensors in place of arrays; no values are copied."""
    return {
        name: torch.from_numpy(value) if isinstance(value, np.ndarray) else value
        for name, value in batch.items()
    }


def document_mask(seq_idx: torch.Tensor) -> BlockMask:
    """Return a FlexAttention mask with which a token attends to the earlier tokens of its own document only.

    Args:
        seq_idx: int [rows, width], from a batch.
    """

    def same_document(row: Any, head: Any, query: Any, key: Any) -> Any:
        return (query >= key) & (seq_idx[row, query] == seq_idx[row, key])

    rows, width = seq_idx.shape
    return create_block_mask(same_document, rows, None, width, width, device=seq_idx.device)
