"""A remote file as a binary stream: seek and read as in a local one, in ranges that grow while reading goes on."""

from __future__ import annotations

import io
import os
from typing import BinaryIO, cast

from pipelines.inputs.address import Address, Pin
from pipelines.inputs.client import Client

# The first read somewhere is a look at a head or a footer; who goes on gets twice as much each time.
FIRST_BYTES = 1 << 18
MOST_BYTES = 8 << 20


class RangedFile(io.BufferedIOBase):
    """One remote file, as it was listed.

    Args:
        client: asks for ranges.
        address: of the file.
        pin: what it was when it was listed; anything else is an `InputError` of `read`.
        until: reading goes on up to there, and little beyond; None = to the end of the file.
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
        """Address, as messages call the file."""
        return self._address.text

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def seekable(self) -> bool:
        """Say that it can be read anywhere."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move; nothing is asked for."""
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
        """Get the block that begins at the position."""
        goes_on = self._position == self._start + len(self._block) and self._block
        self._next_bytes = min(2 * self._next_bytes, MOST_BYTES) if goes_on else FIRST_BYTES
        ahead = min(self._next_bytes, max(self._until - self._position, FIRST_BYTES))
        stop = min(self._pin.size, self._position + max(ahead, min(wanted, MOST_BYTES)))
        self._block = self._client.read(self._address, self._pin, self._position, stop)
        self._start = self._position


def open_ranged(client: Client, address: Address, pin: Pin, until: int | None) -> BinaryIO:
    """Open a remote file; see `RangedFile`."""
    return cast("BinaryIO", RangedFile(client, address, pin, until))
