"""The events that a reader yields, and the interface of a reader.

A reader walks one byte range of one file and yields four kinds of event. Every content record of the range
comes exactly once as a `Record` or a `Rejected`; every byte of the range belongs to exactly one `Span` or
`Damaged`, so that lengths add up to the range.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, ClassVar, Final, Literal, Protocol

from filters.document import Place
from pipelines.readers.reasons import OwnReason, ReadReason

Media = Literal["html", "wikitext", "text"]

MESSAGE_CHARACTERS: Final = 200
"""Characters of the longest message."""


@dataclass(frozen=True, slots=True)
class Wiki:
    """Settings of the wikitext parser.

    Attributes:
        hidden: names of the namespaces for files and categories, lower case: links into them show no prose.
        tables: keep tables.
    """

    hidden: tuple[str, ...] = ()
    tables: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """One content record: a page, an article, a row.

    Attributes:
        place: where its bytes lie in the file.
        payload: undecoded content; text formats carry UTF-8.
        media: kind of the payload.
        charset: charset declared by the transport, or None.
        record_id: the input's own identifier, or None.
        url: address, or None.
        date: ISO 8601 time, or None.
        language: language that the input states (an ISO 639 code), or None.
        wiki: how to read wikitext; None = by the defaults.
    """

    place: Place
    payload: bytes
    media: Media
    charset: str | None = None
    record_id: str | None = None
    url: str | None = None
    date: str | None = None
    language: str | None = None
    wiki: Wiki | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """One content record without a payload to extract: dropped by a rule of the reader, or an error.

    Attributes:
        place: where its bytes lie in the file.
        reason: a word of `pipelines.readers.reasons`, or one of the user's own.
        error: the record could not be read; False = it is not wanted.
        message: evidence, at most 200 characters.
        record_id: the input's own identifier, or None.
        url: address, or None.
        date: ISO 8601 time, or None.
    """

    place: Place
    reason: ReadReason | OwnReason
    error: bool = False
    message: str = ""
    record_id: str | None = None
    url: str | None = None
    date: str | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes that were read and understood, by kind: a WARC record type, ``page``, ``header``, ``padding``."""

    offset: int
    length: int
    kind: str


@dataclass(frozen=True, slots=True)
class Damaged:
    """Bytes that could not be read: where, why, and a message of at most 200 characters."""

    offset: int
    length: int
    reason: ReadReason | OwnReason
    message: str


Event = Record | Rejected | Span | Damaged


class Reader(Protocol):
    """A frozen dataclass whose fields are its recipe keys; stateless, one instance serves many files.

    Attributes:
        SOURCE: default ``source`` name of inputs read with it.
    """

    SOURCE: ClassVar[str]

    def splits(self, stream: BinaryIO) -> bool:
        """Return True if several workers may read this file, a byte range each."""
        ...

    def read(self, stream: BinaryIO, start: int, end: int) -> Iterator[Event]:
        """Yield the events of all spans that start in ``[start, end)``; the last one may end after `end`.

        The stream is seekable. Lengths of Span and Damaged events are contiguous from the first span that
        starts at or after `start` (exactly `start` when it is 0) up to the first that starts at or after
        `end`, or the end of the file.
        """
        ...
