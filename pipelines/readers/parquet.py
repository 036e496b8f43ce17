"""Parquet tables with a column of text, which may be a field of a struct: a row group is a span."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, ClassVar, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from filters.document import Place
from pipelines.errors import InputError
from pipelines.readers.record import MESSAGE_CHARACTERS, Damaged, Event, Span
from pipelines.readers.rows.columns import Columns, Row, check_columns, columns_of, row_record
from pipelines.readers.rows.parquet_footer import Group, row_groups

BATCH_ROWS: Final = 256
"""Rows taken from a row group at a time: few enough that long texts do not fill the memory."""
BUFFER_BYTES: Final = 1 << 20
"""Bytes of one read of a column."""

MAGIC_BYTES: Final = 4
"""Bytes of ``PAR1`` at both ends."""
FOOTER_BYTES: Final = 12
"""Bytes of the shortest footer, with its length and ``PAR1``."""


@dataclass(frozen=True)
class Parquet:
    """Reads the text of each row; page checksums are verified where the file has them.

    Attributes:
        text: column of the text; ``meta.text`` is the field ``text`` of the struct ``meta``.
        id: column of the identifier; None = no column has it.
        url: column of the address; None = no column has it.
        date: column of the time; None = no column has it.
        language: column of the language code; None = no column has it.
    """

    SOURCE: ClassVar[str] = "parquet"

    text: str = "text"
    id: str | None = "id"
    url: str | None = "url"
    date: str | None = "date"
    language: str | None = None

    def splits(self, stream: BinaryIO) -> bool:
        """Return True if the file has several row groups, so that it can be read in byte ranges."""
        try:
            size = _size(stream)
            _open(stream, size)
            return len(_groups(stream, size)) > 1
        except _UnreadableError:
            return False

    def read(self, stream: BinaryIO, start: int, end: int) -> Iterator[Event]:
        """Yield the events of all spans that start in ``[start, end)``.

        Raises:
            InputError: a column that the recipe names is not there, or the text column holds no text.
        """
        size = _size(stream)
        try:
            file = _open(stream, size)
            groups = _groups(stream, size)
        except _UnreadableError as error:
            if start == 0 and size > 0:
                yield Damaged(0, size, "not_parquet", str(error)[:MESSAGE_CHARACTERS])
            return
        columns = self._columns(file.schema_arrow, getattr(stream, "name", "the file"))
        position = 0
        for group in groups:
            if start <= position < min(end, group.offset):
                yield Span(position, group.offset - position, "padding" if position else "header")
            if start <= group.offset < end:
                yield from _group_events(file, group, columns)
            position = group.offset + group.length
        if not groups and start == 0:
            yield Span(0, MAGIC_BYTES, "header")
        position = max(position, MAGIC_BYTES)
        if start <= position < end:
            yield Span(position, size - position, "footer")

    def _columns(self, schema: pa.Schema, file: str) -> Columns:
        """Return the columns to read; see `check_columns`."""
        fields = dict(_fields("", schema))
        found = check_columns(columns_of(self), columns_of(Parquet()), fields.__contains__, fields, file)
        if not _holds_text(fields[self.text]):
            raise InputError(
                f"{file}: column {self.text!r} holds {fields[self.text]}, not text; the columns "
                f"are: {', '.join(fields)}. Set `text:` of the input to the right one"
            )
        return found


def _fields(prefix: str, fields: Iterable[pa.Field]) -> Iterator[tuple[str, pa.DataType]]:
    """Yield names and types of columns; a struct is followed by its fields, named by paths with dots."""
    for field in fields:
        yield f"{prefix}{field.name}", field.type
        if pa.types.is_struct(field.type):
            yield from _fields(f"{prefix}{field.name}.", field.type)


class _UnreadableError(Exception):
    """The file as a whole cannot be read; the message is Arrow's."""


def _size(stream: BinaryIO) -> int:
    return stream.seek(0, 2)


def _open(stream: BinaryIO, size: int) -> pq.ParquetFile:
    if size == 0:
        raise _UnreadableError("the file is empty")
    stream.seek(0)
    try:
        return pq.ParquetFile(stream, buffer_size=BUFFER_BYTES, page_checksum_verification=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _UnreadableError(f"{error}; fetch the file again") from error


def _groups(stream: BinaryIO, size: int) -> list[Group]:
    """Return the row groups that hold rows, in the order of their bytes."""
    try:
        groups = row_groups(stream, size)
    except ValueError as error:
        raise _UnreadableError(f"{error}; fetch the file again") from error
    groups.sort(key=lambda group: group.offset)
    position = MAGIC_BYTES
    for group in groups:
        if group.length < 1 or group.offset < position or group.offset + group.length > size - FOOTER_BYTES:
            raise _UnreadableError(f"the footer gives row group {group.ordinal} an impossible place")
        position = group.offset + group.length
    return groups


def _group_events(file: pq.ParquetFile, group: Group, columns: Columns) -> Iterator[Event]:
    """Yield the records of a row group, then its span, or damage if a part of it cannot be read."""
    index = 0
    names = sorted(set(columns.names().values()))
    try:
        for batch in file.iter_batches(BATCH_ROWS, row_groups=[group.ordinal], columns=names):
            for row in _rows(batch, names):
                yield row_record(Place(group.offset, group.length, index), row, columns)
                index += 1
    except (pa.ArrowException, OSError, ValueError) as error:
        message = f"row group {group.ordinal}: rows from {index} on, of {group.rows}, cannot be read: {error}"
        yield Damaged(group.offset, group.length, "corrupt", message[:MESSAGE_CHARACTERS])
        return
    yield Span(group.offset, group.length, "row_group")


def _rows(batch: pa.RecordBatch, names: list[str]) -> list[Row]:
    """Return rows by column; text as bytes, because it may not be UTF-8."""
    arrays = {}
    for name in names:
        array = _column(batch, name)
        values = array.dictionary_decode() if pa.types.is_dictionary(array.type) else array
        arrays[name] = (values.cast(pa.large_binary()) if _holds_text(values.type) else values).to_pylist()
    return [dict(zip(arrays, values, strict=True)) for values in zip(*arrays.values(), strict=True)]


def _column(batch: pa.RecordBatch, name: str) -> pa.Array:
    """Return a column, or the field of a struct at a path."""
    if name in batch.schema.names:
        return batch.column(name)
    first, *path = name.split(".")
    return pc.struct_field(batch.column(first), path)


def _holds_text(kind: pa.DataType) -> bool:
    inner = kind.value_type if pa.types.is_dictionary(kind) else kind
    return any(
        test(inner)
        for test in (
            pa.types.is_string,
            pa.types.is_large_string,
            pa.types.is_string_view,
            pa.types.is_binary,
            pa.types.is_large_binary,
        )
    )
