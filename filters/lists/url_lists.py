"""Lists of hosts, addresses and words, read from plain text: one entry per line; blank and ``#`` lines are skipped.

Lists such as UT1's have millions of entries, so each entry is kept as a 64-bit hash of the form that is compared: 8
bytes each, sorted. With 10 million entries, one wrong hit is expected in 2 * 10**12 look-ups. Reading 10 million
domains takes 5 CPU seconds once per process, and 18 bytes per entry at most (`tests/bench/url_lists.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import xxhash

_BLOCK: Final = 1 << 22
_BOM: Final = b"\xef\xbb\xbf"

Key = Callable[[str], str | None]
"""Turns an entry as written into the form that is compared; None = it is not an entry."""


class HashedSet:
    """A set of texts that only answers whether a text is in it.

    Attributes:
        hashes: sorted, distinct; uint64 [n].
    """

    def __init__(self, hashes: npt.NDArray[np.uint64]) -> None:
        self.hashes = hashes

    def __len__(self) -> int:
        return len(self.hashes)

    def __contains__(self, text: str) -> bool:
        wanted = np.uint64(_hash(text.encode("utf-8", "surrogatepass")))
        at = int(np.searchsorted(self.hashes, wanted))
        return at < len(self.hashes) and self.hashes[at] == wanted


_hash: Final = xxhash.xxh3_64_intdigest


def read_set(paths: Iterable[Path], key: Key) -> HashedSet:
    """Read lists into one set.

    Args:
        paths: the files.
        key: turns an entry into the form that is compared. It is called only for entries that are not plain
            lower-case host names; bytes that are not UTF-8 match nothing.
    """
    blocks = [_hashes(block, key) for path in paths for block in _blocks(path)]
    together = np.concatenate(blocks) if blocks else np.empty(0, np.uint64)
    del blocks
    together.sort()
    return HashedSet(together[np.append(True, together[1:] != together[:-1])] if len(together) else together)


def _blocks(path: Path) -> Iterator[list[bytes]]:
    """Yield the lines of a file, some megabytes at a time."""
    with path.open("rb") as stream:
        if stream.read(3) != _BOM:
            stream.seek(0)
        while lines := stream.readlines(_BLOCK):
            yield lines


def _hashes(lines: list[bytes], key: Key) -> npt.NDArray[np.uint64]:
    stripped = map(bytes.strip, lines)
    entries = (line for line in stripped if line and line[:1] != b"#")
    return np.fromiter(filter(None, (_hash_of(entry, key) for entry in entries)), np.uint64)


_PLAIN: Final = bytes(
    byte for byte in range(256) if chr(byte) not in "abcdefghijklmnopqrstuvwxyz0123456789-._"
)


def _hash_of(entry: bytes, key: Key) -> int | None:
    if entry.translate(None, _PLAIN) == entry and not entry.endswith(b"."):
        return _hash(entry)  # a host in the compared form already, as most entries of long lists are
    found = key(entry.decode("utf-8", "replace"))
    return _hash(found.encode("utf-8", "surrogatepass")) if found else None


def read_words(path: str) -> frozenset[str]:
    """Return the words of a list, in lower case."""
    lines = (
        line.strip().decode("utf-8", "replace").lower() for line in chain.from_iterable(_blocks(Path(path)))
    )
    return frozenset(line for line in lines if line and not line.startswith("#"))


words_of: Final = lru_cache(maxsize=8)(read_words)
"""`read_words`, once per file and process."""
