"""A remote file as a binary stream that seeks and reads like a local one, in ranges that grow with sequential reads."""

from __future__ import annotations

import io
import os
from typing import BinaryIO, cast

from pipelines.inputs.address import Address, Pin
from pipelines.inputs.client import Client

FIRST_BYTES = 1 << 18
"""Bytes of the first range after a seek: often a header or a footer is all that is read. Each next range doubles."""
MOST_BYTES = 8 << 20
"""Bytes of the largest range, and so of the buffer of a stream."""


class RangedFile(io.BufferedIOBase):
    """One remote file.

    Args:
        client: reads the ranges.
        address: of the file.
        pin: its version when it was listed; `read` raises `InputError` for another one.
        until: where reading will end, more or less; None = at the end of the file.
    """

    def __init__(self, client: Client, address: Address, pin: Pin, until: int | None = None) -> None:
        super().__init__()
        self._client = client
        self._address = address
        self._pin = pin
        self._until = pin.size if until is None else until
        self._position = 0
        self._start = 0
        self._block = b""
        self._next_bytes = FIRST_BYTES

    @property
    def name(self) -> str:
        """Address, the name of the file in messages."""
        return self._address.text

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move without a request, and return the new position."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._pin.size}[whence]
        if base + offset < 0:
            raise ValueError(f"seek to {base + offset}")
        self._position = base + offset
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        """Return `size` bytes, fewer only at the end of the file."""
        left = max(0, self._pin.size - self._position)
        wanted = left if size is None or size < 0 else min(size, left)
        parts = []
        while wanted > 0:
            at = self._position - self._start
            if not 0 <= at < len(self._block):
                self._load(wanted)
                at = 0
            part = self._block[at : at + wanted]
            parts.append(part)
            self._position += len(part)
            wanted -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _load(self, wanted: int) -> None:
        """Read the block that begins at the position."""
        sequential = self._position == self._start + len(self._block) and self._block
        self._next_bytes = min(2 * self._next_bytes, MOST_BYTES) if sequential else FIRST_BYTES
        ahead = min(self._next_bytes, max(self._until - self._position, FIRST_BYTES))
        stop = min(self._pin.size, self._position + max(ahead, min(wanted, MOST_BYTES)))
        self._block = self._client.read(self._address, self._pin, self._position, stop)
        self._start = self._position


def open_ranged(client: Client, address: Address, pin: Pin, until: int | None) -> BinaryIO:
    """Open a remote file; see `RangedFile`."""
    return cast("BinaryIO", RangedFile(client, address, pin, until))
