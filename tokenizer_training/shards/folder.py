"""A shards folder, as its manifest describes it: files, row groups and rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypedDict

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tokenizer_training.shards.rows import Rows
from tokenizer_training.shards.schema import Header, NoRowsError, ShardError, read_header, table_to_rows

MANIFEST = "manifest.json"
HOME = "shards"


class ShardFact(TypedDict):
    """A file in the manifest.

    Attributes:
        path: its path in the run.
        rows, bytes: its size.
        sha256: hex digest of its bytes.
    """

    path: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Shard:
    """One file of a shards folder.

    Attributes:
        path: the file.
        name: path in the folder: ``train-00000-of-00002.parquet``, or ``de/train-…`` if there are shards per language.
        rows: number of rows.
        fact: its entry in the manifest.
    """

    path: Path
    name: str
    rows: int
    fact: ShardFact

    def belongs_to(self, split: str, language: str | None) -> bool:
        """Return True if it has rows of a split, and of a language unless that is None."""
        home, _, name = self.name.rpartition("/")
        return name.startswith(f"{split}-") and language in (None, home)


@dataclass(frozen=True, slots=True)
class RowGroup:
    """One row group: its file, its number in the file, its rows."""

    path: Path
    number: int
    rows: int


class ShardFolder:
    """One split of a shards folder. Its files are those of ``manifest.json``, whatever else is in the folder.

    Attributes:
        header: the metadata that all shards share.
        digest: hex sha256 of the manifest's entries for the split's files, their sha256 included.
        groups: all row groups, in stored order.
        group_rows: int64 [row groups]; rows of each.
        rows: number of rows.

    Args:
        folder: the shards folder.
        split: which rows.
        language: language of the rows, if there are shards per language; None = all.

    Raises:
        NoRowsError: there are no such rows.
        ShardError: see `open_manifest`; or a file is not what the manifest says.
    """

    def __init__(
        self, folder: Path | str, split: Literal["train", "validation"], language: str | None = None
    ) -> None:
        root = Path(folder)
        shards = [shard for shard in open_manifest(root) if shard.belongs_to(split, language)]
        self.rows = sum(shard.rows for shard in shards)
        if not self.rows:
            of = "" if language is None else f" of language {language}"
            raise NoRowsError(f"{root / MANIFEST}: there are no {split} rows{of}")
        facts = json.dumps([shard.fact for shard in shards], sort_keys=True)
        self.digest = hashlib.sha256(facts.encode()).hexdigest()
        self.header = _header_of(shards[0].path)
        size = self.header.row_group_rows
        self.groups = [
            RowGroup(shard.path, number, min(size, shard.rows - number * size))
            for shard in shards
            for number in range(-(-shard.rows // size))
        ]
        self.group_rows = np.array([group.rows for group in self.groups], dtype=np.int64)
        self._open: tuple[Path, pq.ParquetFile] | None = None

    def read(self, group: int) -> Rows:
        """Return the rows of one row group.

        Raises:
            ShardError: the file differs from the others or from the manifest, or is damaged.
        """
        wanted = self.groups[group]
        try:
            rows = table_to_rows(self._file(wanted.path).read_row_group(wanted.number, use_threads=False))
        except (OSError, pa.ArrowException, ShardError) as error:
            raise ShardError(
                f"{wanted.path}, row group {wanted.number}: {error}; run corpusmill verify, or fetch the file again"
            ) from error
        if len(rows) != wanted.rows:
            raise ShardError(f"{wanted.path}, row group {wanted.number}: {len(rows)} rows, not {wanted.rows}")
        return rows

    def _file(self, path: Path) -> pq.ParquetFile:
        if self._open is None or self._open[0] != path:
            file = pq.ParquetFile(path, page_checksum_verification=True)
            if read_header(file.schema_arrow) != self.header:
                raise ShardError("its key-value metadata differs from that of the first shard")
            self._open = (path, file)
        return self._open[1]

    def __getstate__(self) -> dict[str, object]:
        """Leave out the open file, so that a loader can be sent to worker processes."""
        return {**self.__dict__, "_open": None}


def open_manifest(folder: Path) -> list[Shard]:
    """Return every shard in the manifest of a folder, sorted by name.

    Raises:
        ShardError: the manifest is missing or was changed, or a file is missing or has another size.
    """
    manifest = folder / MANIFEST
    try:
        found = json.loads(manifest.read_bytes())
    except (OSError, ValueError) as error:
        raise ShardError(
            f"{manifest}: cannot be read ({error}); finish the run, or fetch the folder again"
        ) from None
    if not isinstance(found, dict) or not _is_sealed(found):
        raise ShardError(f"{manifest}: was changed after it was written (its sha256 differs)")
    shards = []
    for file in found["files"]:
        home, _, name = str(file["path"]).partition("/")
        if home != HOME:
            continue  # the same manifest names the pack stage's other tables
        path = folder / name
        size = path.stat().st_size if path.is_file() else None
        if size != file["bytes"]:
            raise ShardError(f"{path}: {size} bytes, the manifest says {file['bytes']}; fetch the file again")
        shards.append(Shard(path, name, file["rows"], file))
    return sorted(shards, key=lambda shard: shard.name)


def _is_sealed(value: Mapping[str, object]) -> bool:
    """Return True if a manifest's sha256 is that of its canonical JSON without this field."""
    body = {name: item for name, item in value.items() if name != "sha256"}
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest() == value.get("sha256")


def _header_of(path: Path) -> Header:
    try:
        return read_header(pq.read_schema(path))
    except (OSError, pa.ArrowException, ShardError) as error:
        raise ShardError(f"{path}: {error}") from error
