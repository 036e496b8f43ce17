"""Which documents are for validation, and how often a document is packed: decided by the document's id alone.

The decisions do not depend on the run, the seed or the other documents. So the packed shards and the published
documents of all runs agree on them, and a larger share contains every document of a smaller one.
"""

from __future__ import annotations

import hashlib
from bisect import bisect
from collections.abc import Sequence
from typing import Final

FINEWEB2_REPEATS: Final = ((1, 1.0), (2, 2.0), (3, 3.0), (5, 5.0), (100, 8.0), (1000, 1.0))
"""FineWeb-2's rehydration (Penedo et al. 2025, arXiv:2506.20920): pages with a few copies are better than pages without
copies, and pages with a thousand copies are spam. `weight_by_size` explains the form."""

_VALIDATION, _MIX = b"validation", b"mix"


def is_validation(doc_id: bytes | str, share: float) -> bool:
    """Return True if a document belongs to the validation split.

    Args:
        doc_id: the document's 16 bytes, or their 32 hex characters.
        share: share of the documents for validation, 0 to 1.

    Raises:
        ValueError: `doc_id` is not 16 bytes or 32 hex characters.

    >>> is_validation(bytes(16), 0.0), is_validation("00" * 16, 1.0)
    (False, True)
    """
    return _place(doc_id, _VALIDATION) < share * 2**64


def copies_of(doc_id: bytes | str, weight: float) -> int:
    """Return how often a document is packed if its source has this weight.

    Args:
        doc_id: the document's 16 bytes, or their 32 hex characters.
        weight: 0 or more; 2.25 = every document twice, and every fourth a third time.

    Raises:
        ValueError: `doc_id` is not 16 bytes or 32 hex characters.

    >>> copies_of(bytes(16), 3), copies_of(bytes(16), 0)
    (3, 0)
    """
    whole = int(weight)
    return whole + (_place(doc_id, _MIX) < (weight - whole) * 2**64)


def weight_by_size(size: int, weights: Sequence[tuple[int, float]]) -> float:
    """Return the weight of a document that represents a cluster of copies.

    Args:
        size: documents of the cluster, the kept one included.
        weights: (from this size on, weight), sizes ascending; 1 below the first.

    >>> [weight_by_size(size, FINEWEB2_REPEATS) for size in (1, 2, 3, 4, 5, 99, 100, 999, 1000)]
    [1.0, 2.0, 3.0, 3.0, 5.0, 5.0, 8.0, 8.0, 1.0]
    """
    place = bisect(weights, size, key=lambda step: step[0])
    return weights[place - 1][1] if place else 1.0


def _place(doc_id: bytes | str, purpose: bytes) -> int:
    """Return a number from 0 to 2**64 - 1: a hash, since the id's own bits may have decided about a sample before."""
    identity = bytes.fromhex(doc_id) if isinstance(doc_id, str) else doc_id
    if len(identity) != 16:
        raise ValueError(f"a document id has 16 bytes, not {len(identity)}: {doc_id!r}")
    return int.from_bytes(hashlib.blake2b(identity, digest_size=8, person=purpose).digest(), "big")
