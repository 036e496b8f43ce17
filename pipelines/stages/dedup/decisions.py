"""Second half of the dedup stage, part three: each work group is decided, and each unit told about its documents.

A group is whole connected components, so its documents are decided without knowledge of any other group.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from filters.dedup.buckets import MEMBERSHIP, Buckets, gather_buckets
from filters.dedup.clusters import Decisions, Limit, resolve
from filters.dedup.components import EDGE, groups_of, roots_of
from filters.dedup.order import keep_keys, keep_order
from filters.dedup.walk import KEPT, Floats, Ints
from filters.hashing import Hashes
from pipelines.stages.dedup.candidates import FOUND, PAIR
from pipelines.stages.dedup.search import (
    Array,
    Keyed,
    Search,
    Unit,
    deal,
    join,
    ordinals,
    part_path,
    read_records,
    receive,
    rows_of,
    send,
)
from pipelines.stages.dedup.settle import Comparison, settle
from pipelines.stages.dedup.signatures import Settings, SignaturePart

# Documents per group, about: 15 MB of signatures, and as much work as is worth a bundle.
CAPACITY: Final = 1 << 15

DECISION: Final = np.dtype(
    [
        ("doc", "<u8"),
        ("keeper", "V16"),
        ("age", "u1"),
        ("similarity", "<f8"),
        ("size", "<i4"),
        ("layer", "u1"),
        ("capped", "?"),
    ]
)
LAYERS: Final = (None, "exact", "url", "minhash")
"""How a document was found to be a copy; None for those that stay."""
_STAYS, _EXACT, _URL, _MINHASH = range(4)
_NODES, _MEMBERS, _PAIRS = range(3)

DECISIONS: Final = pa.schema(
    [
        pa.field("row", pa.uint32(), nullable=False),
        pa.field("keeper", pa.binary(16), nullable=False),
        pa.field("age", pa.uint8(), nullable=False),
        pa.field("similarity", pa.float64(), nullable=False),
        pa.field("size", pa.int32(), nullable=False),
        pa.field("layer", pa.string()),
        pa.field("capped", pa.bool_(), nullable=False),
    ]
)
"""Rows of one unit that are in a cluster (`size` > 1; `layer` is null for its keeper) or in a capped bucket;
`age` is that of the keeper's run."""


def node_type(search: Search) -> np.dtype[Any]:
    """Return the dtype of what is known about a document when it is decided."""
    scheme = Settings.of(search.dedup).signing
    signature = ("signature", f"<u{scheme.bits // 8}", (scheme.permutations,))
    return np.dtype([("doc", "<u8"), ("order", "<u8"), ("id", "V16"), signature])


