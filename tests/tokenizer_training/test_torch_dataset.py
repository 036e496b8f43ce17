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
        for name in ("input_ids", "position_ids", "labels", "cu_seqlens"):
            assert np.array_equal(batch[name].numpy(), arrays[name])
        for name in ("doc_ids", "doc_flags"):
            assert all(np.array_equal(a.numpy(), b) for a, b in zip(batch[name], arrays[name], strict=True))
        assert (batch["max_seqlen"], batch["next_sample"]) == (arrays["max_seqlen"], arrays["next_sample"])
