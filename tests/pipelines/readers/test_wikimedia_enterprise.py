"""Wikimedia Enterprise dumps: tar, gzip and JSON taken apart while they stream; damage costs what it hits."""

from __future__ import annotations

import gzip
import io
import itertools
import json
import random
import tarfile
import tracemalloc
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.document import Place
from pipelines.readers.find import find_reader
from pipelines.readers.record import Damaged, Record
from pipelines.readers.rows.tar_lines import untar
from pipelines.readers.spans.compressed_spans import Chunk
from pipelines.readers.wikimedia_enterprise import WikimediaEnterprise

READER = WikimediaEnterprise()


def article(number: int, **more: Any) -> dict[str, Any]:
    """One line of a dump, with the keys that matter here among others."""
    return {
        "name": f"Seite {number}",
        "identifier": number,
        "date_modified": "2025-02-01T10:00:00Z",
        "version": {"identifier": 1000 + number, "editor": {"name": "x"}},
        "url": f"https://de.wikipedia.org/wiki/Seite_{number}",
        "namespace": {"name": "Article", "identifier": 0},
        "in_language": {"name": "German", "identifier": "de"},
        "is_part_of": {"identifier": "dewiki"},
        "article_body": {"html": f"<html><body><p>Text {number} äöü</p></body></html>", "wikitext": "Text"},
        **more,
    }


def lines(*rows: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)


def pack(*files: tuple[str, bytes], form: int = tarfile.GNU_FORMAT) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=form) as tar:
        for name, data in files:
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return file.getvalue()


ROWS = [article(number) for number in range(12)]
PARTS = [("dewiki_0.ndjson", lines(*ROWS[:5])), ("dewiki_1.ndjson", lines(*ROWS[5:]))]
TAR = pack(*PARTS)
PAYLOADS = [row["article_body"]["html"].encode() for row in ROWS]


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_a_line_becomes_a_record(form: int, read: Any) -> None:
    data = gzip.compress(pack(*PARTS, form=form))
    events = read(READER, data)
    assert events.payloads == PAYLOADS
    assert events.records[7] == Record(
        place=Place(0, len(data), 7),
        payload=PAYLOADS[7],
        media="html",
        charset="utf-8",
        record_id="7",
        url="https://de.wikipedia.org/wiki/Seite_7",
        date="2025-02-01T10:00:00Z",
        language="de",
    )
    assert events.reports == []
    assert find_reader("wikimedia_enterprise") is WikimediaEnterprise


def test_an_archive_that_was_unpacked_gives_the_same(read: Any) -> None:
    assert read(READER, TAR).payloads == PAYLOADS


def test_members_of_many_sizes_give_the_same_with_offsets_of_their_own(read: Any) -> None:
    edges = [0, 100, 511, 512, 600, 2048, 5000, len(TAR)]
    members = [gzip.compress(TAR[a:b]) for a, b in itertools.pairwise(edges)]
    events = read(READER, b"".join(members))
    assert events.payloads == PAYLOADS
    assert len({record.place.offset for record in events.records}) > 2
    assert len({(record.place.offset, record.place.index) for record in events.records}) == len(ROWS)


@settings(max_examples=200, deadline=None)
@given(cuts=st.lists(st.integers(0, len(TAR)), max_size=8))
def test_however_the_bytes_come_the_lines_are_the_same(cuts: Sequence[int]) -> None:
    edges = sorted({0, len(TAR), *cuts})
    chunks = (Chunk(0, 1, TAR[a:b]) for a, b in itertools.pairwise(edges))
    found = b"".join(event.data for event in untar(chunks, len(TAR)) if isinstance(event, Chunk))
    assert [line for line in found.split(b"\n") if line] == lines(*ROWS).rstrip().split(b"\n")


