"""``corpusmill whatif``: the funnel under other limits, computed from the ledger alone.

The checks of the steps become one SQL expression over the ledger's columns, so a million rows are judged in a second
and no text is read. It decides exactly as `filters.judge` does (a test reruns the stage and compares). A record that
passes the step that dropped it is ``unknown`` if later steps did not measure it; with ``ledger: full`` in the recipe
they do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypedDict

import duckdb

from pipelines.store.fate import FATE_SQL, KEPT, Fate
from pipelines.store.manifest import manifest_path, read_current, read_manifest
from pipelines.store.storage import Storage
from pipelines.views.whatif_sql import new_fate
from pipelines.views.whatif_steps import Change

BYTES_PER_TOKEN: Final = 4.0
"""Bytes of text per token where nothing is packed yet: English in a vocabulary of 32,768 has 3.8 to 3.9."""

SAMPLED_PARTS: Final = 8
"""Parts of ``token_counts/`` that the ratio is taken from."""


@dataclass(frozen=True)
class Move:
    """The documents that have one fate now and one fate under the other limits.

    Attributes:
        old: the fate in the ledger.
        new: the fate under the other limits; ``unknown`` where the ledger cannot tell.
        documents: how many there are.
        bytes: size of their text.
    """

    old: Fate
    new: Fate
    documents: int
    bytes: int

    @property
    def changes_side(self) -> bool:
        """Whether the documents are kept before or after, but not both."""
        return (self.old.decision == KEPT) != (self.new.decision == KEPT)


@dataclass(frozen=True)
class Example:
    """One document that is kept before or after, but not both."""

    id: str
    url: str | None
    bytes: int | None
    old: Fate
    new: Fate


@dataclass(frozen=True)
class Answer:
    """The effect of other limits.

    Attributes:
        moves: every pair of fates that documents have, those that keep theirs included.
        bytes_per_token: ratio by which bytes become estimated tokens.
        estimated: whether that ratio is a guess, because the run has counted no tokens.
        examples: some documents that change sides.
    """

    moves: tuple[Move, ...]
    bytes_per_token: float
    estimated: bool
    examples: tuple[Example, ...]

    @property
    def now(self) -> Counter[Fate]:
        """Documents by fate in the ledger."""
        return _sum((move.old, move.documents) for move in self.moves)

    @property
    def then(self) -> Counter[Fate]:
        """Documents by fate under the other limits."""
        return _sum((move.new, move.documents) for move in self.moves)

    def gained(self) -> tuple[int, int]:
        """Return documents and bytes that are dropped now and kept then."""
        return _total(move for move in self.moves if move.changes_side and move.new.decision == KEPT)

    def lost(self) -> tuple[int, int]:
        """Return documents and bytes that are kept now and dropped then."""
        return _total(move for move in self.moves if move.changes_side and move.old.decision == KEPT)


def _sum(counts: Iterable[tuple[Fate, int]]) -> Counter[Fate]:
    found: Counter[Fate] = Counter()
    for fate, documents in counts:
        found[fate] += documents
    return found


def _total(moves: Iterable[Move]) -> tuple[int, int]:
    found = list(moves)
    return sum(move.documents for move in found), sum(move.bytes for move in found)


def whatif(storage: Storage, steps: Sequence[Change], examples: int = 10) -> Answer:
    """Judge the whole ledger again.

    Args:
        storage: the run.
        steps: its steps under other limits, see `pipelines.views.whatif_steps`.
        examples: how many documents that change sides to name.

    Raises:
        VerificationError: the run has no ledger, or it does not belong to the stages before.
    """
    manifest = read_current(storage, "filtered")
    database = duckdb.connect()
    paths = [str(storage.path(file.path)) for file in manifest.folder("ledger")]
    database.read_parquet(paths).create_view("ledger")
    judged = f"SELECT id, url, bytes, {FATE_SQL} AS old, {new_fate(steps, database)} AS new FROM ledger"  # noqa: S608 - built from checks
    counted = database.execute(
        f"SELECT old, new, count(*), coalesce(sum(bytes), 0)::BIGINT FROM ({judged}) GROUP BY ALL ORDER BY ALL"  # noqa: S608
    ).fetchall()
    moves = tuple(Move(Fate.parse(old), Fate.parse(new), *counts) for old, new, *counts in counted)
    named = database.execute(
        f"SELECT * FROM ({judged}) WHERE (old = '{KEPT}') <> (new = '{KEPT}') ORDER BY id LIMIT {int(examples)}"  # noqa: S608
    ).fetchall()
    found = tuple(
        Example(identity, url, size, Fate.parse(old), Fate.parse(new))
        for identity, url, size, old, new in named
    )
    ratio = _bytes_per_token(storage, database)
    return Answer(moves, ratio or BYTES_PER_TOKEN, ratio is None, found)


def _bytes_per_token(storage: Storage, database: duckdb.DuckDBPyConnection) -> float | None:
    """Return the bytes of extracted text per token of the packed documents; None before they are packed."""
    if not storage.exists(manifest_path("shards")):
        return None
    counts = read_manifest(storage, "shards").folder("token_counts")
    paths = [str(storage.path(file.path)) for file in counts[:SAMPLED_PARTS]]
    if not paths:
        return None
    database.read_parquet(paths).create_view("token_counts")
    sql = "SELECT sum(bytes), sum(token_count) FROM token_counts JOIN ledger USING (id)"
    size, tokens = database.execute(sql).fetchall()[0]
    return size / tokens if tokens else None


class Side(TypedDict):
    """Documents that change sides, for machines; `tokens` are estimated."""

    documents: int
    bytes: int
    tokens: int


class MoveRow(TypedDict):
    """A `Move` for machines."""

    old: str
    new: str
    documents: int
    bytes: int


class ExampleRow(TypedDict):
    """An `Example` for machines."""

    id: str
    url: str | None
    bytes: int | None
    old: str
    new: str


class AnswerRow(TypedDict):
    """An `Answer` for machines: what ``corpusmill whatif --json`` prints."""

    changed: list[str]
    now: dict[str, int]
    then: dict[str, int]
    moves: list[MoveRow]
    gained: Side
    lost: Side
    bytes_per_token: float
    documents: list[ExampleRow]


def as_json(answer: Answer, steps: Sequence[Change]) -> AnswerRow:
    """Return the answer for machines."""
    return {
        "changed": changes(steps),
        "now": {str(fate): documents for fate, documents in answer.now.items()},
        "then": {str(fate): documents for fate, documents in answer.then.items()},
        "moves": [
            {"old": str(move.old), "new": str(move.new), "documents": move.documents, "bytes": move.bytes}
            for move in answer.moves
            if move.old != move.new
        ],
        "gained": _side(answer, answer.gained()),
        "lost": _side(answer, answer.lost()),
        "bytes_per_token": answer.bytes_per_token,
        "documents": [
            {"id": one.id, "url": one.url, "bytes": one.bytes, "old": str(one.old), "new": str(one.new)}
            for one in answer.examples
        ],
    }


def _side(answer: Answer, found: tuple[int, int]) -> Side:
    documents, size = found
    return {"documents": documents, "bytes": size, "tokens": round(size / answer.bytes_per_token)}


def changes(steps: Sequence[Change]) -> list[str]:
    """Return one line per limit that differs: ``gopher_quality.min_words: 50 -> 100``."""
    lines = []
    for change in steps:
        if change.new is None:
            lines.append(f"{change.name}: left out")
            continue
        for field in dict.fromkeys(check.field for check in change.old.step.CHECKS):
            before, after = getattr(change.old.step, field), getattr(change.new, field)
            if before != after:
                lines.append(f"{change.name}.{field}: {before} -> {after}")
    return lines
