"""A record as ``corpusmill show`` finds it, for a terminal and for machines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Final

from filters.step import Measure
from pipelines.terminal import escape
from pipelines.views.rows import ErrorRow, LedgerRow
from pipelines.views.run_tables import EMPTIED

TEXT_CHARACTERS: Final = 1500
"""Shown of a text, unless the whole is asked for."""
MOST_PIECES: Final = 10
PIECE_CHARACTERS: Final = 80
"""How many removed pieces are listed, and how much of each is shown."""


@dataclass(frozen=True)
class RemovedPiece:
    """A piece that dedup took out of a text.

    Attributes:
        place: of a line, its number in the text, from 0; of a passage, its first character.
        text: what was removed.
        documents: of a line, how many documents have it.
        first, first_start: of a passage, the document that has it first, and at which character.
    """

    place: int
    text: str
    documents: int | None = None
    first: str | None = None
    first_start: int | None = None

    def __str__(self) -> str:
        """Return how it begins, how long it is, and where else it is, in one line."""
        begins = " ".join(self.text[: 2 * PIECE_CHARACTERS].split())[:PIECE_CHARACTERS]
        where = f"in {self.documents} documents"
        if self.documents is None:
            where = f"first at character {self.first_start} of {self.first}"
        return f"  [removed: {len(self.text)} characters, {where}] {begins}"


@dataclass(frozen=True, kw_only=True)
class Found(LedgerRow):
    """A record of the ledger, its text, and what dedup did with it.

    Attributes:
        cluster, keeper, similarity, layer: its row of ``duplicates/``; None where it has no duplicate.
        kept_copy: of a document in a cluster, whether it is the one that was kept.
        emptied: the kind of dedup that removed the last of its text; None = something is left.
        message: what an error said.
        why: the measure that decided about a dropped document, and its limit; or what the reason means.
        text: as finished, or as extracted where it was not kept.
        removed: what dedup took out of the text, from its start on.
    """

    cluster: str | None = None
    keeper: str | None = None
    similarity: float | None = None
    layer: str | None = None
    kept_copy: bool | None = None
    emptied: str | None = None
    message: str | None = None
    why: str = ""
    text: str | None = None
    removed: Sequence[RemovedPiece] = ()

    def as_dict(self) -> dict[str, object]:
        """Return the columns, measures in their place, for machines."""
        found: dict[str, object] = {}
        for item in fields(self):
            value = getattr(self, item.name)
            found |= value if item.name == "measures" else {item.name: value}
        pieces = [asdict(piece) for piece in self.removed]
        found["removed"] = [{k: v for k, v in piece.items() if v is not None} for piece in pieces]
        return found

    def as_json(self) -> str:
        """Return one line of JSON."""
        return json.dumps(self.as_dict())

    def as_text(self, whole: bool = False) -> str:
        """Return decision, place, measures and text for a terminal; nothing in it can act."""
        text = self.text or ""
        shown = text if whole else text[:TEXT_CHARACTERS]
        more = f"\n[{len(text) - len(shown)} more characters]" if len(shown) < len(text) else ""
        pieces = [str(piece) for piece in self.removed[:MOST_PIECES]]
        if len(self.removed) > MOST_PIECES:
            pieces.append(f"  [{len(self.removed) - MOST_PIECES} more removed]")
        parts = ["\n".join(lines) for lines in (pieces, list(_measures(self))) if lines]
        head = "\n".join(line for line in self._head() if line)
        return escape(f"{head}\n\n{shown}") + more + escape("".join(f"\n\n{part}" for part in parts))

    def _head(self) -> Iterator[str]:
        why = f" by {self.step}: {self.reason}" if self.step else ""
        why += f" ({self.why})" if self.why else ""
        if self.cluster is not None and not self.kept_copy:
            why += (
                f" by the steps, removed as {self.layer} duplicate of {self.keeper} ({self.similarity:.2f})"
            )
        elif self.emptied:
            why += f" by the steps, removed because it has only {EMPTIED[self.emptied]}"
        yield f"{self.id}  {self.decision}{why}"
        yield self.url or "-"
        language = f"{self.language or '-'} {_short(self.language_score)}"
        yield (
            f"{self.source}:{self.file} at byte {self.offset}, record {self.index}, "
            f"language {language}, {self.bytes or 0} bytes"
        )
        yield self.message or ""


@dataclass(frozen=True)
class DamagedSpan(ErrorRow):
    """Bytes of an input that no record could be read from."""

    def as_json(self) -> str:
        """Return one line of JSON."""
        return json.dumps({**asdict(self), "decision": "damaged"})

    def as_text(self, whole: bool = False) -> str:
        """Return place and reason for a terminal; it has no text that `whole` could show."""
        place = f"{self.source}:{self.file}, {self.length} bytes at byte {self.offset}"
        return escape(f"{place}  damaged: {self.reason}\n{self.message}")


def _measures(row: LedgerRow) -> Iterator[str]:
    """Yield a line for each step: its name, and what it measured."""
    by_step: dict[str, list[str]] = {}
    for column, value in row.measures.items():
        step, _, name = column.rpartition(".")
        if value is not None:
            by_step.setdefault(step, []).append(f"{name} {_short(value)}")
    width = max(map(len, by_step), default=0)
    yield from (f"  {step:<{width}}  {', '.join(measured)}" for step, measured in by_step.items())


def _short(value: Measure) -> str:
    return f"{value:.3g}" if isinstance(value, float) else "" if value is None else str(value)
