"""Second half of the dedup stage, part two: candidates are sorted into work groups.

Runs in the driver, on arrays of documents that have a candidate; everybody else is no longer looked at. A group
is whole connected components, so its documents are decided without knowledge of any other group.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
import pyarrow as pa

from filters.dedup.buckets import Buckets
from filters.dedup.clusters import components, work_groups
from filters.dedup.units import Hashes
from filters.dedup.walk import Ints
from pipelines.stages.dedup_candidates import (
    BUCKETS,
    COPIES,
    Search,
    buckets_table,
    ordinals,
    part_path,
    read_parts,
    rows_of,
    table_buckets,
)
from pipelines.storage import Storage

# Documents per group, about: 15 MB of signatures, and as much work as is worth a bundle.
CAPACITY: Final = 1 << 15

NODES: Final = pa.schema(
    [pa.field("row", pa.uint32(), nullable=False), pa.field("group", pa.int32(), nullable=False)]
)


def form_groups(search: Search, units: Sequence[str]) -> int:
    """Write the tables of all work groups, and for each unit the rows that belong to one; return their number.

    Args:
        search: the search whose buckets and copies are written.
        units: names of the units, by ordinal.
    """
    storage, partitions = search.storage, range(search.partitions)
    copies = read_parts(storage, "copies", partitions, COPIES)
    docs, firsts = (copies[name].to_numpy() for name in COPIES.names)
    buckets = _united(table_buckets(read_parts(storage, "buckets", partitions, BUCKETS)), docs, firsts)
    nodes, labels = components(buckets)
    groups = work_groups(labels, CAPACITY)
    _write_groups(
        storage,
        "group-buckets",
        buckets_table(buckets),
        _of(buckets.docs[buckets.starts[:-1]], nodes, groups),
    )
    _write_groups(storage, "group-copies", copies, _of(firsts, nodes, groups))
    _write_nodes(storage, units, nodes, groups)
    return int(groups.max()) + 1 if len(groups) else 0


def _united(buckets: Buckets, docs: Hashes, firsts: Hashes) -> Buckets:
    """Return the buckets with each exact copy replaced by the first of its equals.

    Each of those firsts gets a bucket of its own besides, so that it has a group even without candidates.
    """
    order = np.argsort(docs)
    places = np.searchsorted(docs, buckets.docs, sorter=order)
    places = order[np.minimum(places, len(docs) - 1)] if len(docs) else np.zeros(len(places), dtype=np.intp)
    found = docs[places] == buckets.docs if len(docs) else np.zeros(len(places), dtype=np.bool_)
    members = buckets.docs.copy()
    members[found] = firsts[places[found]]
    alone = np.unique(firsts)
    return Buckets(
        np.concatenate((members, alone)),
        np.concatenate((buckets.starts, buckets.starts[-1] + 1 + np.arange(len(alone)))),
        np.concatenate((buckets.capped, np.zeros(len(alone), dtype=np.bool_))),
    )


def _of(docs: Hashes, nodes: Hashes, groups: Ints) -> Ints:
    """Return the group of each document; all are nodes."""
    return groups[np.searchsorted(nodes, docs)]


def _write_groups(storage: Storage, kind: str, table: pa.Table, groups: Ints) -> None:
    """Write one table per group with its rows."""
    order = np.argsort(groups, kind="stable")
    table = table.take(order)
    names, starts = np.unique(groups[order], return_index=True)
    for name, (start, end) in zip(names, pairwise([*starts, len(order)]), strict=True):
        with storage.table_writer(part_path(kind, name), table.schema) as writer:
            writer.write(table.slice(start, end - start))


def _write_nodes(storage: Storage, units: Sequence[str], nodes: Hashes, groups: Ints) -> None:
    """Write for each unit with candidates their rows, ascending, and groups."""
    ends = np.cumsum(np.bincount(ordinals(nodes), minlength=len(units)))
    for unit, start, end in zip(units, [0, *ends[:-1]], ends, strict=True):
        if end > start:
            columns = [rows_of(nodes[start:end]).astype(np.uint32), groups[start:end].astype(np.int32)]
            with storage.table_writer(part_path("nodes", unit), NODES) as writer:
                writer.write(pa.Table.from_arrays([pa.array(column) for column in columns], schema=NODES))
