"""Why a record has no text, and why bytes have no record: every reason that reading and extracting give.

A reason is a snake_case word in the columns ``reason`` of a run's tables, and part of the names under which records
are counted: ``dropped read.http_status``. The same word may stand for a drop and for an error: a page that the
crawler cut is dropped if the recipe says so, and a page that damage cut is an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, NewType

ReadReason = Literal[
    "bad_dictionary",
    "bad_header",
    "bad_http",
    "bad_json",
    "bad_tar",
    "bad_utf8",
    "bad_xml",
    "content_encoding",
    "content_length",
    "content_model",
    "corrupt",
    "digest",
    "document_type",
    "empty_file",
    "empty_payload",
    "encoding",
    "http_status",
    "mime_type",
    "namespace",
    "no_text",
    "not_a_record",
    "not_bzip2",
    "not_gzip",
    "not_mediawiki",
    "not_parquet",
    "not_zstd",
    "redirect",
    "too_big",
    "truncated",
    "unsupported_format",
]
"""A reason of a reader of ours."""

OwnReason = NewType("OwnReason", str)
"""A reason of a reader of the user's own: ``OwnReason("no_title")``, or just the word where types are not checked."""

ExtractReason = Literal[
    "crash",
    "engine_error",
    "html_too_big",
    "html_too_deep",
    "no_text",
    "out_of_memory",
    "timeout",
    "too_many_attributes",
    "too_many_tags",
    "undecodable",
    "wikitext_too_big",
]
"""A reason of the extraction."""

Outcome = Literal["dropped", "error", "damaged"]
"""``dropped``: the record is not wanted; ``error``: it cannot be read; ``damaged``: bytes without a record."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason and its meaning.

    Attributes:
        step: who gives it: ``read`` or ``extract``.
        name: the word in the tables.
        outcome: ``dropped`` and ``error`` are of records, ``damaged`` is of bytes.
        meaning: one line for people.
    """

    step: Literal["read", "extract"]
    name: ReadReason | ExtractReason
    outcome: Outcome
    meaning: str


REASONS: Final = (
    Reason("read", "content_model", "dropped", "the wiki page is code or data, not wikitext"),
    Reason("read", "empty_payload", "dropped", "the record or its text is empty"),
    Reason("read", "http_status", "dropped", "the HTTP status is not 200"),
    Reason("read", "mime_type", "dropped", "the media type is neither HTML nor plain text"),
    Reason(
        "read",
        "namespace",
        "dropped",
        "the wiki page is not an article: talk, template, category or the like",
    ),
    Reason("read", "no_text", "dropped", "the row has no text, or the wiki page has none"),
    Reason("read", "redirect", "dropped", "the wiki page only points to another one"),
    Reason("read", "truncated", "dropped", "the crawler cut the page, and the recipe says `truncated: drop`"),
    Reason("read", "bad_http", "error", "the response has no HTTP status line"),
    Reason("read", "bad_json", "error", "the line is not a JSON object"),
    Reason("read", "bad_utf8", "error", "the text of the row is not valid UTF-8"),
    Reason("read", "bad_xml", "error", "the wiki page is not well-formed XML, or has no end tag"),
    Reason(
        "read", "content_encoding", "error", "the body cannot be decompressed as its Content-Encoding says"
    ),
    Reason("read", "content_length", "error", "the record has no Content-Length, or one that is wrong"),
    Reason(
        "read",
        "too_big",
        "error",
        "the record, body, line or wiki page is larger than the reader's limit in MiB",
    ),
    Reason("read", "truncated", "error", "the wiki page is cut off by damage or by the end of the file"),
    Reason(
        "read",
        "bad_dictionary",
        "damaged",
        "the Zstandard dictionary at the start of the file cannot be read",
    ),
    Reason("read", "bad_header", "damaged", "the header of a WARC or ARC record cannot be parsed"),
    Reason("read", "bad_tar", "damaged", "there is no tar header where one should be"),
    Reason(
        "read",
        "content_length",
        "damaged",
        "a record without content, such as a request, has no Content-Length or a wrong one",
    ),
    Reason(
        "read", "corrupt", "damaged", "a gzip member, bzip2 stream, zstd frame or row group cannot be decoded"
    ),
    Reason(
        "read",
        "digest",
        "damaged",
        "the record does not have the digest that its header states; it is read anyway",
    ),
    Reason(
        "read", "document_type", "damaged", "the export declares a document type; the whole file is refused"
    ),
    Reason("read", "empty_file", "damaged", "the file has no bytes"),
    Reason(
        "read", "encoding", "damaged", "the export is neither UTF-8 nor UTF-16; the whole file is refused"
    ),
    Reason("read", "not_a_record", "damaged", "bytes where a WARC or ARC record should start"),
    Reason("read", "not_bzip2", "damaged", "bytes where a bzip2 stream should start"),
    Reason("read", "not_gzip", "damaged", "bytes where a gzip member should start"),
    Reason("read", "not_mediawiki", "damaged", "the file is not a MediaWiki export"),
    Reason("read", "not_parquet", "damaged", "the file is not Parquet, or its footer is damaged"),
    Reason("read", "not_zstd", "damaged", "bytes where a zstd frame should start"),
    Reason(
        "read",
        "too_big",
        "damaged",
        "a compressed member decodes to more than 64 times the bytes held in memory",
    ),
    Reason("read", "truncated", "damaged", "the file ends early; fetch it again"),
    Reason(
        "read", "unsupported_format", "damaged", "the file is compressed in a way that is not read; unpack it"
    ),
    Reason("extract", "html_too_big", "dropped", "the page has more bytes than the engine is given"),
    Reason("extract", "html_too_deep", "dropped", "more elements are open at once than the engine is given"),
    Reason("extract", "no_text", "dropped", "the engine found no main text"),
    Reason("extract", "too_many_attributes", "dropped", "a tag has more attributes than the engine is given"),
    Reason("extract", "too_many_tags", "dropped", "the page has more tags than the engine is given"),
    Reason("extract", "undecodable", "dropped", "the bytes are not text in any encoding stated or detected"),
    Reason("extract", "wikitext_too_big", "dropped", "the wikitext has more bytes than are parsed"),
    Reason("extract", "crash", "error", "the extraction process or the worker died at this record, twice"),
    Reason("extract", "engine_error", "error", "the engine raised an exception"),
    Reason("extract", "out_of_memory", "error", "the record needs more memory than `extract.memory_mb`"),
    Reason("extract", "timeout", "error", "the record takes more CPU time than `extract.deadline_s`"),
)
"""Every reason of reading and extracting, by step and outcome."""
