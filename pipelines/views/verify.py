"""``corpusmill verify``: is what lies on disk what the manifests say, and does the balance hold in the data?

Files first (seals, presence, size, sha256, row counts, strangers), then the tables are read again and the
laws of the balance recounted from their rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import PurePosixPath

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.errors import VerificationError
from pipelines.store.balance import Manifests, broken_laws
from pipelines.store.folders import HOMES, REPORT, RUN_MANIFEST, TIMES
from pipelines.store.manifest import Manifest, manifest_path, read_manifest, read_run_manifest
from pipelines.store.sealed import read_sealed
from pipelines.store.storage import TEMPORARY, FileFact, Storage, sha256_of
from pipelines.store.tables import fate
from pipelines.views.report.page import is_whole
from pipelines.views.verify_edits import edit_faults, emptied

MACHINE_DEPENDENT = ("timeout", "out_of_memory", "crash")
"""Reasons that another machine might not have given; `verify` shows how many there are."""


def verify(storage: Storage) -> tuple[list[str], list[str]]:
    """Check a run folder.

    Returns:
        Faults, each naming the file or law; and remarks that are no faults.
    """
    try:
        manifests = _manifests(storage)
    except VerificationError as error:
        return [str(error)], []
    faults = [*_seal_faults(storage, manifests), *_file_faults(storage, manifests), *_page_faults(storage)]
    if not faults:  # tables that are not what was written would only repeat the same fault
        faults += broken_laws(manifests)
        faults += list(_data_faults(storage, manifests))
    return faults, list(_remarks(manifests))


def _manifests(storage: Storage) -> dict[str, Manifest]:
    """Return the stage manifests that the run's manifest names.

    Raises:
        VerificationError: one is missing or was changed.
    """
    stages = read_run_manifest(storage).stages
    return {name: read_manifest(storage, entry.home) for name, entry in stages.items()}


def _seal_faults(storage: Storage, manifests: Manifests) -> Iterator[str]:
    hashes = {manifest.home: manifest.sha256 for manifest in manifests.values()}
    for name, entry in read_run_manifest(storage).stages.items():
        path = storage.path(manifest_path(entry.home))
        if manifests[name].sha256 != entry.manifest_sha256:
            yield f"{path}: is not the manifest that {RUN_MANIFEST} names; run the recipe again"
        for home, sha256 in manifests[name].upstream.items():
            if hashes.get(home) != sha256:
                yield f"{path}: was made from another {manifest_path(home)}; run the recipe again"


def _page_faults(storage: Storage) -> Iterator[str]:
    """Check what no manifest names, where it is there: the times and the report."""
    if storage.exists(TIMES):
        try:
            read_sealed(storage, TIMES)
        except VerificationError as error:
            yield str(error)
    if storage.exists(REPORT) and not is_whole(storage.path(REPORT).read_bytes()):
        yield f"{storage.path(REPORT)}: was changed after it was written; `corpusmill report` writes it anew"


def _file_faults(storage: Storage, manifests: Manifests) -> Iterator[str]:
    named = {file.path: file for manifest in manifests.values() for file in manifest.files}
    for relative, file in sorted(named.items()):
        yield from _one_file_faults(storage, relative, file)
    folders = {PurePosixPath(relative).parts[0] for relative in named} - {"work"}
    own = {manifest_path(manifest.home) for manifest in manifests.values()} | _other_files(storage, manifests)
    for folder in sorted(folders):
        for relative in storage.list_files(folder):
            if relative not in named and relative not in own and not relative.endswith(TEMPORARY):
                yield f"{storage.path(relative)}: no manifest names this file; remove it or run the recipe again"


def _other_files(storage: Storage, manifests: Manifests) -> set[str]:
    """Return the files of stages that the run's manifest does not name: ``extract`` after ``run`` leaves them."""
    homes = [home for stage, home in HOMES.items() if stage not in manifests]
    others = [read_manifest(storage, home) for home in homes if storage.exists(manifest_path(home))]
    return {file.path for manifest in others for file in manifest.files}


def _one_file_faults(storage: Storage, relative: str, file: FileFact) -> Iterator[str]:
    path = storage.path(relative)
    if not path.is_file():
        yield f"{path}: missing"
        return
    size = path.stat().st_size
    if size != file.bytes:
        yield f"{path}: has {size} bytes, was written with {file.bytes}"
    elif sha256_of(path) != file.sha256:
        yield f"{path}: its bytes changed after it was written (sha256 differs)"
    elif file.rows is not None and pq.read_metadata(path).num_rows != file.rows:
        yield f"{path}: has {pq.read_metadata(path).num_rows} rows, its manifest says {file.rows}"


