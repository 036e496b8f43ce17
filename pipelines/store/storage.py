"""The only module that creates, commits and lists output files.

A file appears under its name complete or not at all: it is written under a name unique to the attempt in the
same folder, flushed to the disk, then renamed; the folder is flushed after. Readers trust manifests and never
list a folder, so the leftovers of a dead run are invisible; `Storage.sweep_dead_run` removes them.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import itertools
import json
import os
import shutil
import socket
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.errors import OutputError
from pipelines.faults import fail_point

TEMPORARY: Final = ".tmp"
LEFTOVERS: Final = ("work/**/todo.tsv", "work/**/failure", "work/progress.jsonl")
"""Coordination files shared by a run's processes."""
WriterOptions = Mapping[str, Any]
"""Keyword arguments of `pyarrow.parquet.ParquetWriter`."""

_attempts = itertools.count()


@dataclass(frozen=True, slots=True)
class FileFact:
    """A committed file.

    Attributes:
        path: relative to the run folder, with forward slashes.
        rows: number of rows; None for files that are not tables.
        bytes: size.
        sha256: of the content.
    """

    path: str
    rows: int | None
    bytes: int
    sha256: str

    def as_dict(self) -> dict[str, Any]:
        """Return the fact as it stands in sidecars and manifests."""
        return asdict(self)


class _HashingFile:
    """A binary file that hashes and counts what is written to it; it has the methods that `pq.ParquetWriter` calls."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with _naming(path):
            fail_point("create")
            self._file: BinaryIO = path.open("xb")
        self._sha256 = hashlib.sha256()
        self.size = 0
        self.closed = False

    def write(self, data: bytes) -> int:
        self._sha256.update(data)
        self.size += len(data)
        with _naming(self._path):
            fail_point("write")
            return self._file.write(data)

    def tell(self) -> int:
        return self.size

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            with _naming(self._path), self._file:
                self._file.flush()
                fail_point("fsync")
                os.fsync(self._file.fileno())

    def hexdigest(self) -> str:
        return self._sha256.hexdigest()


class _Attempt:
    """One attempt to write one file: `commit` makes it visible, `abandon` removes it."""

    def __init__(self, root: Path, relative: str) -> None:
        self._target = root / relative
        self._relative = relative
        self._target.parent.mkdir(parents=True, exist_ok=True)
        unique = f".{self._target.name}.{socket.gethostname()}.{os.getpid()}.{next(_attempts)}{TEMPORARY}"
        self._temporary = self._target.with_name(unique)
        self.file = _HashingFile(self._temporary)

    def commit(self, rows: int | None) -> FileFact:
        self.file.close()
        with _naming(self._target):
            fail_point("rename")
            self._temporary.rename(self._target)
            _fsync_folder(self._target.parent)
        return FileFact(self._relative, rows, self.file.size, self.file.hexdigest())

    def abandon(self) -> None:
        # An ENOSPC on close must not hide the first error, nor keep the half file.
        with contextlib.suppress(OSError):
            self.file.close()
        self._temporary.unlink(missing_ok=True)


class TableWriter:
    """Writes one Parquet file through the commit protocol; use it as a context manager.

    Each `write` becomes at least one row group. After a clean exit `fact` describes the committed file; after
    an exception nothing is left.
    """

    def __init__(self, attempt: _Attempt, schema: pa.Schema, options: WriterOptions) -> None:
        self._attempt = attempt
        self._rows = 0
        self._writer = pq.ParquetWriter(attempt.file, schema, **options)
        self.fact: FileFact | None = None

    def write(self, table: pa.Table | pa.RecordBatch, row_group_size: int | None = None) -> None:
        """Append a table or batch of the writer's schema as row groups of at most `row_group_size` rows."""
        if isinstance(table, pa.RecordBatch):
            table = pa.Table.from_batches([table])
        self._writer.write_table(table, row_group_size=row_group_size)
        self._rows += table.num_rows

    @property
    def bytes(self) -> int:
        """Bytes written so far."""
        return self._attempt.file.size

    def __enter__(self) -> TableWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        if kind is not None:
            with contextlib.suppress(Exception):
                self._writer.close()
            self._attempt.abandon()
            return
        try:
            self._writer.close()
            self.fact = self._attempt.commit(self._rows)
        except BaseException:
            self._attempt.abandon()
            raise


TABLE_OPTIONS: Final[WriterOptions] = {
    "compression": "zstd",
    "compression_level": 3,
    "write_page_checksum": True,
    "write_page_index": True,
}
"""Page checksums turn a flipped bit into an error instead of a wrong value; the page index lets a viewer read a page
without its row group. Both are off by default in pyarrow."""


