"""Step 4 of the dedup stage: the documents of each work group are decided, and the decisions go to their units.

A group is made of whole connected components, so its documents are decided without any other group.
"""

from __future__ import annotations

from collections.abc import Iterator
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
from pipelines.stages.dedup.candidates import PAIR, UNIT_TABLES
from pipelines.stages.dedup.exact_jaccard import Comparison, exact_similarities
from pipelines.stages.dedup.records import (
    Array,
    Keyed,
    Received,
    gather,
    grouped,
    join,
    ordinals,
    read_records,
    rows_of,
    scatter,
)
from pipelines.stages.dedup.search import Search, SearchUnit, Sizes, table_path
from pipelines.stages.dedup.signatures import Settings, SignaturePart

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
"""What becomes of a document; `age` is that of its keeper's run, `layer` a place in `LAYERS`."""

LAYERS: Final = (None, "exact", "url", "minhash")
"""How a document was found to be a copy; None for one that stays."""
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


def count_groups(search: Search) -> int:
    """Return the number of work groups for what the units' tables hold; 0 if no document has a candidate."""
    paths = [table_path(table, unit.ordinal) for table in ("members", "pairs") for unit in search.units()]
    storage = search.storage
    held = sum(storage.path(path).stat().st_size for path in paths if storage.exists(path))
    return 0 if not held else groups_for(held // MEMBERSHIP.itemsize // 8, search.sizes)


def groups_for(documents: int, sizes: Sizes) -> int:
    """Return the number of work groups for so many documents."""
    return 1 + documents // sizes.group_documents


def nodes_to_groups(unit: SearchUnit, search: Search, roots: str) -> Iterator[Keyed]:
    """Yield (group, records) of one unit: its documents that have candidates or copies.

    Args:
        unit: the unit.
        search: the search; its `groups` are known.
        roots: table of the edges to the roots of components.
    """
    memberships, pairs, copies = _read_unit_tables(unit, search)
    memberships = memberships[~np.isin(memberships["doc"], copies)]
    docs = np.unique(np.concatenate((memberships["doc"], pairs["first"])))
    if not len(docs):
        return
    group = groups_of(
        roots_of(docs, read_records(search.storage, roots, [unit.ordinal], EDGE)), search.groups
    )
    part = SignaturePart.read(unit.signatures, rows_of(docs))
    made = np.empty(len(docs), dtype=node_type(search))
    made["doc"], made["order"] = docs, keep_keys(part.ranks, unit.age)
    made["id"], made["signature"] = part.ids, part.signatures
    for tag, table, owners, records in (
        (_NODES, "nodes", docs, made),
        (_MEMBERS, "node-members", memberships["doc"], memberships),
        (_PAIRS, "node-pairs", pairs["first"], pairs),
    ):
        yield from scatter(table, unit.ordinal, group[np.searchsorted(docs, owners)], records, search, tag)


def decisions_to_units(received: Received, search: Search) -> Iterator[Keyed]:
    """Yield (ordinal of a unit of this run, records of dtype `DECISION`) of one group of `nodes_to_groups`."""
    _, batches = received
    found, memberships, pairs = gather(batches, node_type(search), MEMBERSHIP, PAIR)
    found = found[keep_order(found["order"], found["id"])]
    buckets = gather_buckets(memberships, found["doc"])
    decisions = _resolve(found, buckets, search)
    sorter = np.argsort(found["doc"])
    firsts = sorter[np.searchsorted(found["doc"], pairs["first"], sorter=sorter)]
    made = _decision_rows(found, decisions, buckets, pairs["doc"], firsts)
    units = ordinals(made["doc"])
    own = units < search.own_units
    yield from ((ordinal, part.tobytes()) for ordinal, part in grouped(units[own], made[own]))


def write_decisions(received: Received, search: Search) -> None:
    """Write the decisions about the documents of one unit, by row."""
    ordinal, batches = received
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
    path = table_path("decisions", search.units()[ordinal].name)
    with search.storage.table_writer(path, DECISIONS) as writer:
        writer.write(pa.Table.from_arrays(columns, schema=DECISIONS))


def _read_unit_tables(unit: SearchUnit, search: Search) -> tuple[Array, Array, Array]:
    """Return the memberships, pairs and copies of one unit."""
    dtypes = dict(UNIT_TABLES)
    memberships, pairs, copies = (
        read_records(search.storage, table, [unit.ordinal], dtypes[table])
        for table in ("members", "pairs", "copies")
    )
    return memberships, pairs, copies


def _resolve(found: Array, buckets: Buckets, search: Search) -> Decisions:
    """Apply the rule to the nodes of a group, which are in keep order."""
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

    def compare(pairs: Ints) -> Floats:
        return exact_similarities(found["doc"][pairs], search, comparison)

    return resolve(signatures, buckets, limit, compare, fixed)


def _no_pairs(pairs: Ints) -> Floats:
    """Compare nothing: without ``minhash`` all buckets are sure ones."""
    return np.zeros(len(pairs))


def _decision_rows(
    found: Array, decisions: Decisions, buckets: Buckets, copies: Hashes, firsts: Ints
) -> npt.NDArray[Any]:
    """Return the records of nodes in keep order and of their exact copies.

    A copy follows the first of its equals: if that one stays, it is the copy's keeper, else both have one keeper.

    Args:
        found: the nodes.
        decisions: of the nodes.
        buckets: the group's buckets, of indices into `found`.
        copies: documents that are an exact copy.
        firsts: index of the node that each copies.
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
    matters: npt.NDArray[np.bool_] = (made["size"] > 1) | made["capped"]
    return made[matters]
