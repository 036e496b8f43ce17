"""Records to text, by media type; markup is parsed in a child process that may die without harm.

``html`` and ``wikitext`` always go to the child (`pipelines.extraction.child`); ``text`` needs only decoding and
cleaning. Every record comes out exactly once, in order: with text, or with one of the reasons in
`pipelines.readers.reasons`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from pipelines.extraction import charset
from pipelines.extraction.clean import clean
from pipelines.extraction.engines import CAPS
from pipelines.extraction.messages import Answer, Request
from pipelines.extraction.sandbox import Sandbox
from pipelines.extraction.wiki import wikitext
from pipelines.readers.reasons import ExtractReason
from pipelines.readers.record import Media, Record
from pipelines.recipe.recipe import Extract

BATCH_RECORDS: Final = 64
"""Records sent to the child at once: enough that the pipe costs little, few enough to hold in memory twice."""
BATCH_BYTES: Final = 4 << 20
"""Payload bytes after which a batch is sent, even if it has fewer records."""

_TOO_BIG: Final[dict[Media, ExtractReason]] = {"html": "html_too_big", "wikitext": "wikitext_too_big"}


@dataclass(frozen=True, slots=True)
class Extracted:
    """The outcome for one record.

    Attributes:
        record: the record.
        text: clean text (`pipelines.extraction.clean`), never empty; None = there is a reason instead.
        reason: why there is no text; None = there is text.
        error: kind of error (exception class, ``timeout``, ``crash:SIGSEGV``); None for text and drops.
        message: details for people, at most 200 characters.
    """

    record: Record
    text: str | None
    reason: ExtractReason | None
    error: str | None
    message: str


class Extractor:
    """Owns the child process; one instance serves any number of calls, from several threads in turn.

    Use it as a context manager or call `close`; a child whose parent has ended ends by itself.
    """

    def __init__(self, settings: Extract, child_module: str = "pipelines.extraction.child") -> None:
        self._max_html_bytes = CAPS[settings.engine].bytes
        self._sandbox = Sandbox(settings, child_module)
        self._lock = threading.Lock()

    def extract(self, records: Iterable[Record]) -> Iterator[Extracted]:
        """Yield one outcome per record, in the order of the records, which are taken in batches.

        Raises:
            CorpusmillError: the child process cannot be started.
        """
        batch: list[Record] = []
        size = 0
        for record in records:
            batch.append(record)
            size += len(record.payload)
            if len(batch) == BATCH_RECORDS or size >= BATCH_BYTES:
                yield from self._extract_batch(batch)
                batch, size = [], 0
        yield from self._extract_batch(batch)

    def close(self) -> None:
        """End the child process. A later call of `extract` starts another."""
        with self._lock:
            self._sandbox.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _extract_batch(self, batch: list[Record]) -> Iterator[Extracted]:
        known = [self._without_child(record) for record in batch]
        requests = [
            Request(record.media, record.charset, record.payload, record.wiki)
            for record, answer in zip(batch, known, strict=True)
            if answer is None
        ]
        with self._lock:
            answers = iter(self._sandbox.run(requests))
        for record, answer in zip(batch, known, strict=True):
            found = next(answers) if answer is None else answer
            yield Extracted(record, found.text, found.reason, found.error, found.message)

    def _without_child(self, record: Record) -> Answer | None:
        """Answer records that need no parsing: plain text, and payloads too big for their parser."""
        if record.media == "text":
            return _plain(record)
        limit = self._max_html_bytes if record.media == "html" else wikitext.MAX_BYTES
        if len(record.payload) > limit:
            message = f"{len(record.payload):,} bytes; at most {limit:,} are parsed"
            return Answer(None, _TOO_BIG[record.media], None, message)
        return None


def _plain(record: Record) -> Answer:
    try:
        text = clean(charset.decode(record.payload, record.charset))
    except charset.UndecodableError as error:
        return Answer(None, "undecodable", None, str(error))
    return Answer(text) if text else Answer(None, "no_text")
