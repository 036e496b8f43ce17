"""The walk over members and streams: nothing lost, the same from wherever a range starts."""

from __future__ import annotations

import bz2
import gzip
import io
import random
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.readers.record import Damaged, Span
from pipelines.readers.spans.compressed_spans import SURE_RUN, Chunk, CompressedSpans
from pipelines.readers.spans.compression import BZIP2, GZIP, Codec

HOLD = 1 << 20


def walk(
    data: bytes, codec: Codec = GZIP, hold: int = HOLD, **options: object
) -> list[Chunk | Span | Damaged]:
    """Walk a whole file."""
    return list(CompressedSpans(io.BytesIO(data), codec, hold, **options).chunks(0))  # type: ignore[arg-type]


def shape(events: list[Chunk | Span | Damaged]) -> list[tuple[int, int, str]]:
    """Return what tiles the file."""
    return [
        (event.offset, event.length, event.kind if isinstance(event, Span) else event.reason)
        for event in events
        if not isinstance(event, Chunk)
    ]


def stored(data: bytes) -> bytes:
    """Compress without compressing: the bytes appear as they are, in blocks of up to 65,535."""
    packer = zlib.compressobj(0, zlib.DEFLATED, 31)
    return packer.compress(data) + packer.flush()


def test_each_member_is_a_span_with_its_data() -> None:
    one, two = gzip.compress(b"one"), gzip.compress(b"two")
    assert walk(one + two) == [
        Chunk(0, len(one), b"one"),
        Span(0, len(one), "gzip"),
        Chunk(len(one), len(two), b"two"),
        Span(len(one), len(two), "gzip"),
    ]


def test_empty_members_and_zeros_are_padding() -> None:
    one, empty = gzip.compress(b"one"), gzip.compress(b"")
    events = walk(one + empty + bytes(1000))
    assert shape(events)[1:] == [(len(one), len(empty), "padding"), (len(one) + len(empty), 1000, "padding")]


def test_damage_reaches_to_the_next_plausible_member() -> None:
    """A start that does not decode to what members start with is not one, even where it decodes."""
    good, bad, decoy = gzip.compress(b"A good"), b"\x1f\x8b\x08 broken", gzip.compress(b"B decoy")
    events = walk(good + bad + decoy + good, starts_with=b"A")
    assert shape(events) == [
        (0, len(good), "gzip"),
        (len(good), len(bad) + len(decoy), "corrupt"),
        (len(good) + len(bad) + len(decoy), len(good), "gzip"),
    ]


def test_long_span_comes_in_parts_that_know_its_length() -> None:
    """What decodes to more than is held is read twice and never held."""
    data = random.Random(1).randbytes(300_000)
    packed = gzip.compress(data)
    events = walk(packed + gzip.compress(b"next"), hold=100_000)
    parts = [event for event in events if isinstance(event, Chunk) and event.offset == 0]
    assert b"".join(part.data for part in parts) == data
    assert len(parts) > 1
    assert {part.length for part in parts} == {len(packed)}
    assert shape(events)[0] == (0, len(packed), "gzip")


def test_long_bzip2_stream_ends_where_the_next_begins() -> None:
    data = random.Random(1).randbytes(2_000_000)
    first, second = bz2.compress(data), bz2.compress(b"next")
    events = walk(first + second, BZIP2)
    assert b"".join(event.data for event in events if isinstance(event, Chunk)) == data + b"next"
    assert shape(events) == [(0, len(first), "bzip2"), (len(first), len(second), "bzip2")]


def test_bomb_is_left_at_a_limit() -> None:
    """A member that holds far more than a record may is damage, and the next one is found."""
    bomb, good = gzip.compress(b"A" * (8 << 20)), gzip.compress(b"A good")
    events = walk(bomb + good, hold=10_000, starts_with=b"A", salvage=False)
    assert shape(events) == [(0, len(bomb), "too_big"), (len(bomb), len(good), "gzip")]


def test_cut_span_yields_all_that_decodes_before_the_cut() -> None:
    data = random.Random(1).randbytes(200_000)
    packed = gzip.compress(data)[:-1000]
    events = walk(packed, hold=100)
    salvaged = b"".join(event.data for event in events if isinstance(event, Chunk))
    assert data.startswith(salvaged)
    assert len(salvaged) > 190_000
    assert shape(events) == [(0, len(packed), "truncated")]


def test_corrupt_span_holds_back_what_came_last() -> None:
    """The bytes right before a decoding error may be wrong already."""
    packed = bytearray(gzip.compress(b"text " * 1000))
    packed[-8] ^= 1  # the checksum
    message = (
        f"gzip member: incorrect data check (before byte {len(packed)}); fetch the file again, "
        "or recompress it if its source is damaged"
    )
    assert walk(bytes(packed)) == [Damaged(0, len(packed), "corrupt", message)]


@pytest.fixture(scope="module")
def nested() -> tuple[bytes, list[int]]:
    """A file whose members hold archives as they are, each of many small members; and its boundaries."""
    generator = random.Random(5)
    inner = b"".join(gzip.compress(b"A " + generator.randbytes(500)) for _ in range(300))
    data, boundaries = b"", [0]
    for number in range(8):
        data += (
            stored(b"A " + inner) if number % 3 == 1 else gzip.compress(b"A " + generator.randbytes(40_000))
        )
        boundaries.append(len(data))
    assert len(inner) > SURE_RUN
    return data, boundaries


@settings(max_examples=60, deadline=None)
@given(start=st.integers(0, 700_000))
def test_boundary_is_that_of_the_walk_from_the_start(nested: tuple[bytes, list[int]], start: int) -> None:
    """Members inside a member are not taken for members of the file, from wherever one looks."""
    data, boundaries = nested
    start = min(start, len(data))
    spans = CompressedSpans(io.BytesIO(data), GZIP, HOLD, starts_with=b"A", salvage=False)
    assert spans.boundary(start) == next(boundary for boundary in boundaries if boundary >= start)


@settings(max_examples=40, deadline=None)
@given(
    start=st.integers(0, 700_000),
    holes=st.lists(st.tuples(st.integers(0, 500_000), st.binary(min_size=1, max_size=40)), max_size=4),
)
def test_boundary_agrees_with_the_walk_in_damaged_files(
    nested: tuple[bytes, list[int]], start: int, holes: list[tuple[int, bytes]]
) -> None:
    data = bytearray(nested[0])
    for position, junk in holes:
        data[position : position + len(junk)] = junk
    spans = CompressedSpans(io.BytesIO(bytes(data)), GZIP, HOLD, starts_with=b"A", salvage=False)
    starts = [offset for offset, _, _ in shape(list(spans.chunks(0)))]
    start = min(start, len(data))
    assert spans.boundary(start) == next((offset for offset in starts if offset >= start), len(data))


def test_samples_stop_at_a_long_span() -> None:
    """Looking at the head of a file never decodes all of it."""
    small, large = gzip.compress(b"A small"), gzip.compress(b"A" + bytes(5 << 20))
    spans = CompressedSpans(io.BytesIO(small + large + small), GZIP, 1000, starts_with=b"A")
    assert list(spans.samples(3)) == [b"A small"]
