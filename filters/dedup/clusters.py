"""Who stays: the one rule that turns candidates into decisions.

Documents are taken in keep order. One is kept if and only if none of the kept documents before it is a
verified neighbour; otherwise its keeper is the kept one before it with the highest similarity, the earlier of
two that are equal. So there are no chains: whoever is removed is similar to its own keeper, which is kept.

A pair is a neighbour when its estimated similarity reaches the limit; an estimate within two standard errors
of the limit is replaced by the exact similarity. The rule is walked twice: the first walk leaves such pairs
open and collects those that may matter, the second has their exact values. A document is only ever compared
with documents that may be kept, so a cluster of n copies costs n comparisons and not n * n.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from filters.dedup.buckets import HEAD, Buckets
from filters.dedup.minhash import Signatures, standard_error
from filters.dedup.units import Hashes
from filters.dedup.walk import Floats, Ints, walk


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
        """Trust estimates that are more than two standard errors from the limit."""
        margin = 2.0 * standard_error(similarity, permutations)
        low = np.ceil(permutations * (similarity - margin))
        return cls(similarity, int(low), int(np.floor(permutations * (similarity + margin))))

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
    """

    keeper: Ints
    similarity: Floats


def resolve(
    signatures: Signatures, buckets: Buckets, limit: Limit, settle: Callable[[Ints], Floats]
) -> Decisions:
    """Apply the rule to documents in keep order.

    Args:
        signatures: [n, permutations], in keep order.
        buckets: candidates as indices into `signatures`, each bucket ascending; see `place`.
        limit: where similarity begins.
        settle: returns the exact similarities [m] of pairs [m, 2] of indices, the earlier one first.
    """
    graph = _by_document(buckets, len(signatures))
    nothing = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float64)
    bounds = limit.similarity, limit.low, limit.high
    keeper, similarity, unsettled = walk(signatures, *graph, *bounds, *nothing)
    if len(unsettled):
        keys = np.sort(unsettled)
        exact = settle(np.stack(np.divmod(keys, len(signatures)), axis=1))
        keeper, similarity, _ = walk(signatures, *graph, *bounds, keys, exact)
    return Decisions(keeper, similarity)


def place(buckets: Buckets, docs: Hashes) -> Buckets:
    """Return the buckets with every document replaced by its index in `docs`, each bucket ascending.

    Args:
        buckets: buckets of documents that are all in `docs`.
        docs: distinct documents in keep order, uint64 [n].
    """
    sorter = np.argsort(docs)
    places = sorter[np.searchsorted(docs, buckets.docs, sorter=sorter)]
    numbers = np.repeat(np.arange(len(buckets.sizes)), buckets.sizes)
    return replace(buckets, docs=places[np.lexsort((places, numbers))].astype(np.uint64))


def components(buckets: Buckets) -> tuple[Hashes, Ints]:
    """Return all documents in buckets, ascending, and the number of the connected component of each."""
    docs, places = np.unique(buckets.docs, return_inverse=True)
    first = np.repeat(places[buckets.starts[:-1]], buckets.sizes)
    edges = coo_array((np.ones(len(places), dtype=np.bool_), (first, places)), shape=(len(docs), len(docs)))
    labels = connected_components(edges, directed=False)[1]
    return docs, labels.astype(np.int64)


def work_groups(labels: Ints, capacity: int) -> Ints:
    """Return the work group of each component's members: whole components, about `capacity` documents each."""
    sizes = np.bincount(labels)
    return ((np.cumsum(sizes) - sizes) // capacity)[labels]


def _by_document(buckets: Buckets, count: int) -> tuple[Ints, Ints, Ints, Ints]:
    """Return the buckets' starts and heads, the buckets of each document, and where each document's begin."""
    members = buckets.docs.astype(np.int64)
    numbers = np.repeat(np.arange(len(buckets.sizes)), buckets.sizes)
    heads = np.where(buckets.capped, HEAD, buckets.sizes)
    own_starts = np.concatenate(([0], np.cumsum(np.bincount(members, minlength=count))))
    return buckets.starts, heads, numbers[np.argsort(members, kind="stable")], own_starts
