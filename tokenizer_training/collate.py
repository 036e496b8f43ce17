"""A collator for the Hugging Face Trainer and for TRL: turns rows of token shards into the arguments of a causal model.

    shards = load_dataset("parquet", data_files="out/shards/train-*.parquet", split="train")
    arguments = TrainingArguments(..., remove_unused_columns=False)
    Trainer(model, arguments, data_collator=Collator(), train_dataset=shards).train()

For TRL's SFTTrainer likewise, with ``SFTConfig(..., dataset_kwargs={"skip_prepare_dataset": True})`` (1.16).

It takes rows of the shards, or single rows of a `TokenDataset` over ``ShardLoader(..., batch_size=1)``, whose order is
shuffled by seed and epoch. There is no attention mask on purpose: with a mask, or with ``use_cache=True``,
transformers 5 ignores the positions, and the documents of a row attend to each other.

FlashAttention finds documents only in a batch of one row (transformers 5.23, ``_is_packed_sequence``): with several
rows they attend to each other, without a warning. ``Collator(flatten=True)`` makes one long row of the batch and adds
the bounds of its documents.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from tokenizer_training.shards.batches import Batch, make_batch
from tokenizer_training.shards.rows import ID_BYTES, Rows, offsets_of
from tokenizer_training.torch_dataset import to_tensors

Feature = Mapping[str, Any]
"""A row of a shard as `datasets` gives it, or a batch of a `TokenDataset`: lists, arrays or tensors by name."""

_INPUTS = ("input_ids", "position_ids", "labels")


@dataclass(frozen=True)
class Collator:
    """Turns rows into a model's keyword arguments.

    Attributes:
        flatten: make one row of all tokens, with ``cu_seq_lens_q``, ``cu_seq_lens_k``, ``max_length_q`` and
            ``max_length_k``, for FlashAttention; other kinds of attention would need a mask of the row's square.
    """

    flatten: bool = False

    def __call__(self, features: Sequence[Feature]) -> Batch:
        """Return int64 tensors ``input_ids``, ``position_ids`` and ``labels`` [rows, width].

        Args:
            features: rows of a shard, or batches of a `TokenDataset`.
        """
        ready = "position_ids" in features[0]
        batches = features if ready else [to_tensors(make_batch(_rows(features)))]
        inputs: Batch = {name: torch.cat([batch[name] for batch in batches]) for name in _INPUTS}
        if not self.flatten:
            return inputs
        lengths = torch.cat([torch.diff(batch["cu_seqlens"]) for batch in batches])
        bounds = torch.nn.functional.pad(torch.cumsum(lengths, 0, dtype=torch.int32), (1, 0))
        longest = int(lengths.max())
        flat = {name: value.reshape(1, -1) for name, value in inputs.items()}
        return {
            **flat,
            "cu_seq_lens_q": bounds,
            "cu_seq_lens_k": bounds,
            "max_length_q": longest,
            "max_length_k": longest,
        }


def _rows(features: Sequence[Feature]) -> Rows:
    """Return rows of a shard as arrays; flags and ids, which models do not take, are left empty."""
    lengths = [np.asarray(row["doc_lens"], dtype=np.int32) for row in features]
    entries = offsets_of([len(found) for found in lengths])
    return Rows(
        np.stack([np.asarray(row["input_ids"], dtype=np.int32) for row in features]),
        entries,
        np.concatenate(lengths),
        np.zeros(entries[-1], dtype=np.int8),
        np.zeros((entries[-1], ID_BYTES), dtype=np.uint8),
        np.array([row["n_pad"] for row in features], dtype=np.int32),
    )
