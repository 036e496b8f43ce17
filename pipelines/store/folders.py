"""What lies where in a run: the folders, which stage they belong to, and the tables in them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa

from pipelines.store import tables
from pipelines.store.storage import TABLE_OPTIONS, WriterOptions
from tokenizer_training.model.words import UNKNOWN_LANGUAGE


@dataclass(frozen=True)
class Folder:
    """One folder that a stage writes a part per unit into.

    Attributes:
        name: folder in the run.
        schema: of its parts.
        suffix: put between the unit's name and ``.parquet``, where two stages share a folder.
        prefix: put before the unit's name.
        per_unit: every unit has its part, even one without rows; False = parts are those that the batches name.
        options: of its Parquet files.
    """

    name: str
    schema: pa.Schema
    suffix: str = ""
    prefix: str = "part-"
    per_unit: bool = True
    options: WriterOptions = field(default_factory=lambda: TABLE_OPTIONS)

    def part(self, unit: str) -> str:
        """Return the relative path of a unit's part."""
        return f"{self.name}/{self.prefix}{unit}{self.suffix}.parquet"

    def unit(self, part: str) -> str:
        """Return the name that `part` was given: its inverse."""
        return part.removeprefix(f"{self.name}/{self.prefix}").removesuffix(f"{self.suffix}.parquet")

    def __getstate__(self) -> dict[str, Any]:
        """Pickle the schema as Arrow IPC: pyarrow 25 forgets that list elements cannot be null."""
        return {**self.__dict__, "schema": self.schema.serialize().to_pybytes()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore what `__getstate__` gave."""
        self.__dict__.update(state, schema=pa.ipc.read_schema(pa.py_buffer(state["schema"])))


HOMES: Final = {
    "extract": "extracted",
    "filter": "filtered",
    "dedup": "documents",
    "train-tokenizer": "tokenizer",
    "pack": "shards",
}
"""All stages, in order, and the folder that holds the manifest of each."""

RUN_MANIFEST: Final = "manifest.json"
"""The manifest of the whole run: resolved recipe, stage keys, balance, hash of every stage manifest."""

TIMES: Final = "run.json"
"""The facts in which two runs with equal output differ: times, host, workers."""

REPORT: Final = "report.html"
"""The report of the run, for a browser."""

NAME_FILE: Final = "work/name.json"
"""The name of the recipe; a folder with this file is a run."""

LOG: Final = "work/log.txt"
"""What each call that wrote to the run said, with times; for people."""

OWN: Final = (
    *("extracted", "ledger", "filtered", "errors", "signatures", "duplicates", "documents", "tokenizer"),
    *("token_counts", "shards", RUN_MANIFEST, TIMES, REPORT),
)
"""Names at the top of a run folder that a run may remove or replace."""

TOKEN_COUNTS: Final = Folder("token_counts", tables.TOKEN_COUNTS, per_unit=False)
REMOVED_LINES: Final = Folder("removed_lines", tables.REMOVED_LINES)
REMOVED_SUBSTRINGS: Final = Folder("removed_substrings", tables.REMOVED_SUBSTRINGS)
EDITS: Final = (REMOVED_LINES, REMOVED_SUBSTRINGS)
"""Folders for what some recipes remove from the documents that stay."""

_UNSAFE: Final = re.compile("[^A-Za-z0-9_-]")
_LONGEST: Final = 32


def language_folder(language: str | None) -> str:
    """Return the folder of what is in a language; a label may be any text that an input states.

    >>> language_folder("zh-Hant"), language_folder("../x"), language_folder(None)
    ('zh-Hant', '___x', 'und')
    """
    return _UNSAFE.sub("_", language or UNKNOWN_LANGUAGE)[:_LONGEST]
