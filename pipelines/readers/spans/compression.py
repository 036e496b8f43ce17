"""Compressed formats: how to recognise one, and how to decode it piece by piece with bounded output."""

from __future__ import annotations

import bz2
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO, Final, Protocol, cast

import zstandard
from zlib_ng import zlib_ng  # like zlib, in half the time

OUTPUT_BYTES: Final = 1 << 20
"""The most bytes that one call to a decoder returns (Zstandard: 256 times a block of 128 KiB)."""
ZSTD_PIECE: Final = 1 << 10
"""Compressed bytes given to the Zstandard decoder at once, because it cannot bound its output."""

MAGIC_BYTES: Final = 10
"""Bytes of the longest start that a codec is recognised by."""

_PROBE_BYTES: Final = 1 << 12
"""Bytes of a member that are decoded to see how it starts."""


class DecodeError(Exception):
    """The bytes do not follow the format; the message is that of the decoder."""


class Decoder(Protocol):
    """The state of decoding one member, stream or frame."""

    @property
    def ended(self) -> bool:
        """True if the end of the member has been reached and its checksum, if any, is right."""
        ...

    @property
    def unused(self) -> int:
        """Number of bytes of the last piece that lie behind the end."""
        ...

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Decode a piece; yield its output without empty parts.

        Raises:
            DecodeError: the piece is damaged.
        """
        ...


@dataclass(frozen=True)
class Codec:
    """One compressed format. A file of it is a chain of members, each of which can be decoded on its own.

    Attributes:
        name: kind of its spans.
        member: what the format calls a member, for messages.
        magic: start of a member.
        sure: the start alone identifies a member (ten bytes of bzip2; the three of gzip appear by chance).
        open: returns a fresh decoder.
        skips: start of members without content; None = the format has no such members.
        has_checksums: every member has a checksum; in Zstandard it is optional.
    """

    name: str
    member: str
    magic: re.Pattern[bytes]
    sure: bool
    open: Callable[[], Decoder]
    skips: re.Pattern[bytes] | None = None
    has_checksums: bool = True


_ZlibError: Final = cast("type[Exception]", zlib_ng.error)  # the package's stubs call it a number


class _Zlib:
    def __init__(self, window_bits: int) -> None:
        self._decoder = zlib_ng.decompressobj(window_bits)

    @property
    def ended(self) -> bool:
        return self._decoder.eof

    @property
    def unused(self) -> int:
        return len(self._decoder.unused_data)

    def feed(self, piece: bytes) -> Iterator[bytes]:
        while piece and not self._decoder.eof:
            try:
                output = self._decoder.decompress(piece, OUTPUT_BYTES)
            except _ZlibError as error:
                raise DecodeError(str(error).partition(": ")[2] or str(error)) from error
            if output:
                yield output
            piece = self._decoder.unconsumed_tail


class _Bzip2:
    def __init__(self) -> None:
        self._decoder = bz2.BZ2Decompressor()

    @property
    def ended(self) -> bool:
        return self._decoder.eof

    @property
    def unused(self) -> int:
        return len(self._decoder.unused_data)

    def feed(self, piece: bytes) -> Iterator[bytes]:
        while not self._decoder.eof:
            try:
                output = self._decoder.decompress(piece, OUTPUT_BYTES)
            except OSError as error:
                raise DecodeError(str(error)) from error
            if output:
                yield output
            piece = b""
            if self._decoder.needs_input:
                return


class _Zstandard:
    def __init__(self, dictionary: zstandard.ZstdCompressionDict | None = None) -> None:
        self._decoder = zstandard.ZstdDecompressor(dict_data=dictionary).decompressobj()
        self._behind = 0

    @property
    def ended(self) -> bool:
        return bool(self._decoder.eof)

    @property
    def unused(self) -> int:
        return len(self._decoder.unused_data) + self._behind

    def feed(self, piece: bytes) -> Iterator[bytes]:
        for start in range(0, len(piece), ZSTD_PIECE):
            try:
                output = self._decoder.decompress(piece[start : start + ZSTD_PIECE])
            except zstandard.ZstdError as error:
                raise DecodeError(str(error)) from error
            if output:
                yield output
            if self._decoder.eof:
                self._behind = max(0, len(piece) - start - ZSTD_PIECE)
                return


class _Brotli:
    def __init__(self) -> None:
        try:
            import brotli  # here, because few pages need it and it is an extension that may be missing
        except ImportError as error:
            raise DecodeError("the brotli package is not installed; pip install 'brotli>=1.2'") from error
        self._decoder = brotli.Decompressor()
        self._error: type[Exception] = brotli.error
        if not hasattr(self._decoder, "can_accept_more_data"):
            raise DecodeError("the brotli package cannot bound its output; pip install 'brotli>=1.2'")

    @property
    def ended(self) -> bool:
        return bool(self._decoder.is_finished())

    @property
    def unused(self) -> int:
        return 0

    def feed(self, piece: bytes) -> Iterator[bytes]:
        while not self.ended:
            try:
                output = self._decoder.process(piece, output_buffer_limit=OUTPUT_BYTES)
            except self._error as error:
                raise DecodeError(str(error)) from error
            if output:
                yield output
            piece = b""
            if self._decoder.can_accept_more_data():
                return


def gzip_decoder() -> Decoder:
    """Return a decoder of one gzip member (RFC 1952)."""
    return _Zlib(31)


def deflate_decoder(head: bytes) -> Decoder:
    """Return a decoder of the encoding that servers call deflate: zlib (RFC 1950), or else raw deflate (RFC 1951)."""
    zlib_header = len(head) > 1 and head[0] & 15 == 8 and (head[0] << 8 | head[1]) % 31 == 0
    return _Zlib(15 if zlib_header else -15)


def brotli_decoder() -> Decoder:
    """Return a decoder of one brotli stream (RFC 7932).

    Raises:
        DecodeError: the package `brotli` is missing or older than 1.2.
    """
    return _Brotli()


SKIPPABLE: Final = re.compile(rb"[\x50-\x5f]\x2a\x4d\x18")
"""Start of a Zstandard frame without content (RFC 8878, 3.1.2); its length follows in four bytes."""
SKIPPABLE_HEAD_BYTES: Final = 8

# Formats: RFC 1952; bzip2 ("BZh", level, then the mark of a block or of the end); RFC 8878.
GZIP: Final = Codec("gzip", "gzip member", re.compile(rb"\x1f\x8b\x08"), False, gzip_decoder)
BZIP2: Final = Codec(
    "bzip2", "bzip2 stream", re.compile(rb"BZh[1-9](?:1AY&SY|\x17\x72\x45\x38\x50\x90)"), True, _Bzip2
)
ZSTANDARD: Final = Codec(
    "zstd", "zstd frame", re.compile(rb"\x28\xb5\x2f\xfd"), False, _Zstandard, SKIPPABLE, has_checksums=False
)

# A Zstandard WARC may begin with a frame of this type: the dictionary of all its frames, compressed or not
# (IIPC WARC File Compression Specification with Zstandard, 1.0).
_DICTIONARY: Final = re.compile(rb"\x5d\x2a\x4d\x18")
DICTIONARY_BYTES: Final = 64 << 20

_REFUSED: Final = (
    (SKIPPABLE, "zstd with a dictionary", "zstd -d -D DICTIONARY"),
    (re.compile(rb"\x04\x22\x4d\x18"), "lz4", "lz4 -d"),
    (re.compile(rb"\xfd7zXZ\x00"), "xz", "xz -d"),
    (re.compile(rb"PK\x03\x04"), "zip", "unzip"),
    (re.compile(rb"7z\xbc\xaf\x27\x1c"), "7z", "7z x"),
)


def sniff(head: bytes) -> Codec | None:
    """Return the codec of a file by its first bytes; None = not compressed in a known way."""
    return next((codec for codec in (GZIP, BZIP2, ZSTANDARD) if codec.magic.match(head)), None)


def dictionary_codec(stream: BinaryIO) -> Codec | None:
    """Return the codec of a Zstandard file that begins with its dictionary; None = it does not.

    Raises:
        DecodeError: there is a dictionary, but it is damaged or too large.
    """
    stream.seek(0)
    head = stream.read(SKIPPABLE_HEAD_BYTES)
    if not _DICTIONARY.match(head):
        return None
    size = skippable_bytes(head) - SKIPPABLE_HEAD_BYTES
    data = stream.read(min(size, DICTIONARY_BYTES))
    if len(data) < size:
        reason = "larger than 64 MiB" if size > DICTIONARY_BYTES else "cut off; fetch the file again"
        raise DecodeError(f"the zstd dictionary at its start is {reason}")
    dictionary = zstandard.ZstdCompressionDict(_dictionary_content(data))
    return replace(ZSTANDARD, open=lambda: _Zstandard(dictionary))


def skippable_bytes(head: bytes) -> int:
    """Return the length in bytes of a skippable Zstandard frame, from its first eight bytes."""
    return SKIPPABLE_HEAD_BYTES + int.from_bytes(head[4:SKIPPABLE_HEAD_BYTES], "little")


def _dictionary_content(data: bytes) -> bytes:
    if not ZSTANDARD.magic.match(data):
        return data
    decoder, parts, size = ZSTANDARD.open(), [], 0
    for part in decoder.feed(data):
        parts.append(part)
        size += len(part)
        if size > DICTIONARY_BYTES:
            raise DecodeError("the zstd dictionary at its start is larger than 64 MiB")
    if not decoder.ended:
        raise DecodeError("the zstd dictionary at its start is damaged; fetch the file again")
    return b"".join(parts)


def first_output(codec: Codec | None, head: bytes) -> bytes:
    """Decode the first bytes of a file as far as possible; a `codec` of None means that they are not compressed."""
    if codec is None:
        return head
    try:
        return next(codec.open().feed(head), b"")
    except DecodeError:
        return b""


def sniff_behind_damage(head: bytes, starts_with: bytes | tuple[bytes, ...]) -> Codec | None:
    """Return the codec of a file whose first bytes are damaged: that of the first member further on, or None.

    Args:
        head: the first bytes of the file.
        starts_with: how the decoded bytes of a member start; not asked of a member whose own start identifies it.
    """
    for codec in (GZIP, BZIP2, ZSTANDARD):
        for match in codec.magic.finditer(head):
            member = head[match.start() : match.start() + _PROBE_BYTES]
            if codec.sure or first_output(codec, member).startswith(starts_with):
                return codec
    return None


def refusal(head: bytes) -> str | None:
    r"""Return why a file with these first bytes cannot be read, and what to do; None = it can be read.

    >>> refusal(b"PK\x03\x04rest")
    'the file is zip, which is not supported; unpack it with `unzip`'
    """
    for magic, name, command in _REFUSED:
        if magic.match(head):
            return f"the file is {name}, which is not supported; unpack it with `{command}`"
    return None
