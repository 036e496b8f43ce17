"""Floor 1: text to ids, ids to packed rows, rows to the trainer. No Beam; torch only where the caller has it.

A trainer needs the names below: ``from tokenizer_training import ShardLoader``. `ShardLoader` needs pyarrow and numpy
and nothing else; `Collator`, `TokenDataset` and `document_mask` need torch; `Tokenizer` needs SentencePiece.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from filters.lazy import lazy_names

if TYPE_CHECKING:
    from tokenizer_training.collate import Collator
    from tokenizer_training.loader import ShardLoader
    from tokenizer_training.model.sentencepiece_model import TokenizerError
    from tokenizer_training.model.tokenizer import Tokenizer
    from tokenizer_training.shards.batches import Batch, make_batch
    from tokenizer_training.shards.folder import ShardFolder
    from tokenizer_training.shards.rows import Rows
    from tokenizer_training.shards.schema import Header, NoRowsError, ShardError
    from tokenizer_training.torch_dataset import TokenDataset, document_mask

__all__ = [
    "Batch",
    "Collator",
    "Header",
    "NoRowsError",
    "Rows",
    "ShardError",
    "ShardFolder",
    "ShardLoader",
    "TokenDataset",
    "Tokenizer",
    "TokenizerError",
    "document_mask",
    "make_batch",
]

_HOMES: Final = {
    "Batch": "tokenizer_training.shards.batches",
    "Collator": "tokenizer_training.collate",
    "Header": "tokenizer_training.shards.schema",
    "NoRowsError": "tokenizer_training.shards.schema",
    "Rows": "tokenizer_training.shards.rows",
    "ShardError": "tokenizer_training.shards.schema",
    "ShardFolder": "tokenizer_training.shards.folder",
    "ShardLoader": "tokenizer_training.loader",
    "TokenDataset": "tokenizer_training.torch_dataset",
    "Tokenizer": "tokenizer_training.model.tokenizer",
    "TokenizerError": "tokenizer_training.model.sentencepiece_model",
    "document_mask": "tokenizer_training.torch_dataset",
    "make_batch": "tokenizer_training.shards.batches",
}

if not TYPE_CHECKING:  # a type checker would take every misspelt name for one of these
    __getattr__ = lazy_names(__name__, _HOMES)
