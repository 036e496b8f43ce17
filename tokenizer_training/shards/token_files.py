"""Token shards in the formats of other trainers: Megatron's indexed dataset, and one flat array (nanoGPT, llm.c).

Both have the documents of the rows one after the other, each with its EOS, without padding, in the shuffled order of
the shards. Those trainers cut their own sequences from that. So the ends of rows are lost, and a document that was cut
at the end of a row is two documents. Numbers are little-endian.
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
"""The start of an ``.idx`` file of Megatron-LM (``megatron/core/datasets/indexed_dataset.py``)."""
_CODES = {"<u2": 8, "<i4": 4}
_MEGATRON_UINT16 = 65_500
_BLOCK = 1 << 20


@dataclass
class TokenStream:
    """The tokens of a split without padding; its counts are known once it is read to its end.

    Attributes:
        shards: the split.
        dtype: numpy's name of the numbers' type: ``<u2``, ``<u4`` or ``<i4``.
        lengths: int32 arrays; tokens of each document, filled while reading.
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
        """Return the number of tokens read."""
        return sum(int(part.sum(dtype=np.int64)) for part in self.lengths)

    @property
    def documents(self) -> int:
        """Return the number of documents, or parts of documents, read."""
        return sum(map(len, self.lengths))


def flat_stream(shards: ShardFolder) -> TokenStream:
    """Return the content of a flat file: uint16 if every id fits, else uint32."""
    return TokenStream(shards, "<u2" if shards.header.vocab_size <= 1 << 16 else "<u4", [])


def megatron_stream(shards: ShardFolder) -> TokenStream:
    """Return the content of a ``.bin``: uint16 if Megatron would choose it, else int32."""
    return TokenStream(shards, "<u2" if shards.header.vocab_size < _MEGATRON_UINT16 else "<i4", [])


def megatron_index(stream: TokenStream) -> Iterator[bytes]:
    """Yield the content of the ``.idx`` of a stream that was read to its end.

    The header has the magic, the version (uint64), the code of the dtype (uint8), and the numbers of sequences and of
    document bounds (uint64 each). Then come the tokens of each sequence (int32), its start in the ``.bin`` in bytes
    (int64), and the sequences at which documents start, and at last their number (int64). Here each sequence is a
    document.
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
