"""Files cut at every byte and with flipped bits: nothing undamaged is lost, nothing goes unreported."""

from __future__ import annotations

import base64
import bz2
import gzip
import hashlib
import io
import itertools
import random
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import zstandard

from pipelines.readers.record import Damaged, Reader, Span
from pipelines.readers.warc import Warc
from pipelines.readers.wikipedia import Wikipedia

RECORDS = 20
FLIPS = 500
PAGES = [f"<p>Page {number} {chr(97 + number) * number}</p>".encode() for number in range(RECORDS)]
ARTICLES = [f"Article {number}".encode() for number in range(RECORDS)]


class Sample(NamedTuple):
    """A file and what is in it.

    Attributes:
        data: its bytes.
        bounds: where its spans end, from 0 on.
        held: ordinals of the payloads in each span.
        payloads: all payloads.
        reader: who reads it.
        first: the first byte that belongs to no dictionary.
    """

    data: bytes
    bounds: list[int]
    held: list[list[int]]
    payloads: list[bytes]
    reader: Reader
    first: int = 0


def pages_of(record: Callable[[int], bytes], pack: Callable[[bytes], bytes], head: bytes = b"") -> Sample:
    """Return a file of one span for each page."""
    spans = [pack(record(number)) for number in range(RECORDS)]
    bounds = [len(head), *itertools.accumulate((len(span) for span in spans), initial=len(head))][1:]
    held = [[number] for number in range(RECORDS)]
    return Sample(head + b"".join(spans), bounds, held, PAGES, Warc(), len(head))


def warc_record(number: int) -> bytes:
    block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + PAGES[number]
    head = f"WARC/1.1\r\nWARC-Type: response\r\nWARC-Target-URI: http://e.com/{number}\r\nContent-Length: {len(block)}"
    return head.encode() + b"\r\n\r\n" + block + b"\r\n\r\n"


def arc_record(number: int) -> bytes:
    block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + PAGES[number]
    return f"http://e.com/{number} 1.2.3.4 20080430204825 text/html {len(block)}\n".encode() + block + b"\n"


def zstd(dictionary: bytes = b"") -> Callable[[bytes], bytes]:
    content = zstandard.ZstdCompressionDict(dictionary) if dictionary else None
    return zstandard.ZstdCompressor(write_checksum=True, dict_data=content).compress


DICTIONARY = warc_record(3) + warc_record(7)
FRAME = b"\x5d\x2a\x4d\x18" + len(DICTIONARY).to_bytes(4, "little") + DICTIONARY


def dump() -> Sample:
    """Return a dump of three streams with seven, seven and six articles."""
    pages = [
        f"<page><title>{n}</title><ns>0</ns><id>{n}</id><revision><text>{text.decode()}</text></revision></page>\n"
        for n, text in enumerate(ARTICLES)
    ]
    held = [list(range(7)), list(range(7, 14)), list(range(14, 20))]
    texts = ["".join(pages[n] for n in span) for span in held]
    texts = [f"<mediawiki>\n{texts[0]}", texts[1], f"{texts[2]}</mediawiki>\n"]
    streams = [bz2.compress(text.encode()) for text in texts]
    bounds = list(itertools.accumulate(map(len, streams), initial=0))
    return Sample(b"".join(streams), bounds, held, ARTICLES, Wikipedia())


SAMPLES = {
    "warc.gz": pages_of(warc_record, gzip.compress),
    "warc": pages_of(warc_record, bytes),
    "warc.zst": pages_of(warc_record, zstd()),
    "dictionary.warc.zst": pages_of(warc_record, zstd(DICTIONARY), FRAME),
    "arc.gz": pages_of(arc_record, gzip.compress),
    "arc": pages_of(arc_record, bytes),
    "xml.bz2": dump(),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLES)
def test_cut_at_every_byte(name: str, read: Any) -> None:
    """What lies in whole spans is kept, nothing else is, and every cut is reported but one between two records."""
    sample = SAMPLES[name]
    for cut in range(sample.first + 1, len(sample.data)):
        events = read(sample.reader, sample.data[:cut])
        whole = sum(bound <= cut for bound in sample.bounds[1:])
        sure = [sample.payloads[n] for span in sample.held[:whole] for n in span]
        # Of the next span all may be there: then no more than its end is missing.
        more = [sample.payloads[n] for span in sample.held[: whole + 1] for n in span]
        assert events.payloads in (sure, more), f"cut at {cut}"
        between = cut in sample.bounds and not name.startswith("xml")
        assert bool(events.reports) != between, f"cut at {cut}"


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in SAMPLES if name not in ("warc", "arc")])
def test_flipped_bits(name: str, read: Any) -> None:
    """One bit costs at most the span that it is in, and never brings wrong bytes; plain files have no checksum."""
    sample = SAMPLES[name]
    generator = random.Random(7)
    for _ in range(FLIPS):
        position, bit = generator.randrange(sample.first, len(sample.data)), generator.randrange(8)
        mutant = bytearray(sample.data)
        mutant[position] ^= 1 << bit
        events = read(sample.reader, bytes(mutant))
        hit = next(n for n, end in enumerate(sample.bounds[1:]) if position < end)
        lost = {n for n, payload in enumerate(sample.payloads) if payload not in events.payloads}
        assert lost <= set(sample.held[hit]), f"bit {bit} of byte {position}"
        assert set(events.payloads) <= set(sample.payloads)
        assert events.reports or not lost


