"""Token shards in the formats of other trainers: Megatron's indexed dataset, and one flat array (nanoGPT, llm.c).

Both hold the documents of the rows one after the other, each with its EOS, without padding, in the order of the
shards, which is shuffled. Those trainers cut their own sequences from that, so where a row ended is not kept, and
a document that was cut at the end of a row is two. Numbers are little-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tokenizer_training.shards.folder import ShardFolder
from tokenizer_training.shards.rows import Rows, offsets_of

MAGIC, VERSION = b"MMIDIDX\x00\x00", 1
"""How an ``.idx`` file of Megatron-LM begins (``megatron/core/datasets/indexed_dataset.py``)."""
_CODES = {"<u2": 8, "<i4": 4}
_MEGATRON_UINT16 = 65_500
_BLOCK = 1 << 20


@dataclass
class TokenStream:
    """The tokens of a split without padding; what was seen is known when it is read to its end.

    Attributes:
        shards: the split.
        dtype: numpy's name of the numbers, ``<u2``, ``<u4`` or ``<i4``.
        lengths: int32 arrays; tokens of each document.
    """

    shards: ShardFolder
    dtype: str
    lengths: list[npt.NDArray[np.int32]]

    def __iter__(self) -> Iterator[bytes]:
        self.lengths = []
        for group in range(len(self.shards.groups)):
            rows = self.shards.read(group)
            self.lengths.append(rows.doc_lens)
            yield _without_padding(rows).astype(self.dtype).tobytes()

    @property
    def tokens(self) -> int:
        """Return how many tokens there were."""
        return sum(int(part.sum(dtype=np.int64)) for part in self.lengths)

    @property
    def documents(self) -> int:
        """Return how many documents, or parts of documents, there were."""
        return sum(map(len, self.lengths))


def flat_stream(shards: ShardFolder) -> TokenStream:
    """Return the content of a flat file: uint16 where every id fits, else uint32."""
    return TokenStream(shards, "<u2" if shards.header.vocab_size <= 1 << 16 else "<u4", [])


def megatron_stream(shards: ShardFolder) -> TokenStream:
    """Return the content of a ``.bin``: uint16 where Megatron itself would choose it, else int32."""
    return TokenStream(shards, "<u2" if shards.header.vocab_size < _MEGATRON_UINT16 else "<i4", [])


def megatron_index(stream: TokenStream) -> Iterator[bytes]:
    """Yield the content of the ``.idx`` of a stream that was read to its end.

    Header: magic, version (uint64), code of the numbers (uint8), sequences and document bounds (uint64 each).
    Then tokens of each sequence (int32), where it begins in the ``.bin`` in bytes (int64), and the sequences at
    which documents begin, with the number of all at the end (int64). Here each sequence is a document.
    """
    count = stream.documents
    yield MAGIC + struct.pack("<QBQQ", VERSION, _CODES[stream.dtype], count, count + 1)
    for lengths in stream.lengths:
        yield lengths.astype("<i4").tobytes()
    start = 0
    for lengths in stream.lengths:
        offsets = offsets_of(lengths)
        yield ((offsets[:-1] + start) * np.dtype(stream.dtype).itemsize).astype("<i8").tobytes()
        start += int(offsets[-1])
    yield from _counted(count + 1)


def _counted(count: int) -> Iterable[bytes]:
    for first in range(0, count, _BLOCK):
        yield np.arange(first, min(first + _BLOCK, count), dtype="<i8").tobytes()


def _without_padding(rows: Rows) -> npt.NDArray[np.int32]:
    """Return the tokens of all rows, one row after the other."""
    filled = rows.row_len - rows.n_pad
    return rows.input_ids[np.arange(rows.row_len) < filled[:, None]]
