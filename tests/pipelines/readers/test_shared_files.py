"""The readers on the measuring data: hostile files, real archives, a crawl of 4,761 responses, wikis."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import InputError
from pipelines.readers.parquet import Parquet
from pipelines.readers.record import Damaged, Record, Rejected, Span
from pipelines.readers.warc import Warc
from pipelines.readers.wikipedia import Wikipedia

pytestmark = pytest.mark.shared

# Per file: records, errors, damaged spans; all other records are plain drops.
HOSTILE_PARQUET = {
    "corrupt_page.parquet": (750, 0, 1),
    "empty.parquet": (0, 0, 0),
    "ok.parquet": (1000, 0, 0),
    "tmp_not_closed.parquet": (0, 0, 1),
    "trunc_footer.parquet": (0, 0, 1),
    "zero_rows.parquet": (0, 0, 0),
}
# Half a gigabyte from 2 kB of bzip2: left to the bench.
BOMB = "bench.warc.bz2"
# What `warcio` or the archives' makers count: content records, as records or dropped by reason.
REAL_WARC = {
    "IAH-urls-wget.warc.gz": 19,
    "N0taN3rd+node-warc/books.toscrape.warc": 30,
    "N0taN3rd+node-warc/parseMe.warc.gz": 14,
    "cc.warc.gz": 1,
    "commoncrawl+whirlwind-python/whirlwind.warc.gz": 1,
    "example.warc.gz": 261,
    "iana.warc.gz": 48,
    "warcfile.warc": 16,
    "warcfile.warc.gz": 16,
}


def counts(events: Any) -> tuple[int, int, int]:
    """Return how many records, errors and damaged spans there are."""
    errors = [event for event in events.rejected if event.error]
    return len(events.records), len(errors), len(events.damaged)


def test_hostile_parquet_files(shared: Path, read: Any) -> None:
    found = {}
    for path in (shared / "hostile/parquet").iterdir():
        if path.name == "drift_name.parquet":
            with path.open("rb") as stream, pytest.raises(InputError, match=r"drift_name\.parquet.*content"):
                list(Parquet().read(stream, 0, path.stat().st_size))
        else:
            found[path.name] = counts(read(Parquet(), path.read_bytes()))
    assert found == HOSTILE_PARQUET


def test_record_7_is_decoded_under_every_encoding(shared: Path, read: Any) -> None:
    folder = shared / "hostile/warc"
    page = read(Warc(), (folder / "ok_20.warc.gz").read_bytes()).payloads[7]
    for name in ("te_chunked", "te_chunked_lie", "ce_gzip", "ce_deflate", "ce_br", "ce_zstd"):
        assert read(Warc(), (folder / f"{name}.warc.gz").read_bytes()).payloads[7] == page


def test_damage_names_the_offset_of_record_7(shared: Path, read: Any) -> None:
    folder = shared / "hostile/warc"
    offset = read(Warc(), (folder / "ok_20.warc.gz").read_bytes()).records[7].place.offset
    for name in ("corrupt_mid", "corrupt_gzip_magic", "huge_cl", "no_content_length"):
        assert read(Warc(), (folder / f"{name}.warc.gz").read_bytes()).report_offsets[0] == offset


def test_hostile_and_malformed_archives_lose_no_byte(shared: Path, read: Any) -> None:
    """`read` checks the tiling; what comes out of each file is checked by ``tests/bench/hostile.py``."""
    paths = [path for path in (shared / "data/malformed_real").rglob("*") if path.is_file()]
    paths += (shared / "hostile/warc").iterdir()
    assert len(paths) > 100
    for path in paths:
        if path.name == BOMB:
            continue
        events = read(Warc(), path.read_bytes())
        if path.suffix == ".lz4":
            assert [event.reason for event in events.all] == ["unsupported_format"]
        assert events.all or path.stat().st_size == 0


def test_hostile_wikis_lose_no_byte(shared: Path, read: Any) -> None:
    for path in (shared / "hostile/wiki").glob("*.xml*"):
        assert read(Wikipedia(), path.read_bytes()).all


def test_real_archives(shared: Path, read: Any) -> None:
    for name, content in REAL_WARC.items():
        events = read(Warc(), (shared / "data/real_warc" / name).read_bytes())
        assert (name, len(events.records) + len(events.rejected)) == (name, content)
        assert events.reports == []


def test_the_same_crawl_compressed_or_not(shared: Path, read: Any) -> None:
    folder = shared / "data/real_warc"
    for name in ("warcfile.warc", "IAH-urls-wget.warc", "N0taN3rd+node-warc/parseMe.warc"):
        plain = read(Warc(), (folder / name).read_bytes())
        packed = read(Warc(), (folder / f"{name}.gz").read_bytes())
        assert packed.payloads == plain.payloads
        assert Counter(packed.kinds) == Counter(plain.kinds)


@pytest.mark.slow
def test_the_development_crawl(shared: Path) -> None:
    """All 4,761 responses at their offsets, under their addresses, every kept payload with its hash."""
    with gzip.open(shared / "data/web_dev_manifest.jsonl.gz", "rt") as lines:
        manifest = {row["offset"]: row for row in map(json.loads, lines)}
    path = shared / "data/web_dev.warc.gz"
    content, position, kinds = {}, 0, Counter[str]()
    with path.open("rb") as stream:
        for event in Warc().read(stream, 0, path.stat().st_size):
            if isinstance(event, Record | Rejected):
                content[event.place.offset] = event.url
                row = manifest[event.place.offset]
            if isinstance(event, Record):
                assert hashlib.sha1(event.payload).hexdigest() == row["sha1"]
                assert row["status"] == 200
            if isinstance(event, Span | Damaged):
                assert event.offset == position
                position += event.length
                kinds[event.kind if isinstance(event, Span) else "damaged"] += 1
    assert position == path.stat().st_size
    assert content == {offset: row["uri"] for offset, row in manifest.items()}
    assert kinds == {"response": 4761, "request": 460, "metadata": 246, "warcinfo": 1}


def test_ranges_of_the_development_crawl(shared: Path) -> None:
    """Two ranges cut in the middle of a member join without a gap."""
    path = shared / "data/web_dev.warc.gz"
    begin, middle, end = 50_000_000, 50_500_000, 51_000_000
    with path.open("rb") as stream:
        assert Warc().splits(stream)
        whole = list(Warc().read(stream, begin, end))
        assert [*Warc().read(stream, begin, middle), *Warc().read(stream, middle, end)] == whole
    assert sum(isinstance(event, Record) for event in whole) > 10


@pytest.mark.slow
def test_wikis(shared: Path, read: Any) -> None:
    """Every page of 70 wikis comes out, in the language of the wiki."""
    articles = Counter[str]()
    for path in sorted((shared / "data/wiki").iterdir()):
        events = read(Wikipedia(), path.read_bytes())
        assert events.reports == [], path.name
        for record in events.records:
            assert record.url
            assert record.url.startswith("http")
            assert record.date
            articles[str(record.language)] += 1
    assert articles["en"] > 120
    assert articles["bg"] == 1
    assert articles["ltg"] == 7
