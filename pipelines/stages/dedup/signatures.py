"""Step 1 of the dedup stage: signatures, which hold what the search for duplicates needs of each document."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from filters.dedup.exact import content_hash
from filters.dedup.minhash import Signatures
from filters.dedup.order import rank_best, rank_longest, rank_newest, rank_source
from filters.dedup.scheme import Scheme
from filters.dedup.urls import url_key
from filters.hashing import Hashes
from pipelines.errors import InputError
from pipelines.recipe.recipe import Dedup, Preference
from pipelines.store.fate import KEPT
from pipelines.store.folders import Folder
from pipelines.store.sealed import canonical_json
from pipelines.store.tables import read_rows
from pipelines.work.marks import UNWATCHED, Watch
from pipelines.work.task import Batch, Counts

NAME: Final = "dedup-signatures"
BATCH_ROWS: Final = 1024
COLUMNS: Final = ("id", "text", "url", "source", "language", "date")
HEADER: Final = b"corpusmill.signature"
"""Key of a part's metadata under which its `Header` is written, as JSON."""

Header = Mapping[str, str | int]
"""The parameters of signatures, by name."""


@dataclass(frozen=True)
class Settings:
    """What shapes a signature row besides the document.

    Attributes:
        scheme: how signatures are made; None = without ``minhash``.
        keep: the keep policy.
        scope: only documents with the same value in this column are compared; ``global`` = all.
    """

    scheme: Scheme | None
    keep: Literal["longest", "newest"] | Preference
    scope: Literal["global", "source", "language"]

    @classmethod
    def of(cls, dedup: Dedup) -> Settings:
        """Return the settings of a recipe's section."""
        return cls(dedup.minhash.signing() if dedup.minhash else None, dedup.keep, dedup.scope)

    @property
    def header(self) -> Header:
        """The header of every part: signatures of different headers cannot be compared."""
        return {**(self.scheme.header() if self.scheme else {}), "scope": self.scope}

    @property
    def signing(self) -> Scheme:
        """How signatures are made; without ``minhash`` from nothing, with one number each."""
        return self.scheme or Scheme(permutations=1)

    @property
    def best(self) -> str | None:
        """The ledger's column that the keep policy goes by; None = it goes by another property."""
        return self.keep.best if isinstance(self.keep, Preference) else None

    @property
    def folder(self) -> Folder:
        """Where the rows go.

        One row per row of ``filtered/``: `rank` is its place in keep order, `scope` the hash of its scope, `url` that
        of its URL (0 = no URL), `shingles` the number of its shingles, repeated ones counted; without shingles, all
        bits of its signature are set.
        """
        scheme = self.signing
        number = pa.field("item", pa.uint32() if scheme.bits == 32 else pa.uint64(), nullable=False)
        columns = [
            ("id", pa.binary(16)),
            ("content_hash", pa.binary(16)),
            ("rank", pa.uint32()),
            ("scope", pa.uint64()),
            ("url", pa.uint64()),
            ("shingles", pa.int32()),
            ("signature", pa.list_(number, scheme.permutations)),
        ]
        schema = pa.schema([pa.field(*column, nullable=False) for column in columns])
        return Folder("signatures", schema.with_metadata({HEADER: canonical_json(self.header)}))


@dataclass(frozen=True)
class SignaturePart:
    """The rows of one part of ``signatures/`` as arrays of n documents.

    Attributes:
        ids: V16 [n].
        content: V16 [n].
        ranks: uint32 [n].
        scopes: uint64 [n].
        urls: uint64 [n].
        shingles: int32 [n].
        signatures: uint32 or uint64 [n, permutations].
    """

    ids: npt.NDArray[np.void]
    content: npt.NDArray[np.void]
    ranks: npt.NDArray[np.uint32]
    scopes: Hashes
    urls: Hashes
    shingles: npt.NDArray[np.int32]
    signatures: Signatures

    @classmethod
    def read(cls, path: str, rows: npt.NDArray[np.int64] | None = None) -> SignaturePart:
        """Read a part, or some rows of it, ascending; only the row groups that hold one are read."""
        table = pq.read_table(path, use_threads=False) if rows is None else read_rows(path, rows)
        table = table.combine_chunks()
        columns = {name: _chunk(table[name]) for name in table.column_names}
        return cls(
            _void(columns["id"]),
            _void(columns["content_hash"]),
            columns["rank"].to_numpy(),
            columns["scope"].to_numpy(),
            columns["url"].to_numpy(),
            columns["shingles"].to_numpy(),
            columns["signature"]
            .flatten()
            .to_numpy()
            .reshape(len(table), columns["signature"].type.list_size),
        )

    def take(self, places: npt.NDArray[np.int64]) -> SignaturePart:
        """Return some of the documents."""
        return SignaturePart(*(getattr(self, field.name)[places] for field in fields(self)))


