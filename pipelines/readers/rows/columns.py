"""Which column of a row (a JSON object, a Parquet row) holds the text, the URL and so on, and a row as a record.

The recipe names the columns. A name with dots is a column of that name, or else a path into nested values:
``meta.url`` is ``url`` in ``meta``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, NamedTuple

from filters.document import Place
from pipelines.errors import InputError
from pipelines.readers.fields import iso_time, language_code, sound_text
from pipelines.readers.reasons import ReadReason
from pipelines.readers.record import MESSAGE_CHARACTERS, Record, Rejected

Row = Mapping[str, object]
"""Values by column."""

KEYS: Final = ("text", "id", "url", "date", "language")
"""Recipe keys that name a column."""

MISSING: Final = object()
"""Stands for a value that a row does not have."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The name of the column of each value; None = there is no such column."""

    text: str
    id: str | None
    url: str | None
    date: str | None
    language: str | None

    def names(self) -> dict[str, str]:
        """Return the column of each value that has one, by the recipe key that sets it."""
        return {key: name for key in KEYS if (name := getattr(self, key)) is not None}


def columns_of(reader: object) -> Columns:
    """Return the columns that a reader's recipe keys name."""
    return Columns(*(getattr(reader, key) for key in KEYS))


def check_columns(
    columns: Columns, defaults: Columns, has: Callable[[str], bool], there: Iterable[str], file: str
) -> Columns:
    """Return the columns that a file has. Columns that only the defaults name may be missing, except the text.

    Args:
        columns: those that the recipe names.
        defaults: those that the reader names by default.
        has: returns True if the file has a column.
        there: names of all columns of the file, for the message.
        file: name of the file, for the message.

    Raises:
        InputError: a column that the recipe names is not there.
    """
    found: dict[str, str | None] = dict.fromkeys(KEYS)
    for key, name in columns.names().items():
        if has(name):
            found[key] = name
        elif key == "text" or name != getattr(defaults, key):
            raise InputError(
                f"{file}: there is no column {name!r}; the columns are: {', '.join(there)}. "
                f"Set `{key}:` of the input to the right one"
            )
    return Columns(columns.text, found["id"], found["url"], found["date"], found["language"])


def value_at(row: Row, name: str) -> object:
    """Return the value of a column or of a path into nested values; `MISSING` if the row has none.

    >>> value_at({"a.b": 1, "a": {"b": 2, "c": None}}, "a.b"), value_at({"a": {"c": None}}, "a.c")
    (1, None)
    """
    if name in row:
        return row[name]
    value: object = row
    for part in name.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return MISSING
        value = value[part]
    return value


def row_record(place: Place, row: Row, columns: Columns) -> Record | Rejected:
    """Return the record of a row. A row without text is rejected as ``no_text`` or ``empty_payload``.

    Args:
        place: where the row lies.
        row: its values; text as str, or as bytes that should be UTF-8.
        columns: the column of each value.
    """
    text = value_at(row, columns.text)
    record_id, url = _identity(_value(row, columns.id)), _string(_value(row, columns.url))
    stated = _Stated(record_id, url, _time(_value(row, columns.date)))
    if not isinstance(text, str | bytes):
        kind = "null" if text is None else type(text).__name__
        message = f"there is no {columns.text}" if text is MISSING else f"{columns.text} is {kind}"
        return _rejected(place, "no_text", message, stated)
    if not text:
        return _rejected(place, "empty_payload", "", stated)
    if isinstance(text, bytes) and (fault := _utf8_fault(text)):
        return _rejected(place, "bad_utf8", fault, stated, error=True)
    payload = sound_text(text).encode() if isinstance(text, str) else text
    language = language_code(_string(_value(row, columns.language)))
    return Record(
        place,
        payload,
        "text",
        charset="utf-8",
        record_id=stated.record_id,
        url=stated.url,
        date=stated.date,
        language=language,
    )


class _Stated(NamedTuple):
    """Values of a row besides its text."""

    record_id: str | None
    url: str | None
    date: str | None


def _rejected(
    place: Place, reason: ReadReason, message: str, stated: _Stated, *, error: bool = False
) -> Rejected:
    return Rejected(
        place,
        reason,
        error,
        message[:MESSAGE_CHARACTERS],
        record_id=stated.record_id,
        url=stated.url,
        date=stated.date,
    )


def _value(row: Row, name: str | None) -> object:
    return None if name is None else value_at(row, name)


def _utf8_fault(text: bytes) -> str | None:
    try:
        text.decode()
    except UnicodeDecodeError as error:
        return str(error)[:MESSAGE_CHARACTERS]
    return None


def _identity(value: object) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return _string(value)


def _string(value: object) -> str | None:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return sound_text(value) or None if isinstance(value, str) else None


def _time(value: object) -> str | None:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return iso_time(_string(value))
