"""Who stays: the one rule that turns candidates into decisions.

Documents are taken in keep order. One is kept if and only if none of the kept documents before it is a
verified neighbour; otherwise its keeper is the kept one before it with the highest similarity, the earlier of
two that are equal. So there are no chains: whoever is removed is similar to its own keeper, which is kept.

A pair is a neighbour when its estimated similarity reaches the limit; an estimate too close to the limit to be
trusted is replaced by the exact similarity. The rule is walked twice: the first walk leaves such pairs
open and collects those that may matter, the second has their exact values. A document is only ever compared
with documents that may be kept, so a cluster of n copies costs n comparisons and not n * n.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from filters.dedup.buckets import HEAD, Buckets
from filters.dedup.minhash import Signatures, standard_error
from filters.dedup.walk import KEPT, Floats, Ints, Marks, walk


@dataclass(frozen=True, slots=True)
class Limit:
    """Where similarity begins.

    Attributes:
        similarity: Jaccard similarity from which two documents are neighbours, above 0.
        low, high: pairs with so many equal numbers in their signatures, ends included, are settled exactly.
    """

    similarity: float
    low: int
    high: int

    @classmethod
    def estimated(cls, similarity: float, permutations: int) -> Limit:
        """Trust estimates of more than two standard errors below the limit, or five above.

        A pair passed over costs one missed copy; a pair believed costs a document. And pages of one template are
        compared with hundreds of others each, chosen by the very numbers that the estimate counts: of pages with a
        similarity of 0.63, at a limit of 0.7, two standard errors cost 189 of 5,000, and four one of 50,000, with an
        estimate of 98 in 112 that one pair in 160 million has (`tests/bench/dedup_templates.py`). Beyond five it is
        one in 500 billion.
        """
        error = standard_error(similarity, permutations)
        low = np.ceil(permutations * (similarity - 2.0 * error))
        return cls(similarity, int(low), int(np.floor(permutations * (similarity + 5.0 * error))))

    @classmethod
    def exact(cls, similarity: float, permutations: int) -> Limit:
        """Trust no estimate."""
        return cls(similarity, 0, permutations)


@dataclass(frozen=True, slots=True)
class Decisions:
    """What becomes of n documents in keep order.

    Attributes:
        keeper: int64 [n]: index of the document kept instead; `walk.KEPT` (-1) for those that stay.
        similarity: float64 [n]: similarity to the keeper; 0 for those that stay.
        sure: bool [n]: document and keeper share a bucket that makes them copies whatever their texts.
    """

    keeper: Ints
    similarity: Floats
    sure: Marks

    @classmethod
    def all_stay(cls, count: int) -> Decisions:
        """Return the decisions about documents that are not compared."""
        return cls(np.full(count, KEPT), np.zeros(count), np.zeros(count, dtype=np.bool_))


def resolve(
    signatures: Signatures,
    buckets: Buckets,
    limit: Limit,
    settle: Callable[[Ints], Floats],
    fixed: int = 0,
) -> Decisions:
    """Apply the rule to documents in keep order.

    Args:
        signatures: [n, permutations], in keep order.
        buckets: candidates as indices into `signatures`, each bucket ascending; see `buckets.gather_buckets`.
        limit: where similarity begins.
        settle: returns the exact similarities [m] of pairs [m, 2] of indices, the earlier one first.
        fixed: so many first documents stay, whatever they are similar to.
    """
    graph = _by_document(buckets, len(signatures))
    nothing = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float64)
    bounds = limit.similarity, limit.low, limit.high
    keeper, similarity, sure, unsettled = walk(signatures, fixed, *graph, *bounds, *nothing)
    if len(unsettled):
        keys = np.sort(unsettled)
        exact = settle(np.stack(np.divmod(keys, len(signatures)), axis=1))
        keeper, similarity, sure, _ = walk(signatures, fixed, *graph, *bounds, keys, exact)
    return Decisions(keeper, similarity, sure)


def _by_document(buckets: Buckets, count: int) -> tuple[Ints, Ints, Marks, Ints, Ints]:
    """Return the buckets' starts, heads and marks, the buckets of each document, and where each one's begin."""
    members = buckets.docs.astype(np.int64)
    heads = np.where(buckets.capped, HEAD, buckets.sizes)
    own = buckets.numbers[np.argsort(members, kind="stable")]
    own_starts = np.concatenate(([0], np.cumsum(np.bincount(members, minlength=count))))
    return buckets.starts, heads, buckets.sure, own, own_starts
