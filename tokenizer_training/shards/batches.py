"""Turns packed rows into a trainer's batch: positions, labels and the bounds of documents. Numpy only."""

from __future__ import annotations

from typing import Any

import numpy as np

from tokenizer_training.shards.rows import Rows, offsets_of

IGNORED = -100
"""Label that loss functions ignore."""

Batch = dict[str, Any]
"""Arrays and two integers by name, see `make_batch`; tensors for arrays after `torch_dataset.to_tensors`."""


def make_batch(rows: Rows, shifted: bool = False) -> Batch:
    """Return the batch of some rows.

    Args:
        rows: at least one.
        shifted: False = a label has the place of its own token, for Hugging Face models, which shift labels themselves;
            width = row_len. True = the label of a place is the next token; width = row_len - 1, so rows of L + 1
            tokens give L.

    Returns:
        input_ids, position_ids, labels: int64 [rows, width]; positions restart at every document; a label is
            -100 if its token is the first of a document, or padding.
        seq_idx: int32 [rows, width]; number of a token's sequence, counted through the batch; the padding of a row is
            one more sequence.
        cu_seqlens: int32 [sequences + 1]; bounds of the sequences in the flattened batch.
        max_seqlen: int; tokens of the longest sequence.
        doc_ids, doc_flags: uint8 [documents, 16] and int8 [documents].
        row_entries: int64 [rows + 1]; documents of row r are ``row_entries[r]`` up to ``row_entries[r + 1]``.
    """
    width = rows.row_len - shifted
    lengths = np.insert(rows.doc_lens.astype(np.int64), rows.entries[1:], rows.n_pad)
    of_row = np.arange(1, len(rows) + 1)  # every row has one more sequence: its padding, perhaps empty
    if shifted:
        ends = rows.entries[1:] + of_row - 1
        lengths[np.where(lengths[ends] > 0, ends, ends - 1)] -= 1  # the row's last token is only a label
    lengths = lengths[lengths > 0]
    cu_seqlens = offsets_of(lengths)
    starts = cu_seqlens[:-1]
    tokens = rows.input_ids.astype(np.int64)
    labels = _labels(rows, tokens)
    position_ids = np.arange(len(rows) * width) - np.repeat(starts, lengths)
    seq_idx = np.repeat(np.arange(len(starts), dtype=np.int32), lengths)
    return {
        "input_ids": np.ascontiguousarray(tokens[:, :width]),
        "position_ids": position_ids.reshape(-1, width),
        "labels": np.ascontiguousarray(labels[:, rows.row_len - width :]),
        "seq_idx": seq_idx.reshape(-1, width),
        "cu_seqlens": cu_seqlens.astype(np.int32),
        "max_seqlen": int(lengths.max()),
        "doc_ids": rows.doc_ids,
        "doc_flags": rows.doc_flags,
        "row_entries": rows.entries,
    }


def _labels(rows: Rows, tokens: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the tokens, with -100 for the first token of each document and for padding."""
    labels = tokens.copy()
    before = np.cumsum(rows.doc_lens) - rows.doc_lens
    padding = np.cumsum(rows.n_pad) - rows.n_pad
    labels.reshape(-1)[before + np.repeat(padding, np.diff(rows.entries))] = IGNORED
    for row in np.flatnonzero(rows.n_pad).tolist():
        labels[row, rows.row_len - rows.n_pad[row] :] = IGNORED
    return labels
