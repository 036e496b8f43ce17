"""First step of stage pack: buckets of documents become packed rows, in files sorted by row key.

A bucket holds the parts of ``documents/`` whose names begin with the same bits. Names are hashes, so a bucket is a
mix of all inputs; its documents are ordered by a hash of the seed and their id before they are packed. Each group
(a split, or a split of one language) is packed by itself. The row key, a hash of seed, bucket, group and row, gives
the place of a row in the shuffle of the whole corpus.
Memory: the bucket's tokens, about one int32 for four bytes of text, and little else.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.stages.pack.tokens import (
    Choice,
    Corpus,
    byte_values_of,
    check_separators,
    load_tokenizer,
    tokenise_part,
)
from pipelines.store.folders import TOKEN_COUNTS, Folder
from pipelines.store.manifest import UnitFile
from pipelines.store.storage import Storage
from pipelines.store.tables import text_bytes
from pipelines.work.marks import UNWATCHED, Watch
from pipelines.work.task import Batch, Counts, Task
from tokenizer_training.shards.cutting import Documents
from tokenizer_training.shards.packing import Plan, fill_rows, plan_rows, shuffle_key
from tokenizer_training.shards.rows import Ints
from tokenizer_training.shards.schema import Header, row_fields, rows_to_arrays, writer_options

NAME: Final = "pack/rows"
SMALL_BUCKET: Final = 64_000_000
LARGE_BUCKET: Final = 256_000_000
"""Bounds of the target size of a bucket's text. Small buckets keep more workers busy, large ones make fewer files."""
BUSY_BUCKETS: Final = 64
"""From this number on buckets grow instead of becoming more."""
GROUP_TOKENS: Final = 1 << 18
"""Tokens of one row group of a rows file. A shard reads an interval of every rows file; small row groups let it
read little more than that."""
NAME_BITS: Final = 64
ROWS: Final = "work/pack/rows"
"""Folder of packed rows until they become shards: one file per group and bucket."""


@dataclass(frozen=True)
class Settings:
    """What a worker needs besides the bucket.

    Attributes:
        header: of the shards to come.
        choice: how often each document is packed, and with which others.
        tokenizer: folder of the tokenizer.
    """

    header: Header
    choice: Choice
    tokenizer: str


@dataclass(frozen=True)
class Bucket:
    """Parts of ``documents/`` that are packed together.

    Attributes:
        name: such as ``00003-of-00016``.
        parts: unit and path of each part, by unit.
    """

    name: str
    parts: Sequence[Sequence[str]]


def rows_schema(row_len: int) -> pa.Schema:
    """Return the columns of a rows file: the row key, then those of a shard."""
    return pa.schema([pa.field("row_key", pa.uint64(), nullable=False), *row_fields(row_len)])


def folders(row_len: int) -> tuple[Folder, ...]:
    """Return the folders that the step writes."""
    schema, options = rows_schema(row_len), writer_options("row_key")
    return TOKEN_COUNTS, Folder(ROWS, schema, prefix="", per_unit=False, options=options)


def tasks(storage: Storage, files: Sequence[UnitFile]) -> list[Task[Bucket]]:
    """Return one task for each bucket of document files.

    Their number is a power of two that depends on the amount of text alone.

    Args:
        storage: the run.
        files: the manifest's entries of ``documents/``.
    """
    sizes = {file.unit: text_bytes(storage.path(file.path)) for file in files}
    bits = bucket_bits(sum(sizes.values()))
    buckets: defaultdict[int, list[UnitFile]] = defaultdict(list)
    for file in sorted(files, key=lambda file: file.unit):
        buckets[int(file.unit, 16) >> (NAME_BITS - bits)].append(file)
    return [
        Task(
            f"{bucket:05d}-of-{1 << bits:05d}",
            hashlib.sha256("".join(file.sha256 for file in members).encode()).hexdigest(),
            sum(sizes[file.unit] for file in members),
            Bucket(
                f"{bucket:05d}-of-{1 << bits:05d}",
                [(file.unit, str(storage.path(file.path))) for file in members],
            ),
        )
        for bucket, members in sorted(buckets.items())
    ]


