"""Rows of formats that have no spans of their own (CSV, Arrow, one JSON array), streamed by the library `datasets`.

The span of a row is the whole file, so damage costs all rows behind it. A remote file is first copied to a temporary
one, with the same ranged reads as for every other remote file.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Final

from filters.document import Place
from pipelines.errors import CorpusmillError
from pipelines.readers.record import MESSAGE_CHARACTERS, Damaged, Event, Span
from pipelines.readers.rows.columns import Columns, Row, check_columns, row_record

COPY_BYTES: Final = 1 << 20
"""Bytes copied at once from a remote file."""


def dataset_rows(stream: BinaryIO, kind: str, columns: Columns, defaults: Columns) -> Iterator[Event]:
    """Yield the records of all rows of a file, then its span; as damage if not all of it can be read.

    Args:
        stream: the file; `datasets` learns from its name how it is compressed.
        kind: module of `datasets` that reads it.
        columns: the columns that the recipe names.
        defaults: the columns that the reader names by default.

    Raises:
        InputError: a column that the recipe names is not there.
    """
    size = stream.seek(0, 2)
    if size == 0:
        return
    name = str(getattr(stream, "name", "the file"))
    index = 0
    with ExitStack() as opened:
        path = _local(stream, name, opened)
        cache = opened.enter_context(tempfile.TemporaryDirectory())
        try:
            for row in _rows(path, kind, cache):
                if index == 0:
                    columns = check_columns(columns, defaults, row.__contains__, row, name)
                yield row_record(Place(0, size, index), row, columns)
                index += 1
        except CorpusmillError:
            raise
        except Exception as error:  # each of its parsers has exceptions of its own
            message = f"rows from {index} on cannot be read: {type(error).__name__}: {error}"
            yield Damaged(0, size, "corrupt", " ".join(message.split())[:MESSAGE_CHARACTERS])
            return
    yield Span(0, size, kind)


def _rows(path: Path, kind: str, cache: str) -> Iterator[Row]:
    import datasets

    datasets.config.HF_UPDATE_DOWNLOAD_COUNTS = False  # it would report each download to a server
    options: dict[str, Any] = {"sep": "\t"} if kind == "csv" and ".tsv" in path.suffixes else {}
    rows = datasets.load_dataset(
        kind, data_files=str(path), split="train", streaming=True, cache_dir=cache, **options
    )
    yield from rows


def _local(stream: BinaryIO, name: str, opened: ExitStack) -> Path:
    """Return the path of the file on this machine; a remote file is copied."""
    if Path(name).is_file():
        return Path(name)
    folder = opened.enter_context(tempfile.TemporaryDirectory())
    path = Path(folder) / PurePosixPath(name).name
    stream.seek(0)
    with path.open("wb") as copy:
        shutil.copyfileobj(stream, copy, COPY_BYTES)
    return path
