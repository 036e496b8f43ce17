"""Helpers for all readers: read files given as bytes, and check on the way that no byte is lost."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from pipelines.readers.record import Damaged, Event, Reader, Record, Rejected, Span


@dataclass(frozen=True)
class Events:
    """The events of one file."""

    all: list[Event]

    @property
    def records(self) -> list[Record]:
        return [event for event in self.all if isinstance(event, Record)]

    @property
    def rejected(self) -> list[Rejected]:
        return [event for event in self.all if isinstance(event, Rejected)]

    @property
    def damaged(self) -> list[Damaged]:
        return [event for event in self.all if isinstance(event, Damaged)]

    @property
    def payloads(self) -> list[bytes]:
        return [record.payload for record in self.records]

    @property
    def reasons(self) -> list[str]:
        return [event.reason for event in self.rejected]

    @property
    def kinds(self) -> list[str]:
        return [event.kind for event in self.all if isinstance(event, Span)]

    @property
    def reports(self) -> list[Event]:
        """Return the damage and the records that are errors."""
        return [*self.damaged, *(event for event in self.rejected if event.error)]

    @property
    def report_offsets(self) -> list[int]:
        """Return where these lie."""
        return [event.offset for event in self.damaged] + [
            event.place.offset for event in self.rejected if event.error
        ]


def _read(reader: Reader, data: bytes) -> Events:
    """Read a whole file; its spans and damage must tile it."""
    events = list(reader.read(io.BytesIO(data), 0, len(data)))
    position = 0
    for event in events:
        if isinstance(event, Span | Damaged):
            assert event.offset == position, f"{event} should start at {position}"
            position += event.length
        else:
            assert 0 <= event.place.offset <= len(data)
        assert len(getattr(event, "message", "")) <= 200
    assert position == len(data)
    return Events(events)


def _ranges(reader: Reader, data: bytes, cuts: Sequence[int]) -> list[Event]:
    """Read a file range by range, each with a fresh stream as different workers would; join the events."""
    edges = sorted({0, len(data), *(min(cut, len(data)) for cut in cuts)})
    return [
        event
        for start, end in itertools.pairwise(edges)
        for event in reader.read(io.BytesIO(data), start, end)
    ]


def _response(
    payload: bytes, *http: tuple[str, str], status: str = "200 OK", warc: dict[str, str] | None = None
) -> Callable[[WARCWriter, int], Any]:
    headers = StatusAndHeaders(status, list(http or [("Content-Type", "text/html")]), protocol="HTTP/1.1")

    def make(writer: WARCWriter, number: int) -> Any:
        return writer.create_warc_record(
            f"https://site.example/{number}",
            "response",
            payload=io.BytesIO(payload),
            http_headers=headers,
            warc_headers_dict={
                "WARC-Record-ID": f"<urn:uuid:record-{number}>",
                "WARC-Date": f"2024-01-01T00:00:{number % 60:02d}Z",
                **(warc or {}),
            },
        )

    return make


def _warc(records: Sequence[Callable[[WARCWriter, int], Any]], gzip: bool = True) -> tuple[bytes, list[int]]:
    """Write records with warcio; return the file and the offset of each record, the file's end last."""
    file = io.BytesIO()
    writer = WARCWriter(file, gzip=gzip)
    offsets = []
    for number, make in enumerate(records):
        offsets.append(file.tell())
        writer.write_record(make(writer, number))
    return file.getvalue(), [*offsets, file.tell()]


@pytest.fixture(scope="session")
def read() -> Callable[[Reader, bytes], Events]:
    """Read a file given as bytes and check that its spans tile it."""
    return _read


@pytest.fixture(scope="session")
def ranges() -> Callable[[Reader, bytes, Sequence[int]], list[Event]]:
    """Read a file in ranges cut at given bytes."""
    return _ranges


@pytest.fixture(scope="session")
def response() -> Callable[..., Callable[[WARCWriter, int], Any]]:
    """Describe one response record."""
    return _response


@pytest.fixture(scope="session")
def warc() -> Callable[..., tuple[bytes, list[int]]]:
    """Write a WARC file."""
    return _warc
