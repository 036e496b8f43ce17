"""The format of a WARC or ARC file, found by its bytes: compression, layout, one record per compressed span or not."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO, Final

from pipelines.readers.archive.cutter import RecordCutter, WholeRecord
from pipelines.readers.archive.layout import ARC, WARC, Layout
from pipelines.readers.spans.chunk_buffer import ChunkBuffer, plain_chunks
from pipelines.readers.spans.compressed_spans import CompressedSpans
from pipelines.readers.spans.compression import (
    Codec,
    dictionary_codec,
    first_output,
    sniff,
    sniff_behind_damage,
)

HEAD_BYTES: Final = 1 << 20
"""Bytes at the start of a file in which its compression is looked for."""

LAYOUT_SPANS: Final = 4
"""Spans at the start of a file that are decoded to see if each holds one record."""
LAYOUT_HOLD: Final = 16 << 20
"""Decoded bytes of one of them to hold."""

LAYOUTS: Final = (WARC, ARC)

_PROBE_BYTES: Final = 1 << 12
_STARTS: Final = WARC.starts + ARC.starts


@dataclass(frozen=True)
class Format:
    """The format of a file.

    Attributes:
        codec: its compression; None = it is plain.
        layout: the layout of its records.
        aligned: each compressed span is one record.
    """

    codec: Codec | None
    layout: Layout
    aligned: bool


def head_of(stream: BinaryIO) -> bytes:
    """Return the first bytes of a file, in which its format is looked for."""
    stream.seek(0)
    return stream.read(HEAD_BYTES)


def format_of(stream: BinaryIO, head: bytes) -> Format:
    """Find out the format of a file, also where its first bytes are damaged.

    Raises:
        DecodeError: it needs a dictionary that cannot be read.
    """
    codec = dictionary_codec(stream) or sniff(head)
    if codec is None:
        plain = next((layout for layout in LAYOUTS if layout.plausible.search(head)), None)
        codec = None if plain else sniff_behind_damage(head, _STARTS)
        if codec is None:
            return Format(None, plain or WARC, aligned=False)
    layout = _first_layout(codec, head)
    return Format(codec, layout, aligned=not codec.sure and _spans_are_records(stream, codec, layout))


def _first_layout(codec: Codec, head: bytes) -> Layout:
    """Return the layout of the first span in the head of a file that starts as a record does."""
    for match in codec.magic.finditer(head):
        output = first_output(codec, head[match.start() : match.start() + _PROBE_BYTES])
        for layout in LAYOUTS:
            if layout.plausible.match(output):
                return layout
    return WARC


def _spans_are_records(stream: BinaryIO, codec: Codec, layout: Layout) -> bool:
    """Return True if one of the first spans that start as a record does holds exactly one record."""
    spans = CompressedSpans(stream, codec, LAYOUT_HOLD, starts_with=layout.starts, salvage=False)
    return any(_is_one_record(data, layout) for data in spans.samples(LAYOUT_SPANS))


def _is_one_record(data: bytes, layout: Layout) -> bool:
    cutter = RecordCutter(ChunkBuffer(plain_chunks(BytesIO(data))), layout, len(data), len(data))
    cuts = list(itertools.islice(cutter.cuts(), 2))
    return len(cuts) == 1 and isinstance(cuts[0], WholeRecord)
