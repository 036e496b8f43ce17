"""The rule's inner loop, compiled: one walk over documents in keep order. See `clusters`."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from filters.compiled import compiled
from filters.dedup.minhash import Signatures

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Marks = npt.NDArray[np.bool_]

KEPT: Final = -1
_OPEN: Final = -2
_UNSURE: Final = -2.0
_DIFFERENT: Final = -1.0


@compiled
def walk(
    signatures: Signatures,
    fixed: int,
    starts: Ints,
    heads: Ints,
    sure: Marks,
    own: Ints,
    own_starts: Ints,
    limit: float,
    low: int,
    high: int,
    keys: Ints,
    exact: Floats,
) -> tuple[Ints, Floats, Marks, Ints]:
    """Decide about n documents as far as the given exact similarities allow.

    Args:
        signatures: [n, permutations], in keep order.
        fixed: the number of first documents that stay, whatever they are similar to.
        starts: int64 [buckets + 1]: running sum of the buckets' sizes.
        heads: int64 [buckets]: number of first documents of a bucket that are compared with all its later ones.
        sure: bool [buckets]: the documents of the bucket are neighbours, whatever their similarity is.
        own: int64 [members]: the buckets of each document, one document after the other.
        own_starts: int64 [n + 1]: where each document's buckets start in `own`.
        limit: similarity of neighbours, above 0.
        low: pairs with fewer equal numbers are not neighbours.
        high: pairs with more equal numbers are; those in between need an exact similarity.
        keys: int64 [known], ascending: the pairs ``earlier * n + later`` whose exact similarity is in `exact`.
        exact: float64 [known].

    Returns:
        The keeper of each document (`KEPT` for documents that stay), its similarity to the document, whether the two
        share a sure bucket, and the keys of the pairs whose exact similarity is needed but not known.
    """
    count = len(signatures)
    keeper, similarity = np.full(count, KEPT), np.full(count, _DIFFERENT)
    by_sure = np.zeros(count, dtype=np.bool_)
    live, lives, seen = np.empty(starts[-1], dtype=np.int64), np.zeros_like(heads), np.zeros_like(heads)
    others, met, surely = np.empty_like(keeper), np.full(count, -1), np.full(count, -1)
    unsure, used = np.empty(16, dtype=np.int64), 0
    for doc in range(count):
        buckets = own[own_starts[doc] : own_starts[doc + 1]]
        is_open = False
        met_now = 0 if doc < fixed else _gather(buckets, sure, starts, live, lives, doc, others, met, surely)
        for other in others[:met_now]:
            key, is_sure = other * count + doc, surely[other] == doc
            value = _similarity(
                signatures[other], signatures[doc], low, high, key, keys, exact, limit, is_sure
            )
            if value == _UNSURE:
                unsure = _room(unsure, used)
                unsure[used], used = key, used + 1
            if value == _UNSURE or (value != _DIFFERENT and keeper[other] == _OPEN):
                is_open = True
            elif value > similarity[doc] or (value == similarity[doc] and other < keeper[doc]):
                keeper[doc], similarity[doc], by_sure[doc] = other, value, is_sure
        if keeper[doc] == KEPT and is_open:
            keeper[doc] = _OPEN
        _enter(buckets, starts, heads, live, lives, seen, doc, keeper[doc] < 0)
    return keeper, np.maximum(similarity, 0.0), by_sure, unsure[:used]


@compiled
def _room(values: Ints, used: int) -> Ints:
    """Return the array, twice as long if it is full."""
    return np.concatenate((values, np.empty_like(values))) if used == len(values) else values


@compiled
def _gather(
    buckets: Ints,
    sure: Marks,
    starts: Ints,
    live: Ints,
    lives: Ints,
    doc: int,
    others: Ints,
    met: Ints,
    surely: Ints,
) -> int:
    """Write each document that may be kept and shares a bucket with `doc` once into `others`; return their number."""
    found = 0
    for bucket in buckets:
        for other in live[starts[bucket] : starts[bucket] + lives[bucket]]:
            if met[other] != doc:
                met[other] = doc
                others[found] = other
                found += 1
            if sure[bucket]:
                surely[other] = doc
    return found


@compiled
def _enter(
    buckets: Ints, starts: Ints, heads: Ints, live: Ints, lives: Ints, seen: Ints, doc: int, may_stay: bool
) -> None:
    """Note that `doc` is done; later documents of its buckets are compared with it if it may stay."""
    for bucket in buckets:
        if may_stay and seen[bucket] < heads[bucket]:
            live[starts[bucket] + lives[bucket]] = doc
            lives[bucket] += 1
        seen[bucket] += 1


@compiled
def _similarity(
    a: Signatures,
    b: Signatures,
    low: int,
    high: int,
    key: int,
    keys: Ints,
    exact: Floats,
    limit: float,
    is_sure: bool,
) -> float:
    """Return the similarity of two neighbours, or `_DIFFERENT`, or `_UNSURE`."""
    equal = 0
    for i in range(len(a)):
        equal += a[i] == b[i]
    if is_sure:
        return equal / len(a)
    if equal < low:
        return _DIFFERENT
    if equal > high:
        return equal / len(a)
    place = np.searchsorted(keys, key)
    if place == len(keys) or keys[place] != key:
        return _UNSURE
    return exact[place] if exact[place] >= limit else _DIFFERENT
