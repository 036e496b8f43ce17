"""A batch: positions, labels and bounds of documents, by hand and against their definition."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tokenizer_training.shards.batches import IGNORED, make_batch
from tokenizer_training.shards.rows import Rows

MakeShards = Callable[..., tuple[Path, list[Rows]]]


def test_a_batch_by_hand(make_shards: MakeShards) -> None:
    """Two documents and padding in one row, a full row, and the end of a cut document."""
    _, (rows,) = make_shards([2, 3, 10, 1], row_len=8)
    order = np.lexsort((rows.n_pad, -np.diff(rows.entries)))
    batch = make_batch(rows.take(order))
    ids = rows.input_ids[order]
    assert batch["doc_flags"].tolist() == [0, 0, 1, 0, 2]
    assert batch["row_entries"].tolist() == [0, 4, 5]
    assert batch["seq_idx"].tolist() == [[0, 0, 1, 1, 1, 2, 2, 3], [4] * 8]
    assert batch["seq_idx"].dtype == np.int32
    assert batch["cu_seqlens"].tolist() == [0, 2, 5, 7, 8, 16]
    assert batch["cu_seqlens"].dtype == np.int32
    assert batch["max_seqlen"] == 8
    assert batch["position_ids"].tolist() == [[0, 1, 0, 1, 2, 0, 1, 0], [*range(8)]]
    labels = ids.astype(np.int64)
    labels[0, [0, 2, 5, 7]] = labels[1, 0] = IGNORED
    assert batch["labels"].tolist() == labels.tolist()
    assert batch["input_ids"].tolist() == ids.tolist()


def test_padding_is_a_sequence_of_its_own_and_never_a_target(make_rows: Callable[..., Rows]) -> None:
    rows = make_rows([3, 6], 8)
    batch = make_batch(rows.take(np.argsort(rows.n_pad)))
    assert batch["cu_seqlens"].tolist() == [0, 6, 8, 11, 16]
    assert batch["position_ids"].tolist() == [[0, 1, 2, 3, 4, 5, 0, 1], [0, 1, 2, 0, 1, 2, 3, 4]]
    assert (batch["labels"][0, 6:] == IGNORED).all()
    assert (batch["labels"][1, 3:] == IGNORED).all()


@pytest.mark.parametrize("row_len", [8, 9, 16])
def test_shifted_batches_are_one_token_apart(make_rows: Callable[..., Rows], row_len: int) -> None:
    """By definition: the label of a place is the next token of the same document, or -100."""
    rows = make_rows([5, 16, 3, 40, 9, 1, 1, 11, 7, 2, 6], row_len)
    whole, shifted = make_batch(rows), make_batch(rows, shifted=True)
    assert shifted["input_ids"].tolist() == whole["input_ids"][:, :-1].tolist()
    assert shifted["labels"].tolist() == whole["labels"][:, 1:].tolist()
    assert shifted["position_ids"].tolist() == whole["position_ids"][:, :-1].tolist()
    assert shifted["input_ids"].flags.c_contiguous
    lengths = np.diff(shifted["cu_seqlens"])
    assert lengths.sum() == shifted["input_ids"].size
    assert (shifted["position_ids"].reshape(-1)[shifted["cu_seqlens"][:-1]] == 0).all()
    assert np.count_nonzero(shifted["position_ids"] == 0) == len(lengths) == shifted["seq_idx"].max() + 1
    assert shifted["max_seqlen"] == lengths.max()