class Storage:
    """The output folder of one run. Paths are relative to it, with forward slashes.

    Raises:
        OutputError: `root` is an address this version cannot write to.
    """

    def __init__(self, root: Path | str) -> None:
        if "://" in str(root):
            raise OutputError(
                f"--out {root}: object stores are not supported yet; give a local folder and copy it afterwards"
            )
        self.root = Path(root)

    def path(self, relative: str) -> Path:
        """Return where a file of the run lies."""
        return self.root / relative

    def exists(self, relative: str) -> bool:
        """Return True if a file of the run is there."""
        return self.path(relative).is_file()

    def table_writer(
        self, relative: str, schema: pa.Schema, options: WriterOptions = TABLE_OPTIONS
    ) -> TableWriter:
        """Open a Parquet file for writing; see `TableWriter`."""
        return TableWriter(_Attempt(self.root, relative), schema, options)

    def write_bytes(self, relative: str, data: bytes, rows: int | None = None) -> FileFact:
        """Write a whole file."""
        return self.write_chunks(relative, (data,), rows)

    def write_chunks(self, relative: str, chunks: Iterable[bytes], rows: int | None = None) -> FileFact:
        """Write a file piece by piece; it appears when all pieces are written."""
        attempt = _Attempt(self.root, relative)
        try:
            for data in chunks:
                attempt.file.write(data)
            return attempt.commit(rows)
        except BaseException:
            attempt.abandon()
            raise

    def read_json(self, relative: str) -> dict[str, Any] | None:
        """Return a JSON object, or None if the file is missing or holds no JSON object."""
        try:
            found = json.loads(self.path(relative).read_bytes())
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def append_line(self, relative: str, line: str) -> None:
        """Append one short line for other processes to read; not durable, not part of the output."""
        target = self.path(relative)
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("ab", buffering=0) as file:
            file.write(line.encode() + b"\n")

    def read_lines(self, relative: str) -> list[str]:
        """Return the complete lines of a file that was appended to; an empty list if it is missing."""
        try:
            return self.path(relative).read_text().split("\n")[:-1]
        except (FileNotFoundError, NotADirectoryError):
            return []

    def remove(self, relative: str) -> None:
        """Remove a file if it is there."""
        self.path(relative).unlink(missing_ok=True)

    def remove_files(
        self, folder: str, keep: Collection[str] = (), suffixes: tuple[str, ...] = ("",)
    ) -> None:
        """Remove all files below a folder of the run, but those to keep.

        Args:
            folder: relative to the run.
            keep: relative paths of files that stay.
            suffixes: only names that end in one of them are removed.
        """
        for relative in self.list_files(folder):
            if relative.endswith(suffixes) and relative not in keep:
                self.remove(relative)

    @contextlib.contextmanager
    def scratch(self, relative: str) -> Iterator[Path]:
        """Yield an empty folder for this process alone; it is removed afterwards, and a dead run's before."""
        path = self.path(relative)
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)

    def withdraw(self, relative: str) -> None:
        """Durably delete a completion marker before its outputs become stale."""
        path = self.path(relative)
        if path.exists():
            path.unlink()
            _fsync_folder(path.parent)

    def list_files(self, folder: str) -> list[str]:
        """Return the relative paths of all files below a folder of the run, temporary ones included."""
        found = sorted(path for path in self.path(folder).rglob("*") if path.is_file())
        return [path.relative_to(self.root).as_posix() for path in found]

    def sweep_dead_run(self) -> None:
        """Remove the leftovers of a dead run that no later run reads. Call it only under the lock.

        Marks of started units stay: they count attempts, and go with their unit.
        """
        self.sweep_temporary()
        for pattern in LEFTOVERS:
            self._remove_all(pattern)

    def sweep_temporary(self) -> None:
        """Remove the temporary files of dead attempts. Call it only while no worker is at work."""
        self._remove_all(f".*{TEMPORARY}")

    def _remove_all(self, pattern: str) -> None:
        for path in self.root.rglob(pattern):
            path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Lock the run folder for this process.

        Raises:
            OutputError: another process holds it; the message names its pid and host.
        """
        path = self.path("work/lock")
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                raise OutputError(
                    f"{self.root}: another run is writing here ({file.read().strip() or 'unknown holder'}); "
                    "wait for it, or choose another folder with --out"
                ) from None
            file.truncate(0)
            file.write(f"process {os.getpid()} on {socket.gethostname()}\n")
            file.flush()
            yield


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file as 64 hex characters."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Put a file's name into the errors of calls that know only its descriptor."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fail_point("fsync_folder")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
