"""A document: its text, the place of its bytes, and an identity that depends on that place alone."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record's bytes are in its file.

    Attributes:
        offset: byte offset of the smallest independently decodable span that holds the record (gzip member,
            bz2 stream, Parquet row group, line).
        length: bytes of that span.
        index: number of the record inside the span, from 0.
    """

    offset: int
    length: int
    index: int


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a record's bytes are.

    Attributes:
        file: path relative to the literal prefix of the input pattern, with forward slashes.
        place: where in the file.
    """

    file: str
    place: Place


@dataclass(frozen=True, slots=True)
class Document:
    """One document on its way through the steps.

    Attributes:
        id: 32 hex characters, see `document_id`.
        record_id: the input's own identifier (WARC-Record-ID, JSON ``id``), if it has one.
        text: the extracted text.
        url: address of the page, if known.
        source: the input's ``source`` name in the recipe.
        language: language code as the language model names it; None before labelling.
        language_score: probability of `language`, 0 to 1; None before labelling.
        date: ISO 8601 time of the capture or revision, if known.
        origin: where the record's bytes are.
    """

    id: str
    record_id: str | None
    text: str
    url: str | None
    source: str
    language: str | None
    language_score: float | None
    date: str | None
    origin: Origin

    def with_text(self, text: str) -> Document:
        """Return a copy of this document with another text."""
        return replace(self, text=text)

    def with_language(self, language: str | None, score: float | None) -> Document:
        """Return a copy of this document with a language label."""
        return replace(self, language=language, language_score=score)


def document_id(source: str, file: str, offset: int, index: int) -> str:
    """Return the 32 hex characters that identify a record: blake2b-128 of its place.

    >>> document_id("web", "a.warc.gz", 0, 0) == document_id("web", "a.warc.gz", 0, 1)
    False
    """
    key = f"{source}\x00{file}\x00{offset}\x00{index}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(key, digest_size=16).hexdigest()
