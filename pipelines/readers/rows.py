"""Rows of named values (JSON objects, Parquet rows) become records; the names are the recipe's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from pipelines.readers.chunk_buffer import Place
from pipelines.readers.fields import iso_time, language_code, sound_text
from pipelines.readers.record import Record, Rejected

MESSAGE_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column holds what; None = no column does."""

    text: str
    id: str | None
    url: str | None
    date: str | None
    language: str | None

    def names(self) -> dict[str, str]:
        """Return the column of each value that has one, by the recipe key that sets it."""
        keys = ("text", "id", "url", "date", "language")
        return {key: name for key in keys if (name := getattr(self, key)) is not None}


def row_record(place: Place, row: Mapping[str, object], columns: Columns) -> Record | Rejected:
    """Return the record of a row; without text it is rejected as ``no_text`` or ``empty_payload``.

    Args:
        place: where the row lies.
        row: its values: text as str, or bytes that should be UTF-8.
        columns: which is which.
    """
    text = row.get(columns.text)
    record_id, url = _identity(_value(row, columns.id)), _string(_value(row, columns.url))
    stated = _Stated(record_id, url, _time(_value(row, columns.date)))
    if not isinstance(text, str | bytes):
        kind = "null" if text is None else type(text).__name__
        message = f"{columns.text} is {kind}" if columns.text in row else f"there is no {columns.text}"
        return _rejected(place, "no_text", None, message, stated)
    if not text:
        return _rejected(place, "empty_payload", None, "", stated)
    if isinstance(text, bytes) and (fault := _utf8_fault(text)):
        return _rejected(place, "bad_utf8", "bad_utf8", fault, stated)
    payload = sound_text(text).encode() if isinstance(text, str) else text
    language = language_code(_string(_value(row, columns.language)))
    return Record(
        *place,
        payload=payload,
        media="text",
        charset="utf-8",
        record_id=stated.record_id,
        url=stated.url,
        date=stated.date,
        language=language,
    )


class _Stated(NamedTuple):
    """What a row says about itself, whether or not it has text."""

    record_id: str | None
    url: str | None
    date: str | None


def _rejected(place: Place, reason: str, error: str | None, message: str, stated: _Stated) -> Rejected:
    return Rejected(
        *place,
        reason=reason,
        error=error,
        message=message[:MESSAGE_CHARACTERS],
        record_id=stated.record_id,
        url=stated.url,
        date=stated.date,
    )


def _value(row: Mapping[str, object], name: str | None) -> object:
    return None if name is None else row.get(name)


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