def read_header(path: str) -> Header:
    """Return the header of a part of ``signatures/``."""
    metadata = pq.read_schema(path).metadata or {}
    header: Header = json.loads(metadata.get(HEADER, b"{}"))
    return header


@dataclass(frozen=True)
class Payload:
    """The files of a unit.

    Attributes:
        text: path of its part of ``filtered/``.
        ledger: path of its part of ``ledger/`` if the keep policy goes by a measure; else None.
    """

    text: str
    ledger: str | None


def process_unit(payload: Payload, settings: Settings, _: Watch = UNWATCHED) -> Iterator[Batch | Counts]:
    """Sign the rows of one part of ``filtered/``, in order.

    Raises:
        InputError: the ledger lacks the column that the keep policy goes by.
    """
    documents = shingled = 0
    measures = _read_measures(payload.ledger, settings.best)
    with pq.ParquetFile(payload.text, page_checksum_verification=True) as part:
        for batch in part.iter_batches(BATCH_ROWS, columns=list(COLUMNS), use_threads=False):
            values = measures[documents : documents + batch.num_rows] if measures is not None else None
            table = sign(batch, settings, values)
            documents += table.num_rows
            shingled += int(np.count_nonzero(table["shingles"]))
            yield Batch(settings.folder.name, table)
    yield Counts({"documents": documents, "with_shingles": shingled})


def sign(
    batch: pa.RecordBatch, settings: Settings, measures: Sequence[float | None] | None = None
) -> pa.Table:
    """Return the signature rows of documents with `COLUMNS`.

    Args:
        batch: the documents.
        settings: of the stage.
        measures: the documents' values in the column `Settings.best`.
    """
    columns = {name: batch[name].to_pylist() for name in COLUMNS}
    texts, scheme = columns["text"], settings.signing
    sets = [scheme.windows(text) if settings.scheme else _NONE for text in texts]
    signatures = np.concatenate([scheme.signature(one) for one in sets]) if sets else _NONE
    scopes = columns.get(settings.scope) or [""] * len(texts)
    schema = settings.folder.schema
    arrays = [
        pa.array([bytes.fromhex(one) for one in columns["id"]], pa.binary(16)),
        pa.array([content_hash(text) for text in texts], pa.binary(16)),
        pa.array(_ranks(columns, settings.keep, measures), pa.uint32()),
        pa.array([scope_hash(scope) for scope in scopes], pa.uint64()),
        pa.array([url_key(url) for url in columns["url"]], pa.uint64()),
        pa.array([len(one) for one in sets], pa.int32()),
        pa.FixedSizeListArray.from_arrays(
            pa.array(signatures, schema.field("signature").type.value_type),
            type=schema.field("signature").type,
        ),
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def scope_hash(value: str | None) -> int:
    """Return the number of a scope, 64 bits."""
    return xxhash.xxh64_intdigest((value or "").encode())


def _ranks(
    columns: Mapping[str, list[Any]],
    keep: Literal["longest", "newest"] | Preference,
    measures: Sequence[float | None] | None,
) -> list[int]:
    """Return the documents' places in keep order."""
    if measures is not None:
        return [rank_best(value) for value in measures]
    if isinstance(keep, Preference):
        preferred = keep.source or ()
        pairs = zip(columns["source"], columns["text"], strict=True)
        return [rank_source(source, preferred, text) for source, text in pairs]
    if keep == "newest":
        return [rank_newest(date) for date in columns["date"]]
    return [rank_longest(text) for text in columns["text"]]


def _read_measures(ledger: str | None, column: str | None) -> list[float | None] | None:
    """Return the values of a ledger's column for the documents that were kept, in order."""
    if column is None or ledger is None:
        return None
    schema = pq.read_schema(ledger)
    numbers = [
        field.name for field in schema if pa.types.is_integer(field.type) or pa.types.is_floating(field.type)
    ]
    if column not in numbers:
        what = f"dedup.keep: best: {column}: the ledger has no such column of numbers"
        raise InputError(f"{what}; it has {', '.join(numbers)}")
    table = pq.read_table(ledger, columns=["decision", column], use_threads=False)
    values: list[float | None] = table.filter(pa.compute.equal(table["decision"], KEPT))[column].to_pylist()
    return values


_NONE: Final = np.empty(0, dtype=np.uint64)


def _chunk(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks else pa.array([], column.type)


def _void(column: pa.FixedSizeBinaryArray) -> npt.NDArray[np.void]:
    """Return fixed-size binary values of 16 bytes as V16 [n]."""
    return np.frombuffer(
        column.buffers()[1] or b"", dtype="V16", count=len(column), offset=16 * column.offset
    )
