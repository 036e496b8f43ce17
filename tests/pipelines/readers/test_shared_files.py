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
HOSTILE_WARC = {
    "all_types.warc.gz": (3, 0, 0),
    "bad_uris.warc.gz": (14, 0, 0),
    "ce_gzip_bomb_200M.warc.gz": (19, 1, 0),
    "cl_long_plain.warc": (19, 1, 0),
    "cl_short_gz.warc.gz": (19, 1, 0),
    "corrupt_gzip_magic.warc.gz": (19, 0, 1),
    "corrupt_mid.warc.gz": (19, 0, 1),
    "dict.warc.zst": (0, 0, 1),
    "empty.warc.gz": (0, 0, 0),
    "html_404.warc.gz": (0, 0, 1),
    "huge_cl.warc.gz": (19, 1, 0),
    "negative_cl.warc.gz": (19, 1, 0),
    "no_content_length.warc.gz": (19, 1, 0),
    "no_http_status.warc.gz": (19, 1, 0),
    "old.arc.gz": (0, 0, 1),
    "trunc_in_trailer.warc.gz": (19, 0, 1),
    "trunc_last_member.warc.gz": (19, 0, 1),
    "warc_hdr_nolf.warc.gz": (19, 0, 1),
    "zero_len.warc.gz": (19, 0, 0),
}
GOOD_WARC = (20, 0, 0)
HOSTILE_WIKI = {
    "bad_utf8.xml": (2, 1, 0),
    "corrupt_stream4.xml.bz2": (90, 0, 1),
    "entity_bomb.xml": (0, 0, 1),
    "html_error.xml.bz2": (0, 0, 1),
    "mixed.xml": (1, 0, 0),
    "ok_100.xml.bz2": (100, 0, 0),
    "ok_multistream.xml.bz2": (100, 0, 0),
    "trunc_multi.xml.bz2": (90, 0, 1),
    "trunc_single.xml.bz2": (0, 0, 1),
    "xxe.xml": (0, 0, 1),
}
HOSTILE_PARQUET = {
    "corrupt_page.parquet": (750, 0, 1),
    "empty.parquet": (0, 0, 0),
    "ok.parquet": (1000, 0, 0),
    "tmp_not_closed.parquet": (0, 0, 1),
    "trunc_footer.parquet": (0, 0, 1),
    "zero_rows.parquet": (0, 0, 0),
}
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
    errors = [event for event in events.rejected if event.error is not None]
    return len(events.records), len(errors), len(events.damaged)


def test_hostile_warc_files(shared: Path, read: Any) -> None:
    """Each file gives what its index asks for, and no byte of any of them is lost."""
    found = {
        path.name: counts(read(Warc(), path.read_bytes())) for path in (shared / "hostile/warc").iterdir()
    }
    assert found == {name: HOSTILE_WARC.get(name, GOOD_WARC) for name in found}
    assert len(found) == 44


@pytest.mark.parametrize(("folder", "reader", "expected"), [("wiki", Wikipedia(), HOSTILE_WIKI)])
def test_hostile_wiki_files(folder: str, reader: Any, expected: Any, shared: Path, read: Any) -> None:
    paths = [path for path in (shared / "hostile" / folder).iterdir() if ".xml" in path.name]
    assert {path.name: counts(read(reader, path.read_bytes())) for path in paths} == expected


def test_mixed_wiki_pages_are_counted_by_reason(shared: Path, read: Any) -> None:
    events = read(Wikipedia(), (shared / "hostile/wiki/mixed.xml").read_bytes())
    assert Counter(events.reasons) == {"namespace": 3, "no_text": 3, "redirect": 1, "content_model": 1}


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
    for name in ("te_chunked", "te_chunked_lie", "ce_gzip", "ce_deflate", "ce_zstd"):
        assert read(Warc(), (folder / f"{name}.warc.gz").read_bytes()).payloads[7] == page


def test_damage_names_the_offset_of_record_7(shared: Path, read: Any) -> None:
    folder = shared / "hostile/warc"
    offset = read(Warc(), (folder / "ok_20.warc.gz").read_bytes()).records[7].offset
    for name in ("corrupt_mid", "corrupt_gzip_magic", "huge_cl", "no_content_length"):
        assert read(Warc(), (folder / f"{name}.warc.gz").read_bytes()).reports[0].offset == offset


def test_malformed_and_real_archives_lose_no_byte(shared: Path, read: Any) -> None:
    """`read` checks the tiling; files of formats that are not read say so."""
    paths = [path for path in (shared / "data/malformed_real").rglob("*") if path.is_file()]
    assert len(paths) > 50
    for path in paths:
        events = read(Warc(), path.read_bytes())
        if ".arc" in path.name or path.suffix == ".lz4":
            assert [event.reason for event in events.all] == ["unsupported_format"]
        assert events.all


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
                content[event.offset] = event.url
                row = manifest[event.offset]
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
