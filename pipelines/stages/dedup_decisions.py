"""Second half of the dedup stage, part three: each work group is decided, and each unit told about its documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from filters.dedup.buckets import Buckets
from filters.dedup.clusters import Decisions, Limit, place, resolve
from filters.dedup.order import keep_order
from filters.dedup.units import Hashes
from filters.dedup.walk import KEPT, Ints
from pipelines.stages.dedup_candidates import (
    BUCKETS,
    COPIES,
    Search,
    documents,
    join,
    ordinals,
    part_path,
    read_parts,
    rows_of,
    table_buckets,
)
from pipelines.stages.dedup_settle import Comparison, settle
from pipelines.stages.dedup_signatures import Settings, SignaturePart

DECISION: Final = np.dtype(
    [
        ("doc", "<u8"),
        ("keeper", "V16"),
        ("similarity", "<f8"),
        ("size", "<i4"),
        ("layer", "u1"),
        ("capped", "?"),
    ]
)
LAYERS: Final = (None, "exact", "minhash")
"""How a document was found to be a copy; None for those that stay."""
_STAYS, _EXACT, _MINHASH = range(3)

DECISIONS: Final = pa.schema(
    [
        pa.field("row", pa.uint32(), nullable=False),
        pa.field("keeper", pa.binary(16), nullable=False),
        pa.field("similarity", pa.float64(), nullable=False),
        pa.field("size", pa.int32(), nullable=False),
        pa.field("layer", pa.string()),
        pa.field("capped", pa.bool_(), nullable=False),
    ]
)
"""Rows of one unit that are in a cluster (`size` > 1; `layer` is null for its keeper) or in a capped bucket."""


def node_type(search: Search) -> np.dtype[Any]:
    """Return the dtype of what is known about a document when it is decided."""
    scheme = Settings.of(search.dedup).signing
    signature = ("signature", f"<u{scheme.bits // 8}", (scheme.permutations,))
    return np.dtype([("doc", "<u8"), ("rank", "<u4"), ("id", "V16"), signature])


def nodes(unit: Mapping[str, Any], search: Search) -> Iterator[tuple[int, bytes]]:
    """Yield (group, records of dtype `node_type`) of one unit: its documents that have candidates or copies."""
    path = search.storage.path(part_path("nodes", unit["unit"]))
    if not path.exists():
        return
    table, part = pq.read_table(path, use_threads=False), SignaturePart.read(unit["signatures"])
    rows, groups = table["row"].to_numpy(), table["group"].to_numpy()
    made = np.empty(len(rows), dtype=node_type(search))
    made["doc"], made["rank"] = documents(unit["ordinal"], rows), part.ranks[rows]
    made["id"], made["signature"] = part.ids[rows], part.signatures[rows]
    for group in np.unique(groups):
        yield int(group), made[groups == group].tobytes()


def decide(
    group: int, batches: Iterable[bytes], search: Search, texts: Sequence[str]
) -> Iterator[tuple[int, bytes]]:
    """Yield (ordinal of a unit, records of dtype `DECISION`) of one work group.

    Args:
        group: its number.
        batches: records of dtype `node_type`.
        search: the search.
        texts: paths of the parts of ``filtered/``, by ordinal.
    """
    found = join(batches, node_type(search))
    found = found[keep_order(found["rank"], found["id"])]
    docs = found["doc"]
    buckets = place(table_buckets(read_parts(search.storage, "group-buckets", [group], BUCKETS)), docs)
    copies = read_parts(search.storage, "group-copies", [group], COPIES)
    decisions = _resolve(found, buckets, search, texts)
    sorter = np.argsort(docs)
    firsts = sorter[np.searchsorted(docs, copies["first"].to_numpy(), sorter=sorter)]
    made = _decision_rows(found, decisions, buckets, copies["doc"].to_numpy(), firsts)
    units = ordinals(made["doc"])
    for ordinal in np.unique(units):
        yield int(ordinal), made[units == ordinal].tobytes()


def write_decisions(ordinal: int, batches: Iterable[bytes], search: Search, units: Sequence[str]) -> None:
    """Write the decisions about one unit, by row."""
    made = join(batches, DECISION)
    made = made[np.argsort(made["doc"])]
    columns = [
        pa.array(rows_of(made["doc"]), pa.uint32()),
        pa.array([keeper.tobytes() for keeper in made["keeper"]], pa.binary(16)),
        pa.array(made["similarity"]),
        pa.array(made["size"]),
        pa.array([LAYERS[layer] for layer in made["layer"]], pa.string()),
        pa.array(made["capped"]),
    ]
    with search.storage.table_writer(part_path("decisions", units[ordinal]), DECISIONS) as writer:
        writer.write(pa.Table.from_arrays(columns, schema=DECISIONS))


def _resolve(found: npt.NDArray[Any], buckets: Buckets, search: Search, texts: Sequence[str]) -> Decisions:
    """Apply the rule to the nodes of a group in keep order."""
    minhash = search.dedup.minhash
    if minhash is None:
        return Decisions(np.full(len(found), KEPT), np.zeros(len(found)))
    trust = Limit.estimated if minhash.verify == "signature" else Limit.exact
    signatures = np.ascontiguousarray(found["signature"])
    limit = trust(minhash.similarity, signatures.shape[1])
    comparison = Comparison(minhash.signing(), minhash.verify == "containment")
    return resolve(signatures, buckets, limit, lambda pairs: settle(found["doc"][pairs], texts, comparison))


def _decision_rows(
    found: npt.NDArray[Any], decisions: Decisions, buckets: Buckets, copies: Hashes, firsts: Ints
) -> npt.NDArray[Any]:
    """Return the records of nodes in keep order and of their exact copies.

    A copy shares the fate of the first of its equals: where that one stays it is the copy's keeper, else both
    have the same keeper.

    Args:
        found: the nodes, dtype `NODE`.
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
    made["similarity"] = similarity[owner]
    made["layer"][: len(found)] = np.where(stays, _STAYS, _MINHASH)
    made["layer"][len(found) :] = np.where(stays[firsts], _EXACT, _MINHASH)
    capped = np.unique(buckets.docs[np.repeat(buckets.capped, buckets.sizes)]).astype(np.int64)
    made["capped"][capped] = True
    told: npt.NDArray[np.bool_] = (made["size"] > 1) | made["capped"]
    return made[told]
