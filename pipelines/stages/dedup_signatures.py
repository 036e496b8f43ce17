"""First half of the dedup stage: signatures, what the search for duplicates knows about each document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from filters.dedup.exact import content_hash
from filters.dedup.minhash import PERMUTATIONS, Signatures, signature
from filters.dedup.order import keep_rank
from filters.dedup.shingles import Hashes, shingles
from filters.document import Document, Origin
from filters.text import TextView
from pipelines.manifest import Folder
from pipelines.stages.run import Batch, Counts

NAME: Final = "dedup-signatures"
BATCH_ROWS: Final = 1024
COLUMNS: Final = ("id", "text", "source", "language", "date")

SIGNATURES: Final = pa.schema(
    [
        pa.field("id", pa.binary(16), nullable=False),
        pa.field("content_hash", pa.binary(16), nullable=False),
        pa.field("rank", pa.uint32(), nullable=False),
        pa.field("scope", pa.uint64(), nullable=False),
        pa.field("shingles", pa.int32(), nullable=False),
        pa.field(
            "signature", pa.list_(pa.field("item", pa.uint32(), nullable=False), PERMUTATIONS), nullable=False
        ),
    ]
)
"""One row per row of ``filtered/``: `rank` is its place in keep order, `scope` the hash of whom it is compared
with, `shingles` their number; without shingles (or without ``minhash``) the signature is all ones."""

FOLDER: Final = Folder("signatures", SIGNATURES)


@dataclass(frozen=True)
class Settings:
    """What shapes a signature row besides the document.

    Attributes:
        minhash: make signatures.
        keep: the keep policy.
        scope: documents are compared within one value of this column; ``global`` = all.
    """

    minhash: bool
    keep: Literal["longest", "newest"]
    scope: Literal["global", "source", "language"]


@dataclass(frozen=True)
class SignaturePart:
    """The rows of one part of ``signatures/`` as arrays of n documents.

    Attributes:
        ids: V16 [n].
        content: V16 [n].
        ranks: uint32 [n].
        scopes: uint64 [n].
        shingles: int32 [n].
        signatures: uint32 [n, 112].
    """

    ids: npt.NDArray[np.void]
    content: npt.NDArray[np.void]
    ranks: npt.NDArray[np.uint32]
    scopes: Hashes
    shingles: npt.NDArray[np.int32]
    signatures: Signatures

    @classmethod
    def read(cls, path: str) -> SignaturePart:
        """Read a part."""
        table = pq.read_table(path, use_threads=False).combine_chunks()
        columns = {name: _chunk(table[name]) for name in table.column_names}
        return cls(
            _void(columns["id"]),
            _void(columns["content_hash"]),
            columns["rank"].to_numpy(),
            columns["scope"].to_numpy(),
            columns["shingles"].to_numpy(),
            columns["signature"].flatten().to_numpy().reshape(-1, PERMUTATIONS),
        )


def process_unit(payload: Mapping[str, Any], settings: Settings) -> Iterator[Batch | Counts]:
    """Sign the rows of one part of ``filtered/``, in order."""
    documents = shingled = 0
    with pq.ParquetFile(payload["text"], page_checksum_verification=True) as part:
        for batch in part.iter_batches(BATCH_ROWS, columns=list(COLUMNS), use_threads=False):
            table = sign(batch, settings)
            documents += table.num_rows
            shingled += int(np.count_nonzero(table["shingles"]))
            yield Batch(FOLDER.name, table)
    yield Counts({"documents": documents, "with_shingles": shingled})


def sign(batch: pa.RecordBatch, settings: Settings) -> pa.Table:
    """Return the signature rows of documents with `COLUMNS`."""
    columns = {name: batch[name].to_pylist() for name in COLUMNS}
    texts, languages = columns["text"], columns["language"]
    sets = [shingle_set(*pair) if settings.minhash else _NONE for pair in zip(texts, languages, strict=True)]
    signatures = np.concatenate([signature(one) for one in sets]) if sets else np.empty(0, np.uint32)
    scopes = columns.get(settings.scope) or [""] * len(texts)
    ranks = [keep_rank(settings.keep, *pair) for pair in zip(texts, columns["date"], strict=True)]
    arrays = [
        pa.array([bytes.fromhex(one) for one in columns["id"]], pa.binary(16)),
        pa.array([content_hash(text) for text in texts], pa.binary(16)),
        pa.array(ranks, pa.uint32()),
        pa.array([xxhash.xxh64_intdigest((scope or "").encode()) for scope in scopes], pa.uint64()),
        pa.array([len(one) for one in sets], pa.int32()),
        pa.FixedSizeListArray.from_arrays(signatures, type=SIGNATURES.field("signature").type),
    ]
    return pa.Table.from_arrays(arrays, schema=SIGNATURES)


def shingle_set(text: str, language: str | None) -> Hashes:
    """Return the shingles of a text; the same ones wherever the stage needs them."""
    document = Document("", None, text, None, "", language, None, None, Origin("", 0, 0, 0))
    return shingles(TextView(document))


_NONE: Final = np.empty(0, dtype=np.uint64)


def _chunk(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks else pa.array([], column.type)


def _void(column: pa.FixedSizeBinaryArray) -> npt.NDArray[np.void]:
    """Return fixed-size binary values of 16 bytes as V16 [n]."""
    return np.frombuffer(
        column.buffers()[1] or b"", dtype="V16", count=len(column), offset=16 * column.offset
    )