def count_groups(search: Search, units: Sequence[Unit]) -> int:
    """Return the number of work groups: about `CAPACITY` documents each; 0 when nothing has a candidate."""
    names = [part_path(kind, unit.ordinal) for kind in ("members", "pairs") for unit in units]
    storage = search.storage
    found = sum(storage.path(name).stat().st_size for name in names if storage.exists(name))
    return 0 if not found else groups_for(found // MEMBERSHIP.itemsize // 8)


def groups_for(documents: int) -> int:
    """Return the number of work groups for so many documents."""
    return 1 + documents // CAPACITY


def nodes(unit: Unit, search: Search, groups: int, roots: str) -> Iterator[Keyed]:
    """Yield (group, records) of one unit: its documents that have candidates or copies.

    Args:
        unit: the unit.
        search: the search.
        groups: number of work groups.
        roots: kind of the tables with the roots of components.
    """
    memberships, pairs, copies = _told(unit, search)
    memberships = memberships[~np.isin(memberships["doc"], copies)]
    docs = np.unique(np.concatenate((memberships["doc"], pairs["first"])))
    if not len(docs):
        return
    group = groups_of(roots_of(docs, read_records(search.storage, roots, [unit.ordinal], EDGE)), groups)
    part = SignaturePart.read(unit.signatures, rows_of(docs))
    made = np.empty(len(docs), dtype=node_type(search))
    made["doc"], made["order"] = docs, keep_keys(part.ranks, unit.age)
    made["id"], made["signature"] = part.ids, part.signatures
    for tag, kind, owners, records in (
        (_NODES, "nodes", docs, made),
        (_MEMBERS, "node-members", memberships["doc"], memberships),
        (_PAIRS, "node-pairs", pairs["first"], pairs),
    ):
        yield from send(kind, unit.ordinal, group[np.searchsorted(docs, owners)], records, search, tag)


def decide(_: int, batches: Iterable[bytes], search: Search, texts: Sequence[str]) -> Iterator[Keyed]:
    """Yield (ordinal of a unit, records of dtype `DECISION`) of one work group.

    Args:
        batches: what `nodes` yields for the group.
        search: the search.
        texts: paths of the parts of ``filtered/``, by ordinal.
    """
    found, memberships, pairs = receive(batches, node_type(search), MEMBERSHIP, PAIR)
    found = found[keep_order(found["order"], found["id"])]
    buckets = gather_buckets(memberships, found["doc"])
    decisions = _resolve(found, buckets, search, texts)
    sorter = np.argsort(found["doc"])
    firsts = sorter[np.searchsorted(found["doc"], pairs["first"], sorter=sorter)]
    made = _decision_rows(found, decisions, buckets, pairs["doc"], firsts)
    units = ordinals(made["doc"])
    own = units < search.own_units
    yield from ((ordinal, part.tobytes()) for ordinal, part in deal(units[own], made[own]))


def write_decisions(ordinal: int, batches: Iterable[bytes], search: Search, units: Sequence[str]) -> None:
    """Write the decisions about one unit, by row."""
    made = join(batches, DECISION)
    made = made[np.argsort(made["doc"])]
    columns = [
        pa.array(rows_of(made["doc"]), pa.uint32()),
        pa.array([keeper.tobytes() for keeper in made["keeper"]], pa.binary(16)),
        pa.array(made["age"]),
        pa.array(made["similarity"]),
        pa.array(made["size"]),
        pa.array([LAYERS[layer] for layer in made["layer"]], pa.string()),
        pa.array(made["capped"]),
    ]
    with search.storage.table_writer(part_path("decisions", units[ordinal]), DECISIONS) as writer:
        writer.write(pa.Table.from_arrays(columns, schema=DECISIONS))


def _told(unit: Unit, search: Search) -> tuple[Array, Array, Array]:
    """Return the memberships, pairs and copies of one unit."""
    kinds = dict(FOUND)
    memberships, pairs, copies = (
        read_records(search.storage, kind, [unit.ordinal], kinds[kind])
        for kind in ("members", "pairs", "copies")
    )
    return memberships, pairs, copies


def _resolve(found: Array, buckets: Buckets, search: Search, texts: Sequence[str]) -> Decisions:
    """Apply the rule to the nodes of a group in keep order."""
    minhash, url = search.dedup.minhash, search.dedup.url
    if minhash is None and not url:
        return Decisions.all_stay(len(found))
    signatures = np.ascontiguousarray(found["signature"])
    fixed = int(np.count_nonzero(found["order"] >> np.uint64(32) < search.age))
    if minhash is None:
        return resolve(signatures, buckets, Limit.exact(1.0, 1), _no_pairs, fixed)
    trust = Limit.estimated if minhash.verify == "signature" else Limit.exact
    limit = trust(minhash.similarity, signatures.shape[1])
    comparison = Comparison(minhash.signing(), minhash.verify == "containment")
    return resolve(
        signatures, buckets, limit, lambda pairs: settle(found["doc"][pairs], texts, comparison), fixed
    )


def _no_pairs(pairs: Ints) -> Floats:
    """Settle nothing: without ``minhash`` all buckets are sure ones."""
    return np.zeros(len(pairs))


def _decision_rows(
    found: Array, decisions: Decisions, buckets: Buckets, copies: Hashes, firsts: Ints
) -> npt.NDArray[Any]:
    """Return the records of nodes in keep order and of their exact copies.

    A copy shares the fate of the first of its equals: where that one stays it is the copy's keeper, else both
    have the same keeper.

    Args:
        found: the nodes.
        decisions: what becomes of them.
        buckets: the group's buckets, of indices into `found`.
        copies: documents that are an exact copy.
        firsts: index of the node each copies.
    """
    stays = decisions.keeper == KEPT
    keeper = np.where(stays, np.arange(len(found)), decisions.keeper)
    similarity = np.where(stays, 1.0, decisions.similarity)
    sizes = np.bincount(np.concatenate((keeper, keeper[firsts])), minlength=len(found))
    made = np.zeros(len(found) + len(copies), dtype=DECISION)
    owner = np.concatenate((np.arange(len(found)), firsts))
    made["doc"] = np.concatenate((found["doc"], copies))
    made["keeper"], made["size"] = found["id"][keeper[owner]], sizes[keeper[owner]]
    made["age"] = (found["order"] >> np.uint64(32))[keeper[owner]]
    made["similarity"] = similarity[owner]
    layers = np.where(stays, _STAYS, np.where(decisions.sure, _URL, _MINHASH))
    made["layer"][: len(found)] = layers
    made["layer"][len(found) :] = np.where(stays[firsts], _EXACT, layers[firsts])
    capped = np.unique(buckets.docs[np.repeat(buckets.capped, buckets.sizes)]).astype(np.int64)
    made["capped"][capped] = True
    told: npt.NDArray[np.bool_] = (made["size"] > 1) | made["capped"]
    return made[told]
