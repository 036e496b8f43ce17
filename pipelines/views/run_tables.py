"""The tables of a run as DuckDB views: over the files that its manifests name, and nothing else.

``show``, the report and the notebooks read a run through this. A table that the run does not have yet is empty, so
queries need no special case for a run that stopped after a stage.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeVar

import duckdb
import pyarrow as pa

from pipelines.errors import VerificationError
from pipelines.store.folders import HOMES
from pipelines.store.manifest import Manifest, manifest_path, read_manifest
from pipelines.store.storage import Storage
from pipelines.store.tables import (
    DUPLICATES,
    ERRORS,
    EXTRACTED,
    FILTERED,
    REMOVED_LINES,
    REMOVED_SUBSTRINGS,
    TOKEN_COUNTS,
)

Kind = TypeVar("Kind")

_LEDGER_OF_EXTRACTED: Final = """
    SELECT id, record_id, url, source, file, "offset", length, "index", octet_length(encode(text)) AS bytes,
           language, NULL::DOUBLE AS language_score, decision, step, reason FROM extracted
"""
_EMPTIED: Final = """
    CREATE VIEW emptied AS SELECT id, arg_max(layer, place) AS layer FROM (
        SELECT id, 'lines' AS layer, 1 AS place FROM removed_lines
        UNION ALL SELECT id, 'substrings', 2 FROM removed_substrings
    ) WHERE id NOT IN (SELECT id FROM documents) GROUP BY id
"""
EMPTIED: Final = {
    "lines": "lines that many documents have",
    "substrings": "passages that earlier documents have",
}
"""All that an `emptied` document had, by the kind of dedup that removed the last of it."""
_HOST: Final = r"""
    CREATE MACRO host(url) AS
    lower(regexp_extract(url, '^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?([^/?#:]+)', 1))
"""


class RunTables:
    """A run opened for reading: its manifests, and its tables as views.

    The views are ``extracted``, ``ledger``, ``filtered``, ``documents`` (with dedup switched off, the rows of
    ``filtered``), ``duplicates``, ``removed_lines``, ``removed_substrings``, ``emptied`` (ids of documents that these
    emptied, with the `layer` that took the rest of the text), ``errors`` and ``token_counts``.
    The macro ``host(url)`` gives the lower-case host of a URL, '' where there is none.

    Attributes:
        storage: the run.
        manifests: those of the finished stages, by name of the stage, in order.
        database: where the views are.

    Raises:
        VerificationError: the extract stage is not finished, or a manifest was changed.
    """

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self.manifests = dict(_finished(storage))
        self.database = duckdb.connect()
        self.database.execute(_HOST)
        self._view("extracted", self.files("extract", "extracted"), EXTRACTED)
        self._view("filtered", self.files("filter", "filtered"), FILTERED)
        errors = [*self.files("extract", "errors"), *self.files("filter", "errors")]
        self._view("errors", errors, ERRORS)
        self._view("duplicates", self.files("dedup", "duplicates"), DUPLICATES)
        self._view("removed_lines", self.files("dedup", "removed_lines"), REMOVED_LINES)
        self._view("removed_substrings", self.files("dedup", "removed_substrings"), REMOVED_SUBSTRINGS)
        self._view("token_counts", self.files("pack", "token_counts"), TOKEN_COUNTS)
        self._define_ledger()
        self._define_documents()
        self.database.execute(_EMPTIED)

    def files(self, stage: str, folder: str) -> list[str]:
        """Return the paths of the files that a stage wrote into a folder; empty when it is not finished."""
        files = self.manifests[stage].folder(folder) if stage in self.manifests else ()
        return [str(self.storage.path(file.path)) for file in files]

    def query(self, sql: str, values: Sequence[object] = ()) -> list[dict[str, Any]]:
        """Return the rows of a query as mappings."""
        found = self.database.execute(sql, list(values))
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def rows(self, kind: type[Kind], sql: str, values: Sequence[object] = ()) -> list[Kind]:
        """Return the rows of a query as objects of a dataclass, whose fields are named as the columns."""
        return [kind(**row) for row in self.query(sql, values)]

    def texts(self, ids: Sequence[str]) -> dict[str, str]:
        """Return texts by id, as finished or, of documents that were not kept, as extracted."""
        found: dict[str, str] = {}
        for table in ("extracted", "filtered", "documents"):  # the later one wins
            sql = f"SELECT id, text FROM {table} WHERE id IN (SELECT unnest(?)) AND text IS NOT NULL"  # noqa: S608
            found.update({row["id"]: row["text"] for row in self.query(sql, [list(ids)])})
        return found

    def measures(self) -> list[str]:
        """Return the columns of the ledger that hold a measure: ``step.measure``."""
        return [str(row["column_name"]) for row in self.query("DESCRIBE ledger") if "." in row["column_name"]]

    def _view(self, name: str, files: Sequence[str], schema: pa.Schema) -> None:
        create_view(self.database, name, files, schema)

    def _define_ledger(self) -> None:
        files = self.files("filter", "ledger")
        if files:
            self._view("ledger", files, EXTRACTED)
        else:
            self.database.execute(f"CREATE VIEW ledger AS {_LEDGER_OF_EXTRACTED}")

    def _define_documents(self) -> None:
        files = self.files("dedup", "documents")
        if files:
            self._view("documents", files, FILTERED)
        else:
            self.database.execute(
                "CREATE VIEW documents AS SELECT *, 1::INTEGER AS cluster_size FROM filtered"
            )


def create_view(
    database: duckdb.DuckDBPyConnection, name: str, files: Sequence[str], schema: pa.Schema
) -> None:
    """Make a view of Parquet files; without files, an empty view with the columns of a schema."""
    if files:
        database.read_parquet(list(files)).create_view(name)
    else:
        database.register(name, schema.empty_table())


def _finished(storage: Storage) -> Iterator[tuple[str, Manifest]]:
    """Yield the manifests that belong together; those made from an older upstream stage are left out.

    Raises:
        VerificationError: there is no manifest, or one was changed.
    """
    hashes: dict[str, str] = {}
    for stage, home in HOMES.items():
        if not storage.exists(manifest_path(home)):
            continue
        manifest = read_manifest(storage, home)
        if all(hashes.get(name) == sha256 for name, sha256 in manifest.upstream.items()):
            hashes[home] = manifest.sha256
            yield stage, manifest
    if "extracted" not in hashes:
        path = storage.path(manifest_path("extracted"))
        raise VerificationError(f"{path}: missing; there is no run here, or its first stage is not finished")