def bucket_bits(size: int) -> int:
    """Return how many leading bits of a part's name give its bucket.

    Args:
        size: bytes of text of the whole corpus.

    >>> [1 << bucket_bits(megabytes * 1_000_000) for megabytes in (10, 65, 1_000, 16_000, 160_000)]
    [1, 2, 16, 64, 1024]
    """
    target = min(max(size // BUSY_BUCKETS, SMALL_BUCKET), LARGE_BUCKET)
    return max(-(-size // target) - 1, 0).bit_length()


def process_bucket(bucket: Bucket, settings: Settings, _: Watch = UNWATCHED) -> Iterator[Batch | Counts]:
    """Tokenise, pack and order the documents of one bucket.

    Raises:
        InputError: the text of a document holds the tokenizer's EOS.
    """
    header = settings.header
    tokenizer = load_tokenizer(settings.tokenizer, header.tokenizer_sha256)
    corpus = Corpus.empty()
    for unit, path in bucket.parts:
        for table in tokenise_part(path, tokenizer, header.eos_id, settings.choice, corpus):
            yield Batch(TOKEN_COUNTS.name, table, unit)
    documents = corpus.documents()
    check_separators(documents, header.eos_id)
    byte_values = byte_values_of(tokenizer)
    counts = Counter(_document_counts(documents, corpus.copies))
    for group, order in group_orders(documents.ids, corpus, header.seed).items():
        plan = plan_rows(documents, order, header.row_len, byte_values, header.window, header.packing)
        for table in keyed_rows(plan, documents, header, bucket.name, group):
            split = group.rpartition("/")[2]
            padding = int(table["n_pad"].to_numpy().sum())
            counts.update({"padding": padding, "rows": len(table), f"{split}_rows": len(table)})
            yield Batch(ROWS, table, f"{group}/{bucket.name}")
    yield Counts({"tokens": {**counts, "slots": counts["rows"] * header.row_len}})


def group_orders(ids: npt.NDArray[np.uint8], corpus: Corpus, seed: int) -> dict[str, Ints]:
    """Return the documents of each group, by position, in the order of a hash of seed, id and copy; ties by id.

    A document that is packed several times occurs as many times.
    """
    names = [row.tobytes() for row in ids]
    shuffled = sorted(
        (shuffle_key(seed, name, *([copy] if copy else [])), name, n)
        for n, name in enumerate(names)
        for copy in range(corpus.copies[n])
    )
    orders: dict[str, list[int]] = {group: [] for group in sorted(set(corpus.groups))}
    for _, _, n in shuffled:
        orders[corpus.groups[n]].append(n)
    return {group: np.array(order, dtype=np.int64) for group, order in orders.items()}


def keyed_rows(
    plan: Plan, documents: Documents, header: Header, bucket: str, group: str
) -> Iterator[pa.Table]:
    """Yield the planned rows in the order of their keys, one row group at a time."""
    keys = [shuffle_key(header.seed, bucket, group, row) for row in range(len(plan))]
    row_keys = np.array(keys, dtype=np.uint64)
    order = np.argsort(row_keys, kind="stable")
    schema = rows_schema(header.row_len)
    size = group_rows(header.row_len)
    for first in range(0, len(order), size):
        chosen = order[first : first + size]
        rows = fill_rows(plan, chosen, documents, header.pad_id)
        yield pa.Table.from_arrays([pa.array(row_keys[chosen]), *rows_to_arrays(rows)], schema=schema)


def group_rows(row_len: int) -> int:
    """Return the rows of one row group of a rows file."""
    return max(GROUP_TOKENS // row_len, 1)


def _document_counts(documents: Documents, copies: Sequence[int]) -> dict[str, int]:
    """Return the counts of documents; tokens are counted as often as they are packed."""
    times = np.asarray(copies, dtype=np.int64)
    packed = int(times.sum())
    return {
        "documents": len(documents),
        "left_out": int(np.count_nonzero(times == 0)),
        "repeats": packed - int(np.count_nonzero(times)),
        "document_tokens": int(np.dot(np.diff(documents.offsets) - 1, times)),
        "separators": packed,
        **dict.fromkeys(("padding", "rows", "train_rows", "validation_rows"), 0),
    }
