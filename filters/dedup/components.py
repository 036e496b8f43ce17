"""Connected components: which documents must be decided together.

Inside a partition of buckets, each document gets an edge to the smallest document that it is connected with there.
Connections between partitions are found by rounds of two operations on these edges (large-star and small-star of
Kiveris et al. 2014, "Connected Components in MapReduce and Beyond"). Each looks at the edges of one document at a time,
so it needs no more memory than a partition. A round never adds edges, and the number of rounds grows with the logarithm
of the component's size, squared at worst. After a round that changes nothing, each document's only edge leads to the
smallest document of its component, the root.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from filters.compiled import compiled
from filters.dedup.buckets import Buckets
from filters.hashing import Hashes

Ints = npt.NDArray[np.int64]

# A document, and a smaller one that it is connected with.
EDGE: Final = np.dtype([("doc", "<u8"), ("root", "<u8")])


def local_edges(buckets: Buckets) -> npt.NDArray[Any]:
    """Return an edge (dtype `EDGE`) from each document in the buckets to the smallest one connected with it."""
    docs, places = np.unique(buckets.docs, return_inverse=True)
    return _edges(docs, docs[_smallest(places, buckets.starts, len(docs))])


def both_ways(edges: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the edges and their reverses, the input of `large_star`, to be partitioned by ``doc``."""
    return np.concatenate((edges, _raw(edges["root"], edges["doc"])))


def large_star(edges: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Connect the larger neighbours of each document with its smallest neighbour, or itself.

    Args:
        edges: both ways, all those of some documents.
    """
    edges, starts, smallest = _by_document(edges)
    docs = edges["doc"][starts]
    target = np.repeat(np.minimum(smallest, docs), np.diff(starts, append=len(edges)))
    larger = edges["root"] > edges["doc"]
    return _edges(edges["root"][larger], target[larger])


def small_star(edges: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Connect each document and its smaller neighbours with the smallest of these.

    Args:
        edges: from the larger to the smaller, all those of some documents.
    """
    edges, starts, smallest = _by_document(edges)
    target = np.repeat(smallest, np.diff(starts, append=len(edges)))
    return _edges(np.concatenate((edges["root"], edges["doc"][starts])), np.concatenate((target, smallest)))


def distinct(edges: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return each edge once, sorted; numpy's own sort of records is ten times slower."""
    edges = edges[np.lexsort((edges["root"], edges["doc"]))]
    first = np.ones(len(edges), dtype=np.bool_)
    first[1:] = (edges["doc"][1:] != edges["doc"][:-1]) | (edges["root"][1:] != edges["root"][:-1])
    return edges[first]


def fingerprint(edges: npt.NDArray[Any]) -> tuple[int, int]:
    """Return the number of distinct edges and the sum of their hashes; a round that changes nothing keeps both."""
    mixed = edges["doc"] * np.uint64(0x9E3779B97F4A7C15) ^ edges["root"] * np.uint64(0xC2B2AE3D27D4EB4F)
    mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    return len(edges), int((mixed >> np.uint64(32)).sum())


def roots_of(docs: Hashes, edges: npt.NDArray[Any]) -> Hashes:
    """Return the root of each document: where its edge leads to, or itself if it has no edge."""
    edges = edges[np.argsort(edges["doc"])]
    places = np.searchsorted(edges["doc"], docs)
    found = places < len(edges)
    found[found] = edges["doc"][places[found]] == docs[found]
    roots = docs.copy()
    roots[found] = edges["root"][places[found]]
    return roots


def groups_of(roots: Hashes, groups: int) -> npt.NDArray[np.int64]:
    """Return the work group of each root, by a hash: a component is never split."""
    mixed = (roots ^ (roots >> np.uint64(31))) * np.uint64(0x94D049BB133111EB)
    return ((mixed ^ (mixed >> np.uint64(29))) % np.uint64(groups)).astype(np.int64)


@compiled
def _smallest(places: Ints, starts: Ints, count: int) -> Ints:
    """Return the smallest of the numbers below `count` that each is connected with: a union-find.

    Args:
        places: the numbers in each bucket, one bucket after the other; a bucket connects its numbers.
        starts: int64 [buckets + 1]: where each bucket begins in `places`.
        count: how many numbers there are.
    """
    roots = np.arange(count)
    for bucket in range(len(starts) - 1):
        root = _root(roots, places[starts[bucket]])
        for place in places[starts[bucket] + 1 : starts[bucket + 1]]:
            other = _root(roots, place)
            root, other = min(root, other), max(root, other)
            roots[other] = root
    for place in range(count):
        roots[place] = roots[roots[place]]  # the root of a smaller number is final already
    return roots


@compiled
def _root(roots: Ints, place: int) -> int:
    """Follow a number to its root, and let every second number on the way skip the next one."""
    while roots[place] != place:
        roots[place] = roots[roots[place]]
        place = roots[place]
    return place


def _by_document(edges: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64], Hashes]:
    """Return the edges by document, where those of each document start, and its smallest neighbour."""
    edges = edges[np.lexsort((edges["root"], edges["doc"]))]
    starts = np.flatnonzero(np.diff(edges["doc"], prepend=edges["doc"][:1] + np.uint64(1)))
    return edges, starts, edges["root"][starts]


def _edges(docs: Hashes, roots: Hashes) -> npt.NDArray[Any]:
    """Return distinct edges of dtype `EDGE`, without edges from a document to itself."""
    differ = docs != roots
    return distinct(_raw(docs[differ], roots[differ]))


def _raw(docs: Hashes, roots: Hashes) -> npt.NDArray[Any]:
    made = np.empty(len(docs), dtype=EDGE)
    made["doc"], made["root"] = docs, roots
    return made
