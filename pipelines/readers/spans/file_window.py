"""Random access to a file in large reads: bytes that are asked for twice are read once."""

from __future__ import annotations

import os
from typing import BinaryIO, Final

READ_BYTES: Final = 1 << 20
"""Bytes of one read."""


class FileWindow:
    """One block of a seekable stream; it moves to the bytes that are asked for.

    Attributes:
        size: bytes of the whole file.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.size = stream.seek(0, os.SEEK_END)
        self._start = 0
        self._block = b""

    def read(self, position: int, count: int) -> bytes:
        """Return `count` bytes at `position`; fewer only where the file ends."""
        count = max(0, min(count, self.size - position))
        at = position - self._start
        if at < 0 or at + count > len(self._block):
            self._start, at = position, 0
            self._block = self._read_block(position, max(count, READ_BYTES))
        return self._block[at : at + count]

    def _read_block(self, position: int, count: int) -> bytes:
        self._stream.seek(position)
        parts = []
        while count > 0 and (part := self._stream.read(count)):
            parts.append(part)
            count -= len(part)
        return b"".join(parts)
