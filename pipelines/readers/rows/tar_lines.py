"""The lines of text files in a tar archive, as a filter over decoded chunks that takes the tar headers out.

The archive is never held: the content of a file passes as it comes. After damage the next header is looked for; the
bytes before it are content of the file that was cut, whatever its header said. The format is POSIX.1-1988 (ustar),
blocks of 512 bytes; the additions of GNU tar and pax are skipped. The module `tarfile` cannot go on after damage.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pipelines.readers.record import Damaged, Span
from pipelines.readers.spans.compressed_spans import Chunk

BLOCK: Final = 512
"""Bytes of a block."""
SUFFIXES: Final = (b".ndjson", b".jsonl", b".json")
"""Names of the files whose lines are read end with one of these."""

_MAGIC: Final = b"ustar"
_MAGIC_AT: Final = 257
_FILE_TYPES: Final = (b"0", b"\0")
_NO_END: Final = "the archive does not end with an empty block; files may be lost, fetch it again"
_NO_HEADER: Final = "a tar header is missing; content up to the next header is taken as lines"


def untar(events: Iterator[Chunk | Span | Damaged], size: int) -> Iterator[Chunk | Span | Damaged]:
    """Replace the data of chunks by the lines of the text files in the archive.

    Args:
        events: an archive: chunks, each span behind its chunks.
        size: bytes of the file, where the end of the archive should be.
    """
    tar = _Tar()
    for event in events:
        if not isinstance(event, Chunk):
            if isinstance(event, Damaged):
                tar.lose()
            yield event
            continue
        for piece in tar.feed(event.data):
            if piece is None:
                yield Damaged(event.offset, 0, "bad_tar", _NO_HEADER)
            elif piece:
                yield Chunk(event.offset, event.length, piece)
    if rest := tar.rest():
        yield Chunk(size, 0, rest)
    if not tar.ended and not tar.damaged and size:
        yield Damaged(size, 0, "truncated", _NO_END)


class _Tar:
    """Position of the next bytes in an archive.

    Attributes:
        ended: an empty block came in the place of a header.
        damaged: bytes were lost before.
    """

    def __init__(self) -> None:
        self._held = b""
        self._content = 0
        self._skipped = 0
        self._lost = False
        self._wanted = False
        self.ended = False
        self.damaged = False

    def lose(self) -> None:
        """Forget the position, until the next header is found."""
        self._content = self._skipped = 0
        self._lost = self.damaged = True

    def feed(self, data: bytes) -> Iterator[bytes | None]:
        """Take bytes; yield the content among them, and None where a header is missing."""
        self._held += data
        parts: list[bytes] = []
        while self._held:
            if self._lost and not self._find_header(parts):
                break
            if self._pass_content(parts):
                continue
            if len(self._held) < BLOCK:
                break
            if not self._read_header():
                self.lose()
                yield b"".join(parts)
                yield None
                parts.clear()
        yield b"".join(parts)

    def rest(self) -> bytes:
        """Return content that was held back."""
        held, self._held = self._held, b""
        return _text(held) if self._lost else b""

    def _pass_content(self, parts: list[bytes]) -> bool:
        """Move over the content of a file, or its padding; return False if there is neither."""
        step = min(self._content or self._skipped, len(self._held))
        if not step:
            return False
        piece, self._held = self._held[:step], self._held[step:]
        if not self._content:
            self._skipped -= step
            return True
        self._content -= step
        if self._wanted:
            # A file that does not end with a newline must not run into the next one.
            parts.append(piece if self._content or piece.endswith(b"\n") else piece + b"\n")
        return True

    def _read_header(self) -> bool:
        """Take the block where a header should be; return True if it is a header, or empty."""
        block, self._held = self._held[:BLOCK], self._held[BLOCK:]
        self.ended = not block.strip(b"\0")
        size = 0 if self.ended else _size(block)
        if size is None:
            return False
        name = block[:100].rstrip(b"\0")
        self._content, self._skipped = size, -size % BLOCK
        self._wanted = block[156:157] in _FILE_TYPES and name.endswith(SUFFIXES)
        return True

    def _find_header(self, parts: list[bytes]) -> bool:
        """Move to the next header; the bytes that are passed are content. Return False if there is none yet."""
        at = self._held.find(_MAGIC)
        while at >= 0:
            start = at - _MAGIC_AT
            if start >= 0 and len(self._held) < start + BLOCK:
                break  # it may be a header: more bytes must come first
            if start >= 0 and _size(self._held[start : start + BLOCK]) is not None:
                parts.append(_text(self._held[:start]))
                self._held, self._lost = self._held[start:], False
                return True
            at = self._held.find(_MAGIC, at + 1)
        keep = min(len(self._held), BLOCK) if at < 0 else len(self._held) - (at - _MAGIC_AT)
        passed = len(self._held) - keep
        parts.append(_text(self._held[:passed]))
        self._held = self._held[passed:]
        return False


def _text(data: bytes) -> bytes:
    """Return content without the padding in it; JSON holds no NUL."""
    return data.replace(b"\0", b"")


def _size(block: bytes) -> int | None:
    """Return the size that a header states for its file; None if the block is not a header."""
    if block[_MAGIC_AT : _MAGIC_AT + len(_MAGIC)] != _MAGIC:
        return None
    checksum = sum(block) - sum(block[148:156]) + 8 * 0x20
    stated = _octal(block[148:156])
    return _octal(block[124:136]) if checksum == stated else None


def _octal(field: bytes) -> int | None:
    """Return a number in octal digits, or in base 256 as GNU tar writes sizes from 8 GiB on."""
    if field[:1] == b"\x80":
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b"\0 ")
    return int(digits, 8) if digits and not digits.strip(b"01234567") else None
