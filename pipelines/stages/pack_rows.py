"""First step of stage pack: buckets of documents become packed rows, in files sorted by row key.

A bucket holds the parts of ``documents/`` whose names begin with the same bits. Names are hashes, so a bucket is a
mix of all inputs; its documents are ordered by a hash of the seed and their id before they are packed. The row
key, a hash of seed, bucket, split and row, then says where in the shuffle of the whole corpus a row comes.
Memory: the bucket's tokens, about one int32 for four bytes of text, and little else.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.manifest import Folder
from pipelines.stages.pack_tokens import (
    TOKEN_COUNTS,
    Corpus,
    byte_values_of,
    check_separators,
    load_tokenizer,
    tokenise_part,
)
from pipelines.stages.run import Batch, Counts, Task
from pipelines.storage import Storage
from tokenizer_training.packing import Documents, Plan, fill_rows, plan_rows, shuffle_key
from tokenizer_training.rows import Ints
from tokenizer_training.shards import Header, row_fields, rows_to_arrays, writer_options
from tokenizer_training.split import is_validation

Split = Literal["train", "validation"]
SPLITS: tuple[Split, ...] = ("train", "validation")

NAME = "pack/rows"
SMALL_BUCKET, LARGE_BUCKET = 64_000_000, 256_000_000
"""Bounds of the aim of a bucket's text. Small ones keep more workers busy, large ones make fewer rows files."""
BUSY_BUCKETS = 64
"""Buckets from which on they grow instead of becoming more."""
GROUP_TOKENS = 1 << 18
"""Tokens of one row group of a rows file. A shard reads an interval of every rows file; small row groups let it
read little more than that."""
NAME_BITS = 64


@dataclass(frozen=True)
class Settings:
    """What a worker needs besides the bucket.

    Attributes:
        header: of the shards to come.
        validation: share of documents for validation.
        tokenizer: folder of the tokenizer.
    """

    header: Header
    validation: float
    tokenizer: str


def rows_folder(split: Split) -> str:
    """Return the folder that the packed rows of a split wait in until they become shards."""
    return f"work/pack/rows/{split}"


def rows_schema(row_len: int) -> pa.Schema:
    """Return the columns of a rows file: the row key, then those of a shard."""
    return pa.schema([pa.field("row_key", pa.uint64(), nullable=False), *row_fields(row_len)])


def folders(row_len: int) -> tuple[Folder, ...]:
    """Return what the step writes."""
    schema, options = rows_schema(row_len), writer_options("row_key")
    rows = [Folder(rows_folder(split), schema, options=options) for split in SPLITS]
    return (TOKEN_COUNTS, *rows)


def tasks(storage: Storage, files: Sequence[Mapping[str, Any]]) -> list[Task]:
    """Return one task for each bucket of document files.

    Their number is a power of two that depends on the amount of text alone.

    Args:
        storage: the run.
        files: the manifest's entries of ``documents/``.
    """
    sizes = {str(file["unit"]): _text_bytes(storage.path(file["path"])) for file in files}
    bits = bucket_bits(sum(sizes.values()))
    buckets: defaultdict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for file in sorted(files, key=lambda file: str(file["unit"])):
        buckets[int(file["unit"], 16) >> (NAME_BITS - bits)].append(file)
    return [
        Task(
            f"{bucket:05d}-of-{1 << bits:05d}",
            hashlib.sha256("".join(file["sha256"] for file in members).encode()).hexdigest(),
            sum(sizes[str(file["unit"])] for file in members),
            {
                "bucket": f"{bucket:05d}-of-{1 << bits:05d}",
                "parts": [[file["unit"], str(storage.path(file["path"]))] for file in members],
            },
        )
        for bucket, members in sorted(buckets.items())
    ]


def bucket_bits(text_bytes: int) -> int:
    """Return how many leading bits of a part's name tell its bucket.

    >>> [1 << bucket_bits(megabytes * 1_000_000) for megabytes in (10, 65, 1_000, 16_000, 160_000)]
    [1, 2, 16, 64, 1024]
    """
    aim = min(max(text_bytes // BUSY_BUCKETS, SMALL_BUCKET), LARGE_BUCKET)
    return max(-(-text_bytes // aim) - 1, 0).bit_length()


def _text_bytes(path: Path) -> int:
    metadata = pq.read_metadata(path)
    text = metadata.schema.to_arrow_schema().get_field_index("text")
    groups = range(metadata.num_row_groups)
    return sum(metadata.row_group(group).column(text).total_uncompressed_size for group in groups)


def process_bucket(payload: Mapping[str, Any], settings: Settings) -> Iterator[Batch | Counts]:
    """Tokenise, pack and order the documents of one bucket.

    Raises:
        InputError: the text of a document holds the tokenizer's EOS.
    """
    header = settings.header
    tokenizer = load_tokenizer(settings.tokenizer, header.tokenizer_sha256)
    corpus = Corpus.empty()
    for unit, path in payload["parts"]:
        for table in tokenise_part(path, tokenizer, header.eos_id, corpus):
            yield Batch(TOKEN_COUNTS.name, table, unit)
    documents = corpus.documents()
    check_separators(documents, header.eos_id)
    byte_values = byte_values_of(tokenizer)
    orders = split_order(documents.ids, header.seed, settings.validation)
    rows, padding = dict.fromkeys(SPLITS, 0), 0
    for split in SPLITS:
        plan = plan_rows(documents, orders[split], header.row_len, byte_values, header.window)
        for table in keyed_rows(plan, documents, header, payload["bucket"], split):
            rows[split] += len(table)
            padding += int(table["n_pad"].to_numpy().sum())
            yield Batch(rows_folder(split), table)
    yield Counts({"tokens": _counts(documents, rows, padding, header.row_len)})


def split_order(ids: npt.NDArray[np.uint8], seed: int, validation: float) -> dict[Split, Ints]:
    """Return the documents of each split, by position, in the order of a hash of seed and id; ties by id."""
    names = [row.tobytes() for row in ids]
    shuffled = sorted(range(len(names)), key=lambda n: (shuffle_key(seed, names[n]), names[n]))
    held_out = np.array([is_validation(names[n], validation) for n in shuffled], dtype=bool)
    order = np.array(shuffled, dtype=np.int64)
    return {"train": order[~held_out], "validation": order[held_out]}


def keyed_rows(
    plan: Plan, documents: Documents, header: Header, bucket: str, split: Split
) -> Iterator[pa.Table]:
    """Yield the planned rows in the order of their keys, one row group at a time."""
    keys = [shuffle_key(header.seed, bucket, split, row) for row in range(len(plan))]
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


def _counts(documents: Documents, rows: Mapping[Split, int], padding: int, row_len: int) -> dict[str, int]:
    return {
        "documents": len(documents),
        "document_tokens": len(documents.tokens) - len(documents),
        "separators": len(documents),
        "padding": padding,
        "rows": sum(rows.values()),
        "slots": sum(rows.values()) * row_len,
        "train_rows": rows["train"],
        "validation_rows": rows["validation"],
    }
