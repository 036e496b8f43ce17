"""Which documents stay: the one rule that turns candidates into decisions.

Documents are taken in keep order. A document is kept if and only if no kept document before it is a verified neighbour.
Otherwise its keeper is the kept document before it with the highest similarity, or the earlier of two that are equal.
So there are no chains: each removed document is similar to its own keeper, which is kept.

A pair is a neighbour if its estimated similarity reaches the limit. An estimate too close to the limit is replaced by
the exact similarity. The rule is therefore applied twice: the first walk leaves such pairs open and collects those that
may matter, the second has their exact values. A document is only compared with documents that may be kept, so a cluster
of n copies costs n comparisons and not n * n.
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
    """From which similarity on documents are neighbours.

    Attributes:
        similarity: Jaccard similarity from which two documents are neighbours, above 0.
        low, high: pairs with `low` to `high` equal numbers in their signatures are compared exactly.
    """

    similarity: float
    low: int
    high: int

    @classmethod
    def estimated(cls, similarity: float, permutations: int) -> Limit:
        """Trust estimates that are more than two standard errors below the limit, or more than five above.

        An estimate that is too low costs one missed copy; one that is too high costs a document. Pages of one template
        are each compared with hundreds of others, and these are chosen by the very numbers that the estimate counts.
        Among pages with a similarity of 0.63, at a limit of 0.7, two standard errors wrongly remove 189 of 5,000, and
        four remove one of 50,000, with an estimate of 98 in 112 that one pair in 160 million has
        (`tests/bench/dedup_templates.py`). Beyond five it is one pair in 500 billion.
        """
        error = standard_error(similarity, permutations)
        low = np.ceil(permutations * (similarity - 2.0 * error))
        return cls(similarity, int(low), int(np.floor(permutations * (similarity + 5.0 * error))))

    @classmethod
    def exact(cls, similarity: float, permutations: int) -> Limit:
        """Trust no estimate: compare every pair exactly."""
        return cls(similarity, 0, permutations)


@dataclass(frozen=True, slots=True)
class Decisions:
    """The decisions about n documents in keep order.

    Attributes:
        keeper: int64 [n]: index of the document kept instead; `walk.KEPT` (-1) for documents that stay.
        similarity: float64 [n]: similarity to the keeper; 0 for documents that stay.
        sure: bool [n]: document and keeper share a bucket that makes them copies, whatever their texts are.
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
    compare: Callable[[Ints], Floats],
    fixed: int = 0,
) -> Decisions:
    """Apply the rule to documents in keep order.

    Args:
        signatures: [n, permutations], in keep order.
        buckets: candidates as indices into `signatures`, each bucket ascending; see `buckets.gather_buckets`.
        limit: from which similarity on documents are neighbours.
        compare: returns the exact similarities [m] of pairs [m, 2] of indices, the earlier one first.
        fixed: the number of first documents that stay, whatever they are similar to.
    """
    graph = _by_document(buckets, len(signatures))
    nothing = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float64)
    bounds = limit.similarity, limit.low, limit.high
    keeper, similarity, sure, unsure = walk(signatures, fixed, *graph, *bounds, *nothing)
    if len(unsure):
        keys = np.sort(unsure)
        exact = compare(np.stack(np.divmod(keys, len(signatures)), axis=1))
        keeper, similarity, sure, _ = walk(signatures, fixed, *graph, *bounds, keys, exact)
    return Decisions(keeper, similarity, sure)


def _by_document(buckets: Buckets, count: int) -> tuple[Ints, Ints, Marks, Ints, Ints]:
    """Return the buckets' starts, heads and marks, the buckets of each document, and where those of each start."""
    members = buckets.docs.astype(np.int64)
    heads = np.where(buckets.capped, HEAD, buckets.sizes)
    own = buckets.numbers[np.argsort(members, kind="stable")]
    own_starts = np.concatenate(([0], np.cumsum(np.bincount(members, minlength=count))))
    return buckets.starts, heads, buckets.sure, own, own_starts