def test_what_is_no_article_is_counted(read: Any) -> None:
    rows = [
        article(0, namespace={"identifier": 6}),
        article(1, article_body={}),
        article(2, article_body={"html": ""}),
        article(3, identifier=None, url=5, date_modified="soon", in_language=None, namespace=None),
    ]
    files = [
        ("a.ndjson", lines(*rows) + b"[1]\n{broken\n"),
        ("readme.txt", b"not JSON\n"),
        ("long" * 40 + ".ndjson", b""),
    ]
    events = read(READER, gzip.compress(pack(*files)))
    assert events.reasons == ["namespace", "no_text", "no_text", "bad_json", "bad_json"]
    (record,) = events.records
    assert (record.record_id, record.url, record.date, record.language) == (None, None, None, None)


def test_a_file_without_a_last_newline_does_not_run_into_the_next(read: Any) -> None:
    files = [(name, data.rstrip()) for name, data in PARTS]
    assert read(READER, gzip.compress(pack(*files))).payloads == PAYLOADS


def test_a_dump_cut_anywhere_keeps_what_came_before_and_says_so(read: Any) -> None:
    whole = gzip.compress(TAR, mtime=0)
    for cut in range(1, len(whole), 7):
        events = read(READER, whole[:cut])
        assert events.payloads == PAYLOADS[: len(events.payloads)]
        assert events.damaged, cut
    assert len(events.payloads) == len(PAYLOADS)


def test_an_archive_cut_before_it_was_compressed_is_said_to_be(read: Any) -> None:
    events = read(READER, gzip.compress(TAR[: len(PARTS[0][1]) + 700]))
    assert [(event.offset, event.reason) for event in events.damaged][-1][1] == "truncated"
    assert events.payloads[:4] == PAYLOADS[:4]


def test_a_damaged_member_costs_its_own_lines(read: Any) -> None:
    """After damage the archive is taken up in the middle of a file, and at the next header."""
    rows = [article(number) for number in range(400)]
    tar = pack(*((f"p_{n}.ndjson", lines(*rows[n * 100 : n * 100 + 100])) for n in range(4)))
    step = len(tar) // 16
    members = [gzip.compress(tar[at : at + step]) for at in range(0, len(tar), step)]
    for hit in range(1, 15):
        damaged = bytearray(members[hit])
        damaged[len(damaged) // 3] ^= 0xFF
        data = b"".join([*members[:hit], bytes(damaged), *members[hit + 1 :]])
        events = read(READER, data)
        ids = [int(record.record_id) for record in events.records]
        assert ids == sorted(set(ids))
        lost = set(range(400)) - set(ids)
        per_member = 400 / 16
        assert 0 < len(lost) <= per_member + 3, (hit, len(lost))
        assert events.damaged[0].reason == "corrupt"


def test_a_broken_header_costs_no_line(read: Any) -> None:
    tar = bytearray(TAR)
    tar[TAR.index(b"dewiki_1")] ^= 1
    events = read(READER, gzip.compress(bytes(tar)))
    assert [event.reason for event in events.damaged] == ["bad_tar"]
    assert events.payloads == PAYLOADS


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 1 << 30))
def test_no_flipped_bit_passes_unreported(seed: int, read: Any) -> None:
    data = bytearray(gzip.compress(TAR, mtime=0))
    chance = random.Random(seed)
    position = chance.randrange(10, len(data))
    data[position] ^= 1 << chance.randrange(8)
    events = read(READER, bytes(data))
    assert events.reports or events.payloads == PAYLOADS


@pytest.mark.slow
def test_memory_stays_bounded() -> None:
    """A dump that decodes to 120 MB in one member needs little more than the longest line and what is held."""
    filler = "x" * 50_000
    rows = lines(*(article(n, article_body={"html": filler}) for n in range(2400)))
    data = gzip.compress(pack(("a.ndjson", rows)), 1)
    del rows
    tracemalloc.start()
    seen = sum(isinstance(event, Record) for event in READER.read(io.BytesIO(data), 0, len(data)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seen == 2400
    assert peak < 100 << 20


def test_other_formats_are_damage(read: Any) -> None:
    (damage,) = read(READER, b"PK\x03\x04" + bytes(100)).all
    assert isinstance(damage, Damaged)
    assert damage.reason == "unsupported_format"
    assert read(READER, b"").all == []
