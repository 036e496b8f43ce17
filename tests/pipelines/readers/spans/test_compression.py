"""Decoders: bounded output, the end and what lies behind it, formats told apart by their first bytes."""

from __future__ import annotations

import bz2
import gzip
import sys
import zlib

import pytest
import zstandard

from pipelines.readers.spans import compression
from pipelines.readers.spans.compression import (
    BZIP2,
    GZIP,
    OUTPUT_BYTES,
    ZSTANDARD,
    DecodeError,
    brotli_decoder,
    deflate_decoder,
)

TEXT = b"a sentence that repeats. " * 400
CHECKED = zstandard.ZstdCompressor(write_checksum=True)
PACKED = {GZIP: gzip.compress(TEXT), BZIP2: bz2.compress(TEXT), ZSTANDARD: CHECKED.compress(TEXT)}


@pytest.mark.parametrize("codec", PACKED, ids=lambda codec: codec.name)
@pytest.mark.parametrize("step", [1, 7, 100_000])
def test_decoder_stops_at_the_end_and_counts_what_lies_behind(codec: compression.Codec, step: int) -> None:
    """However the bytes are cut, the text comes out and the bytes of the next member are not eaten."""
    data, decoder, out, fed = PACKED[codec] + b"BEHIND", codec.open(), b"", 0
    while not decoder.ended:
        piece = data[fed : fed + step]
        out += b"".join(decoder.feed(piece))
        fed += len(piece)
    assert out == TEXT
    assert fed - decoder.unused == len(PACKED[codec])


@pytest.mark.parametrize("codec", PACKED, ids=lambda codec: codec.name)
def test_output_comes_in_bounded_parts(codec: compression.Codec) -> None:
    """A small file that holds 64 MiB of one byte never makes a large object."""
    zeros = bytes(64 << 20)
    pack = {GZIP: gzip.compress, BZIP2: bz2.compress, ZSTANDARD: zstandard.compress}[codec]
    sizes = [len(part) for part in codec.open().feed(pack(zeros))]
    assert sum(sizes) == len(zeros)
    assert max(sizes) <= (OUTPUT_BYTES if codec is not ZSTANDARD else 256 << 17)


@pytest.mark.parametrize("codec", PACKED, ids=lambda codec: codec.name)
def test_damage_is_a_decode_error(codec: compression.Codec) -> None:
    data = bytearray(PACKED[codec])
    data[len(data) // 2] ^= 0xFF
    with pytest.raises(DecodeError):
        list(codec.open().feed(bytes(data)))


def test_sniff_and_refusal() -> None:
    """The first bytes decide, and what cannot be read is named with the command that unpacks it."""
    assert [compression.sniff(data) for data in PACKED.values()] == list(PACKED)
    assert compression.sniff(b"WARC/1.0") is None
    assert compression.refusal(PACKED[GZIP]) is None
    assert "`lz4 -d`" in str(compression.refusal(b"\x04\x22\x4d\x18...."))
    assert "dictionary" in str(compression.refusal(b"\x5d\x2a\x4d\x18...."))


@pytest.mark.parametrize("packed", [zlib.compress(TEXT), zlib.compress(TEXT)[2:-4]], ids=["zlib", "raw"])
def test_deflate_is_zlib_or_raw(packed: bytes) -> None:
    """Servers send both under the one name."""
    assert b"".join(deflate_decoder(packed[:2]).feed(packed)) == TEXT


def test_missing_brotli_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "brotli", None)
    with pytest.raises(DecodeError, match=r"pip install 'brotli>=1\.2'"):
        brotli_decoder()


def test_first_output_of_damaged_bytes_is_empty() -> None:
    assert compression.first_output(GZIP, b"\x1f\x8b\x08" + b"\xff" * 40) == b""
    assert compression.first_output(None, b"plain") == b"plain"