def _data_faults(storage: Storage, manifests: Manifests) -> Iterator[str]:
    """Recount the laws from the rows of the tables."""
    if "filter" in manifests:
        yield from _ledger_faults(storage, manifests["extract"], manifests["filter"])
    if "dedup" in manifests and manifests["dedup"].folder("duplicates"):
        yield from _duplicate_faults(storage, manifests["filter"], manifests["dedup"])
        yield from edit_faults(storage, manifests["filter"], manifests["dedup"])
    if "pack" in manifests:
        yield from _token_faults(storage, manifests["dedup"], manifests["pack"])


def _ledger_faults(storage: Storage, extract: Manifest, filtered: Manifest) -> Iterator[str]:
    extracted, kept_files = _paths(extract, "extracted"), _paths(filtered, "filtered")
    counts = {unit.unit: unit.section("records") for unit in filtered.units}
    for unit, relative in _paths(filtered, "ledger").items():
        path = storage.path(relative)
        ledger = pq.read_table(path, columns=["id", "decision", "step", "reason"])
        if ledger["id"] != pq.read_table(storage.path(extracted[unit]), columns=["id"])["id"]:
            yield f"{path}: its ids are not those of {extracted[unit]}"
        kept = ledger.filter(pa.compute.equal(ledger["decision"], "kept"))
        if kept["id"] != pq.read_table(storage.path(kept_files[unit]), columns=["id"])["id"]:
            yield f"{path}: the documents it keeps are not those of {kept_files[unit]}"
        fates = Counter(fate(row) for row in ledger.drop_columns("id").to_pylist())
        fates["seen"] = ledger.num_rows
        if dict(fates) != counts[unit]:
            yield f"{path}: its decisions are not those that were counted"


def _duplicate_faults(storage: Storage, filtered: Manifest, documents: Manifest) -> Iterator[str]:
    duplicates, finished = _paths(documents, "duplicates"), _paths(documents, "documents")
    tables = {unit: pq.read_table(storage.path(relative)) for unit, relative in duplicates.items()}
    everything = pa.concat_tables(tables.values())
    kept_ids = set(everything.filter(everything["kept"])["id"].to_pylist())
    for unit, relative in _paths(filtered, "filtered").items():
        before = pq.read_table(storage.path(relative), columns=["id"])["id"].to_pylist()
        after = pq.read_table(storage.path(finished[unit]), columns=["id"])["id"].to_pylist()
        removed = [row for row in tables[unit].to_pylist() if not row["kept"]]
        gone = {row["id"] for row in removed} | emptied(storage, documents, unit)
        if after != [identity for identity in before if identity not in gone]:
            yield f"{storage.path(finished[unit])}: is not {relative} without the removed duplicates"
        for row in removed:
            if row["against"] is None and row["keeper"] not in kept_ids:
                yield f"{storage.path(duplicates[unit])}: {row['id']} names keeper {row['keeper']}, which is not kept"


def _token_faults(storage: Storage, documents: Manifest, pack: Manifest) -> Iterator[str]:
    finished = {file.unit: file.path for file in documents.documents()}
    tokens = separators = 0
    for unit, relative in _paths(pack, "token_counts").items():
        table = pq.read_table(storage.path(relative))
        if table["id"] != pq.read_table(storage.path(finished[unit]), columns=["id"])["id"]:
            yield f"{storage.path(relative)}: its ids are not those of {finished[unit]}"
        copies = table["copies"].to_numpy()
        tokens += int(np.dot(table["token_count"].to_numpy().astype(np.int64), copies))
        separators += int(copies.sum())
    filled = padding = slots = 0
    for file in pack.folder("shards"):
        shard = pq.ParquetFile(storage.path(file.path))
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
        yield f"tokens: {filled} tokens + {padding} padding is not {slots}, what the rows hold"


def _remarks(manifests: Manifests) -> Iterator[str]:
    counts: Counter[str] = Counter()
    for stage in ("extract", "filter"):
        if stage in manifests:
            counts.update(manifests[stage].total("records"))
    for reason in MACHINE_DEPENDENT:
        number = counts[f"error extract.{reason}"] + counts[f"error filter.{reason}"]
        if number:
            yield f"{number} documents ended by {reason}: another machine might decide otherwise"


def _paths(manifest: Manifest, folder: str) -> dict[str, str]:
    """Return the paths of the files of a folder, by unit."""
    return {unit: file.path for unit, file in manifest.by_unit(folder).items()}
