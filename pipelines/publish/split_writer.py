"""Writes rows of many languages and splits to few files of bounded size."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa

from pipelines.publish.files import RepoFile, numbered
from pipelines.store.storage import TABLE_OPTIONS, FileFact, Storage, TableWriter

TEXT_OPTIONS: Final = {**TABLE_OPTIONS, "use_content_defined_chunking": True}
"""With content-defined chunks, the Hub's storage has most chunks already after a small change of a run."""
FILE_BYTES: Final = 256 << 20
"""A file of this size is closed, and the next one opened."""
ROW_GROUP_BYTES: Final = 64 << 20
"""The viewer of the Hub reads at most 300 MB at once; `datasets` itself writes row groups of 100 MB."""

MEMORY_BYTES: Final = 512 << 20
"""Rows that may wait in memory, of all folders together."""


@dataclass
class _Output:
    """One split of one folder: its waiting rows, its open file and its finished files."""

    waiting: list[pa.Table] = field(default_factory=list)
    bytes: int = 0
    writer: TableWriter | None = None
    memory: int = 0
    facts: list[tuple[FileFact, int]] = field(default_factory=list)


class SplitWriter:
    """Context manager that collects rows per folder and split; `files` returns the written files.

    Args:
        storage: the run.
        root: folder of the run that the files are written below.
        schema: of every file.
        file_bytes: a file of this size is closed, and the next one opened.
    """

    def __init__(self, storage: Storage, root: str, schema: pa.Schema, file_bytes: int = FILE_BYTES) -> None:
        self._storage, self._root, self._schema, self._limit = storage, root, schema, file_bytes
        self._outputs: dict[tuple[str, str], _Output] = {}

    def write(self, folder: str, split: str, rows: pa.Table) -> None:
        """Add rows; they are written when they fill a row group, or when all waiting rows fill the memory."""
        if not rows.num_rows:
            return
        output = self._outputs.setdefault((folder, split), _Output())
        output.waiting.append(rows)
        output.bytes += rows.nbytes
        if output.bytes >= ROW_GROUP_BYTES:
            self._flush(folder, split)
        elif sum(other.bytes for other in self._outputs.values()) >= MEMORY_BYTES:
            self._flush(*max(self._outputs, key=lambda key: self._outputs[key].bytes))

    def files(self, config: dict[str, str]) -> list[RepoFile]:
        """Return the files, with a configuration by folder; call it after the context has ended."""
        return [
            RepoFile(
                f"{folder}/{numbered(split, n, len(output.facts))}",
                self._storage.path(fact.path),
                fact.bytes,
                fact.sha256,
                fact.rows,
                memory,
                config.get(folder, folder),
                split,
            )
            for (folder, split), output in sorted(self._outputs.items())
            for n, (fact, memory) in enumerate(output.facts)
        ]

    def __enter__(self) -> SplitWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: Any) -> None:
        for (folder, split), output in self._outputs.items():
            if kind is None:
                self._flush(folder, split)
                self._close(output)
            elif output.writer is not None:
                output.writer.__exit__(kind, None, None)

    def _flush(self, folder: str, split: str) -> None:
        output = self._outputs[folder, split]
        if not output.waiting:
            return
        if output.writer is None:
            name = f"{self._root}/{folder}/{split}-{len(output.facts):05d}.parquet"
            output.writer = self._storage.table_writer(name, self._schema, TEXT_OPTIONS).__enter__()
        table = pa.concat_tables(output.waiting).cast(self._schema)
        output.writer.write(table, row_group_size=table.num_rows)
        output.memory += table.nbytes
        output.waiting, output.bytes = [], 0
        if output.writer.bytes >= self._limit:
            self._close(output)

    def _close(self, output: _Output) -> None:
        if output.writer is None:
            return
        output.writer.__exit__(None, None, None)
        if output.writer.fact is not None:
            output.facts.append((output.writer.fact, output.memory))
        output.writer, output.memory = None, 0
