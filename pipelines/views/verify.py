"""``corpusmill verify``: check that the files on disk are those of the manifests, and that the balance holds.

It checks the files first: seals, presence, sizes, sha256, row counts, files that no manifest names. Then it reads the
tables again and recounts the laws of the balance from their rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

import pyarrow.parquet as pq

from pipelines.errors import VerificationError
from pipelines.store.balance import Manifests, balance, broken_laws
from pipelines.store.fate import ERROR, Fate
from pipelines.store.folders import HOMES, REPORT, RUN_MANIFEST, TIMES
from pipelines.store.manifest import Manifest, manifest_path, read_manifest, read_run_manifest
from pipelines.store.sealed import read_sealed
from pipelines.store.storage import TEMPORARY, FileFact, Storage, sha256_of
from pipelines.terminal import counted
from pipelines.views.report.page import is_whole
from pipelines.views.verify_edits import edit_faults
from pipelines.views.verify_tables import duplicate_faults, ledger_faults, token_faults

MACHINE_DEPENDENT = ("timeout", "out_of_memory", "crash")
"""Reasons that depend on the machine; `verify` shows how many records have them."""


def verify(storage: Storage) -> tuple[list[str], list[str]]:
    """Check a run folder.

    Returns:
        Faults, each with its file or law; and remarks, which are not faults.
    """
    try:
        manifests = _manifests(storage)
    except VerificationError as error:
        return [str(error)], []
    faults = [*_seal_faults(storage, manifests), *_file_faults(storage, manifests), *_page_faults(storage)]
    if not faults:  # changed tables would only repeat the same fault
        faults += broken_laws(manifests)
        faults += list(_data_faults(storage, manifests))
    return faults, list(remarks(manifests))


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
    """Check the two files that no manifest names, if they exist: the times and the report."""
    if storage.exists(TIMES):
        try:
            read_sealed(storage, TIMES)
        except VerificationError as error:
            yield str(error)
    if storage.exists(REPORT) and not is_whole(storage.path(REPORT).read_bytes()):
        yield f"{storage.path(REPORT)}: was changed after it was written; `corpusmill report` writes it again"


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
        yield from ledger_faults(storage, manifests["extract"], manifests["filter"])
    if "dedup" in manifests and manifests["dedup"].folder("duplicates"):
        yield from duplicate_faults(storage, manifests["filter"], manifests["dedup"])
        yield from edit_faults(storage, manifests["filter"], manifests["dedup"])
    if "pack" in manifests:
        yield from token_faults(storage, manifests["dedup"], manifests["pack"])


def remarks(manifests: Manifests) -> Iterator[str]:
    """Yield a line for each reason that depends on the machine, with the number of its records."""
    decisions = balance(manifests).decisions
    for reason in MACHINE_DEPENDENT:
        number = sum(decisions.get(str(Fate(ERROR, step, reason)), 0) for step in ("extract", "filter"))
        if number:
            yield f"{counted(number, 'document')} ended by {reason}: on another machine the result may differ"
