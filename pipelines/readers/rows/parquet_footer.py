"""The row groups of a Parquet file, read from its footer: where they lie and how many rows they hold.

Arrow can read a footer too, but `RowGroupMetaData.column` of pyarrow 25 ends the whole process on some damaged ones:
Arrow validates the size statistics of the column and throws where the binding expects no exception
(``SizeStatistics::Validate``, https://github.com/apache/arrow/blob/main/cpp/src/parquet/size_statistics.cc; in Python
nothing can catch it). A test fails as soon as pyarrow raises an ordinary exception instead; then this file can go.

The footer is a struct of Thrift's compact protocol
(https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md); the numbers of its fields are those
of https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, BinaryIO, Final, NamedTuple

TAIL_BYTES: Final = 8
"""Bytes of the footer's length and ``PAR1``."""

# Numbers of fields in FileMetaData, RowGroup, RowGroup, ColumnChunk; then in ColumnMetaData; then types of a boolean.
_ROW_GROUPS, _COLUMNS, _ROWS, _META = 4, 1, 3, 3
_COMPRESSED_SIZE, _DATA_PAGE, _DICTIONARY_PAGE = 7, 9, 11
_TRUE, _FALSE = 1, 2


class Group(NamedTuple):
    """One row group.

    Attributes:
        ordinal: its number in the footer, from 0.
        offset: its first byte in the file.
        length: its bytes.
        rows: its rows.
    """

    ordinal: int
    offset: int
    length: int
    rows: int


def row_groups(stream: BinaryIO, size: int) -> list[Group]:
    """Return the row groups that hold rows, in the order of the footer.

    Raises:
        ValueError: the bytes are not a footer.
    """
    stream.seek(size - TAIL_BYTES)
    length = int.from_bytes(stream.read(TAIL_BYTES)[:4], "little")
    stream.seek(max(size - TAIL_BYTES - length, 0))
    try:
        found = _Compact(stream.read(length)).struct()
        groups = [_group(ordinal, fields) for ordinal, fields in enumerate(found[_ROW_GROUPS])]
    except (IndexError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("the footer cannot be read") from error
    return [group for group in groups if group is not None]


def _group(ordinal: int, fields: dict[int, Any]) -> Group | None:
    starts, ends = [], []
    for column in fields[_COLUMNS]:
        facts = column[_META]
        pages = [at for at in (facts.get(_DICTIONARY_PAGE), facts.get(_DATA_PAGE)) if at]
        if pages and facts[_COMPRESSED_SIZE]:
            starts.append(min(pages))
            ends.append(min(pages) + facts[_COMPRESSED_SIZE])
    if not starts or not fields[_ROWS]:
        return None
    return Group(ordinal, min(starts), max(ends) - min(starts), fields[_ROWS])


class _Compact:
    """Decodes Thrift's compact protocol: a struct becomes a dictionary by field number, a list a list."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        number = self._signed
        self._readers: dict[int, Callable[[], Any]] = {
            _TRUE: self._byte,
            _FALSE: self._byte,
            3: self._byte,
            4: number,
            5: number,
            6: number,
            7: lambda: self._bytes(8),
            8: lambda: self._bytes(self._unsigned()),
            9: self._list,
            10: self._list,
            11: self._map,
            12: self.struct,
            13: lambda: self._bytes(16),
        }

    def struct(self) -> dict[int, Any]:
        """Read a struct; values by field number."""
        fields, number = {}, 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self._signed()
            kind = head & 15  # for a boolean, the type is the value
            fields[number] = kind == _TRUE if kind in (_TRUE, _FALSE) else self._readers[kind]()
        return fields

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _bytes(self, length: int) -> bytes:
        self._at += length
        if self._at > len(self._data):
            raise IndexError(self._at)
        return self._data[self._at - length : self._at]

    def _unsigned(self) -> int:
        value, shift = 0, 0
        while (byte := self._byte()) & 128:
            value |= (byte & 127) << shift
            shift += 7
            if shift > 63:
                raise IndexError(self._at)
        return value | byte << shift

    def _signed(self) -> int:
        value = self._unsigned()
        return value >> 1 ^ -(value & 1)

    def _list(self) -> list[Any]:
        head = self._byte()
        length = head >> 4 if head >> 4 < 15 else self._unsigned()
        read = self._readers[head & 15]
        return [read() for _ in range(length)]

    def _map(self) -> list[tuple[Any, Any]]:
        length = self._unsigned()
        kinds = self._byte() if length else 0
        return [(self._readers[kinds >> 4](), self._readers[kinds & 15]()) for _ in range(length)]
