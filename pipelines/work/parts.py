"""Writes the parts of one unit, one open file per folder at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from types import TracebackType

import pyarrow as pa

from pipelines.store.folders import Folder
from pipelines.store.storage import FileFact, Storage, TableWriter


class PartWriter:
    """Context manager that opens parts as batches come, and commits each when it is complete.

    After a clean exit `facts` describes all of them. After an exception the open ones leave nothing behind;
    those committed before have no sidecar, so they stay invisible until the unit is done again.

    Args:
        storage: the run.
        folders: what the unit may write into.
        unit: name of the unit, and of its own parts.
    """

    def __init__(self, storage: Storage, folders: Sequence[Folder], unit: str) -> None:
        self._storage = storage
        self._folders = {folder.name: folder for folder in folders}
        self._unit = unit
        self._open: dict[str, tuple[str, TableWriter]] = {}
        self.facts: list[FileFact] = []

    def write(self, folder: str, table: pa.Table, part: str | None = None) -> None:
        """Append rows to a part of a folder: the unit's own, or the one named."""
        self._writer(self._folders[folder], part or self._unit).write(table)

    def __enter__(self) -> PartWriter:
        with contextlib.ExitStack() as opened:  # if one cannot be opened, the others are abandoned
            for folder in self._folders.values():
                if folder.per_unit:
                    opened.push(self._writer(folder, self._unit))
            opened.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        writers = [writer for _, writer in self._open.values()]
        opened = contextlib.ExitStack()  # a commit that fails abandons the others
        for writer in writers:
            opened.push(writer)
        opened.__exit__(kind, error, trace)
        self.facts += [writer.fact for writer in writers if writer.fact is not None]

    def _writer(self, folder: Folder, part: str) -> TableWriter:
        name, writer = self._open.get(folder.name, ("", None))
        if writer is not None and name == part:
            return writer
        if writer is not None:
            self._commit(folder.name)
        writer = self._storage.table_writer(folder.part(part), folder.schema, folder.options)
        self._open[folder.name] = (part, writer)
        return writer

    def _commit(self, folder: str) -> None:
        _, writer = self._open.pop(folder)
        with writer:
            pass  # leaving it commits
        if writer.fact is not None:
            self.facts.append(writer.fact)
