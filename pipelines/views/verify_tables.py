"""Part of ``corpusmill verify``: the tables of a run against each other, row by row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.store.fate import Fate
from pipelines.store.manifest import Manifest
from pipelines.store.storage import Storage
from pipelines.views.verify_edits import emptied


def ledger_faults(storage: Storage, extract: Manifest, filtered: Manifest) -> Iterator[str]:
    """Yield the faults of the ledger: it has a row for each record, and its decisions are those that were counted."""
    extracted, kept_files = _paths(extract, "extracted"), _paths(filtered, "filtered")
    counts = {unit.unit: unit.section("records") for unit in filtered.units}
    for unit, relative in _paths(filtered, "ledger").items():
        path = storage.path(relative)
        ledger = _read(storage, relative, ["id", "decision", "step", "reason"])
        if ledger["id"] != _read(storage, extracted[unit], ["id"])["id"]:
            yield f"{path}: its ids are not those of {extracted[unit]}"
        kept = ledger.filter(pa.compute.equal(ledger["decision"], "kept"))
        if kept["id"] != _read(storage, kept_files[unit], ["id"])["id"]:
            yield f"{path}: the documents it keeps are not those of {kept_files[unit]}"
        columns = (ledger[name].to_pylist() for name in ("decision", "step", "reason"))
        fates = Counter(str(Fate(*row)) for row in zip(*columns, strict=True))
        fates["seen"] = ledger.num_rows
        if dict(fates) != counts[unit]:
            yield f"{path}: its decisions are not those that were counted"


def duplicate_faults(storage: Storage, filtered: Manifest, documents: Manifest) -> Iterator[str]:
    """Yield the faults of dedup: the finished documents are the filtered ones without the copies of kept documents."""
    duplicates, finished = _paths(documents, "duplicates"), _paths(documents, "documents")
    tables = {unit: _read(storage, relative) for unit, relative in duplicates.items()}
    everything = pa.concat_tables(tables.values())
    kept_ids = set(everything.filter(everything["kept"])["id"].to_pylist())
    for unit, relative in _paths(filtered, "filtered").items():
        before = _read(storage, relative, ["id"])["id"].to_pylist()
        after = _read(storage, finished[unit], ["id"])["id"].to_pylist()
        removed = [row for row in tables[unit].to_pylist() if not row["kept"]]
        gone = {row["id"] for row in removed} | emptied(storage, documents, unit)
        if after != [identity for identity in before if identity not in gone]:
            yield f"{storage.path(finished[unit])}: is not {relative} without the removed duplicates"
        for row in removed:
            if row["against"] is None and row["keeper"] not in kept_ids:
                yield f"{storage.path(duplicates[unit])}: {row['id']} names keeper {row['keeper']}, which is not kept"


def token_faults(storage: Storage, documents: Manifest, pack: Manifest) -> Iterator[str]:
    """Yield the faults of the shards: they hold the tokens that were counted, and nothing else but padding."""
    finished = {file.unit: file.path for file in documents.documents()}
    tokens = separators = 0
    for unit, relative in _paths(pack, "token_counts").items():
        table = _read(storage, relative)
        if table["id"] != _read(storage, finished[unit], ["id"])["id"]:
            yield f"{storage.path(relative)}: its ids are not those of {finished[unit]}"
        copies = table["copies"].to_numpy()
        tokens += int(np.dot(table["token_count"].to_numpy().astype(np.int64), copies))
        separators += int(copies.sum())
    filled = padding = slots = 0
    for file in pack.folder("shards"):
        shard = pq.ParquetFile(storage.path(file.path), page_checksum_verification=True)
        for batch in shard.iter_batches(columns=["doc_lens", "n_pad"]):
            filled += pa.compute.sum(batch["doc_lens"].flatten()).as_py() or 0
            padding += pa.compute.sum(batch["n_pad"]).as_py() or 0
        width = shard.schema_arrow.field("input_ids").type.list_size
        slots += shard.metadata.num_rows * width
    over = pack.total("tokens").get("tokens_over_budget", 0)
    if filled + over != tokens + separators:
        yield (
            f"tokens: shards hold {filled} tokens and {over} are over the budget, "
            f"documents have {tokens} and {separators} separators"
        )
    if filled + padding != slots:
        yield f"tokens: {filled} tokens + {padding} padding is not {slots}, the size of the rows"


def _read(storage: Storage, relative: str, columns: Sequence[str] | None = None) -> pa.Table:
    return pq.read_table(storage.path(relative), columns=columns, page_checksum_verification=True)


def _paths(manifest: Manifest, folder: str) -> dict[str, str]:
    """Return the paths of the files of a folder, by unit."""
    return {unit: file.path for unit, file in manifest.by_unit(folder).items()}
