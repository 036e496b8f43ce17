"""The messages between the parent and the child process, and their frames.

A frame is the lengths of a JSON head and of a body as two big-endian 32-bit integers, then head and body. A batch is
the number of bytes of its frames as a 64-bit integer, then one frame per request. The child answers each request with
one frame. Nothing is ever unpickled: the child handles hostile input, so the parent must not trust its objects.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from pipelines.readers.reasons import ExtractReason
from pipelines.readers.record import Media, Wiki

BATCH: Final = struct.Struct(">Q")
"""Bytes of a batch."""
LENGTHS: Final = struct.Struct(">II")
"""Bytes of a head and of a body."""
READY: Final = b"ready\n"
"""Sent by the child once its libraries are loaded and its limits set."""


@dataclass(frozen=True, slots=True)
class Request:
    """One payload to extract; see `pipelines.readers.record.Record`."""

    media: Media
    charset: str | None
    payload: bytes
    wiki: Wiki | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome of one request; see `pipelines.extraction.extractor.Extracted`."""

    text: str | None
    reason: ExtractReason | None = None
    error: str | None = None
    message: str = ""


def pack_batch(requests: Iterable[Request]) -> bytes:
    """Return the bytes of a batch."""
    frames = b"".join(
        _pack([request.media, request.charset, _wiki_head(request.wiki)], request.payload)
        for request in requests
    )
    return BATCH.pack(len(frames)) + frames


def unpack_batch(frames: bytes) -> Iterator[Request]:
    """Yield the requests of a batch, given its frames."""
    at = 0
    while at < len(frames):
        head, body = LENGTHS.unpack_from(frames, at)
        at += LENGTHS.size
        media, charset, wiki = json.loads(frames[at : at + head])
        at += head + body
        yield Request(media, charset, frames[at - body : at], wiki and Wiki(tuple(wiki[0]), wiki[1]))


def pack_answer(answer: Answer) -> bytes:
    """Return the frame of an answer; its text must hold no lone surrogates."""
    body = b"" if answer.text is None else answer.text.encode()
    return _pack([answer.text is not None, answer.reason, answer.error, answer.message], body)


def unpack_answer(data: bytes | bytearray) -> tuple[Answer, int] | None:
    """Return the first answer in `data` and the bytes of its frame, or None if it is not complete."""
    if len(data) < LENGTHS.size:
        return None
    head, body = LENGTHS.unpack_from(data)
    start, end = LENGTHS.size + head, LENGTHS.size + head + body
    if len(data) < end:
        return None
    found, reason, error, message = json.loads(data[LENGTHS.size : start])
    return Answer(data[start:end].decode() if found else None, reason, error, message), end


def _wiki_head(wiki: Wiki | None) -> list[object] | None:
    return None if wiki is None else [wiki.hidden, wiki.tables]


def _pack(head: list[object], body: bytes) -> bytes:
    encoded = json.dumps(head).encode()
    return LENGTHS.pack(len(encoded), len(body)) + encoded + body
