"""First step of stage train-tokenizer: counts the words of the finished text by language.

Units send their counts to the partition of each word's hash, as Arrow batches; a partition adds them up and
writes one table. It keeps the words with the largest weights, an equal number in each partition, so that the table of
the whole corpus fits in memory and the trainer's time has a bound.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from xxhash import xxh3_64_intdigest

from pipelines.errors import mapped
from pipelines.store.folders import Folder
from pipelines.store.manifest import Sidecar, read_sidecar, write_sidecar
from pipelines.store.storage import Storage
from pipelines.store.tables import batches, open_part
from pipelines.work.progress import record_done, record_rows
from pipelines.work.task import Part, Task
from tokenizer_training.model.weights import MAX_ROWS, prune
from tokenizer_training.model.words import SCHEMA, WordCounter, merge_tables

NAME: Final = "count-words"
FOLDER: Final = Folder(f"work/{NAME}/words", SCHEMA)
PARTITIONS: Final = 16
FLUSH_WORDS: Final = 1_000_000
"""Distinct words whose counts take about 200 MB."""

_CUT_WORDS = b"cut_words"

Keyed = tuple[int, bytes]


@dataclass(frozen=True)
class Counting:
    """One count of a corpus; pickled into the Beam graph.

    Attributes:
        root: the run folder.
        key: sha256 of the stage key.
        fingerprint: of the documents.
        alpha: exponent of language balancing, which decides what to keep if there are too many words.
        most: largest number of words kept in each partition.
        flush_words: distinct words that a worker holds before it sends them on.
    """

    root: str
    key: str
    fingerprint: str
    alpha: float
    most: int = MAX_ROWS // PARTITIONS
    flush_words: int = FLUSH_WORDS

    def sidecar(self, partition: int) -> Sidecar | None:
        """Return the sidecar of a partition that is finished."""
        return read_sidecar(Storage(self.root), NAME, _unit(partition), self.key, self.fingerprint)


@dataclass(frozen=True)
class Counted:
    """The words of a corpus.

    Attributes:
        table: of `words.SCHEMA`.
        totals: ``words`` and ``distinct_words`` of the whole text, ``cut_words`` (occurrences),
            ``pruned_words`` (distinct) and ``pruned_occurrences``.
    """

    table: pa.Table
    totals: Mapping[str, int]


def count_parts(tasks: Iterable[Task[Part]], counting: Counting) -> Iterator[Keyed]:
    """Yield (partition, Arrow stream of counts) for the documents of some parts.

    Every partition gets at least one batch, so that each of them writes its table.

    Raises:
        InputError: a part cannot be read.
    """
    counter, storage = WordCounter(), Storage(counting.root)
    for task in tasks:
        documents = 0
        for language, text in read_documents(task.payload.path):
            counter.add(language, text)
            documents += 1
            if counter.distinct >= counting.flush_words:
                yield from _partitioned(*counter.take())
        record_rows(storage, NAME, task.unit, "documents", documents)
        record_done(storage, NAME, task.unit, task.cost)
    yield from _partitioned(*counter.take())


def write_partition(partition: int, batches: Iterable[bytes], counting: Counting) -> None:
    """Add up the counts of one partition; write its table, then its sidecar."""
    tables = [pa.ipc.open_stream(batch).read_all() for batch in batches]
    counts = merge_tables(tables)
    kept = prune(counts, counting.alpha, counting.most)
    storage = Storage(counting.root)
    with storage.table_writer(FOLDER.part(_unit(partition)), FOLDER.schema) as writer:
        writer.write(kept)
    words, kept_words = _total(counts), _total(kept)
    totals = {
        "words": words,
        "distinct_words": counts.num_rows,
        "cut_words": sum(int(table.schema.metadata[_CUT_WORDS]) for table in tables),
        "pruned_words": counts.num_rows - kept.num_rows,
        "pruned_occurrences": words - kept_words,
    }
    facts = (writer.fact,) if writer.fact is not None else ()
    write_sidecar(storage, Sidecar(_unit(partition), totals, facts, NAME, counting.key, counting.fingerprint))


def read_documents(path: str) -> Iterator[tuple[str | None, str]]:
    """Yield (language, text) of the documents of one part, in order.

    Raises:
        InputError: the part is not there or is damaged.
    """
    with mapped(OSError, pa.ArrowInvalid, where=path, advice="`corpusmill verify` names all such files"):
        for batch in batches(path, ["language", "text"]):
            yield from zip(batch["language"].to_pylist(), batch["text"].to_pylist(), strict=True)


def read_table(path: Path) -> pa.Table:
    """Return the table of a partition."""
    with open_part(path) as part:
        return part.read()


def _partitioned(counts: pa.Table, cut: int) -> Iterator[Keyed]:
    """Yield the counts of every partition; the number of cut words travels with the first."""
    hashes = [xxh3_64_intdigest(word.encode()) for word in counts["word"].to_pylist()]
    partitions = np.array(hashes, np.uint64) % np.uint64(PARTITIONS)
    for partition in range(PARTITIONS):
        rows = counts.filter(pa.array(partitions == partition))
        metadata = {_CUT_WORDS: str(0 if partition else cut)}
        yield partition, _to_stream(rows.replace_schema_metadata(metadata))


def _to_stream(table: pa.Table) -> bytes:
    """Return a table as a compressed Arrow stream: a third of the bytes for Beam to hold."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def _total(counts: pa.Table) -> int:
    return int(pc.sum(counts["count"]).as_py() or 0)


def _unit(partition: int) -> str:
    """Return the name of a partition."""
    return f"{partition:02d}"