def digested(
    number: int, algorithm: str = "sha1", encode: Callable[[bytes], bytes] = base64.b32encode
) -> bytes:
    """Return a record with the digest of its block."""
    record = warc_record(number)
    block = record.partition(b"\r\n\r\n")[2][:-4]
    digest = encode(hashlib.new(algorithm, block).digest())
    return record.replace(
        b"\r\n", b"\r\nWARC-Block-Digest: " + algorithm.encode() + b":" + digest + b"\r\n", 1
    )


@pytest.mark.parametrize("pack", [bytes, zstandard.ZstdCompressor(write_checksum=False).compress])
def test_a_digest_shows_what_no_checksum_does(pack: Callable[[bytes], bytes], read: Any) -> None:
    """The record is delivered and the change is reported: digests may be wrong where the block is not."""
    good = digested(5)
    bad = good.replace(b"Page 5", b"Page 7")
    events = read(Warc(), b"".join(map(pack, (good, bad, good))))
    assert events.payloads == [PAGES[5], PAGES[5].replace(b"5", b"7"), PAGES[5]]
    assert [(event.reason, event.length) for event in events.damaged] == [("digest", 0)]
    assert events.damaged[0].offset == len(pack(good))
    assert read(Warc(), gzip.compress(bad)).reports == []  # gzip has verified its own sum


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "md5"])
@pytest.mark.parametrize("encode", [base64.b32encode, base64.b64encode, base64.b16encode])
def test_digests_come_in_several_forms(algorithm: str, encode: Callable[[bytes], bytes], read: Any) -> None:
    assert read(Warc(), digested(3, algorithm, encode)).reports == []


def mutate(generator: random.Random, data: bytes) -> bytes:
    """Return a file with up to five bytes or runs changed, cut out, doubled, zeroed, or put in from another file."""
    mutant = bytearray(data)
    for _ in range(generator.randrange(1, 6)):
        at = generator.randrange(len(mutant) + 1)
        end = min(len(mutant), at + generator.choice([1, 2, 8, 60, 400]))
        part = mutant[at:end]
        mutant[at:end] = generator.choice(
            [
                generator.randbytes(end - at),
                b"",
                part + part,
                bytes(end - at),
                SAMPLES[generator.choice(list(SAMPLES))].data[: generator.choice([10, 200, 1000])] + part,
            ]
        )
    return bytes(mutant)


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLES)
def test_any_mutation_keeps_the_books(name: str) -> None:
    """Whatever is done to a file, its spans and damage tile it, and reading it comes to an end."""
    generator = random.Random(name)
    for _ in range(200):
        mutant = mutate(generator, SAMPLES[name].data)
        most = len(mutant) + 100
        events = list(itertools.islice(SAMPLES[name].reader.read(io.BytesIO(mutant), 0, len(mutant)), most))
        assert len(events) < most
        position = 0
        for event in events:
            if isinstance(event, Span | Damaged):
                assert event.offset == position
                position += event.length
        assert position == len(mutant)


def test_a_start_that_no_record_has_is_passed_over(read: Any) -> None:
    """Found by mutation: "http:/" was once searched for, and not read, without end."""
    fake = b"http:/x.com/ 1.2.3.4 20080430204825 text/html 7\n1234567\n"
    events = read(Warc(), fake + SAMPLES["arc"].data)
    assert events.payloads == PAGES
    assert [(event.reason, event.offset, event.length) for event in events.damaged] == [
        ("not_a_record", 0, len(fake))
    ]


@pytest.mark.parametrize("name", SAMPLES)
def test_undamaged(name: str, read: Any) -> None:
    events = read(SAMPLES[name].reader, SAMPLES[name].data)
    assert events.payloads == SAMPLES[name].payloads
    assert events.reports == []


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in SAMPLES if name not in ("warc", "arc")])
def test_ranges_of_a_damaged_file_join_to_the_whole(name: str, read: Any, ranges: Any) -> None:
    """However a file is cut into ranges and damaged, the events are those of one read."""
    sample = SAMPLES[name]
    assert sample.reader.splits(io.BytesIO(sample.data))
    generator = random.Random(11)
    for _ in range(60):
        mutant = bytearray(sample.data)
        for _ in range(generator.randrange(3)):
            mutant[generator.randrange(sample.first, len(mutant))] ^= 1 << generator.randrange(8)
        cuts = [generator.randrange(len(mutant)) for _ in range(3)]
        assert ranges(sample.reader, bytes(mutant), cuts) == read(sample.reader, bytes(mutant)).all
