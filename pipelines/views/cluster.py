"""``corpusmill show OUT --cluster ID``: the members of a cluster of duplicates, and what differs from the keeper."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Final

from pipelines.errors import InputError
from pipelines.store.storage import Storage
from pipelines.terminal import escape
from pipelines.views.run_tables import RunTables

MOST_WORDS: Final = 5_000
"""Words compared of each text: `difflib` takes a second for two texts of this length."""
MOST_CHANGES: Final = 20
"""Changes shown per member."""
_WORDS_AROUND: Final = 4
_SHOWN_WORDS: Final = 30
_SHOWN_CHARACTERS: Final = 1000


@dataclass(frozen=True)
class Change:
    """One difference between two texts: what was removed and added, and the words around it."""

    before: str
    removed: str
    added: str
    after: str


@dataclass(frozen=True)
class Member:
    """One document of a cluster: its row of ``duplicates/``, its text as the steps left it.

    Attributes:
        id, url, source, text: of the document.
        cluster, size: of the cluster.
        keeper: the document that was kept for it; itself where it was kept.
        against: the older run that holds the keeper; None = this run.
        similarity: to the keeper.
        layer: how it was found; None where it was kept.
        kept: whether it was kept.
        changes: the differences from the keeper's text, from there to here.
    """

    id: str
    cluster: str
    size: int
    keeper: str
    against: str | None
    similarity: float
    layer: str | None
    kept: bool
    url: str | None
    source: str
    text: str
    changes: Sequence[Change] = ()

    def as_json(self) -> str:
        """Return one line of JSON."""
        return json.dumps(asdict(self))

    def as_text(self) -> str:
        """Return what it is and its differences, for a terminal; nothing in it can act."""
        what = f"kept for {self.size} documents"
        if not self.kept:
            where = f" in run {self.against}" if self.against is not None else ""
            what = f"{self.layer} duplicate of {self.keeper}{where}, similarity {self.similarity:.3f}"
        lines = [f"{self.id}  {what}", f"{self.source}  {self.url or '-'}  {len(self.text):,} characters"]
        for change in self.changes:
            marked = [f"[-{change.removed}-]"] if change.removed else []
            marked += [f"{{+{change.added}+}}"] if change.added else []
            lines.append(f"  … {change.before} {' '.join(marked)} {change.after} …")
        if self.kept:
            lines.append(f"\n{self.text[:_SHOWN_CHARACTERS]}")
        return escape("\n".join(lines))


def members(
    tables: RunTables, condition: str, values: Sequence[object], limit: int | None = None
) -> list[Member]:
    """Return the members of some clusters: the keeper of each first, then by similarity.

    Args:
        tables: the run.
        condition: SQL on ``duplicates d``, with ``?`` for each value.
        values: of the condition.
        limit: return at most so many; None = all.
    """
    sql = f"""
        SELECT d.*, f.url, f.source, f.text FROM duplicates d JOIN filtered f USING (id) WHERE {condition}
        ORDER BY d.cluster, d.kept DESC, d.similarity DESC, d.id {"" if limit is None else f"LIMIT {limit}"}
    """  # noqa: S608 - a condition of ours
    return tables.rows(Member, sql, values)


def show_cluster(storage: Storage, cluster: str, limit: int | None) -> Iterator[Member]:
    """Yield the members of the clusters whose id begins so, with their changes.

    A keeper in an older run has no row here, and is not compared.

    Args:
        storage: the run.
        cluster: id of the cluster, or its first characters.
        limit: yield at most so many; None = all.

    Raises:
        InputError: there is no such cluster.
        VerificationError: the run has no finished stage yet.
    """
    tables = RunTables(storage)
    rows = members(tables, "starts_with(d.cluster, ?)", [cluster], limit)
    if not rows:
        raise InputError(
            f"no cluster of duplicates begins with {cluster!r}; their ids are in duplicates/, column cluster"
        )
    keepers = list({row.keeper for row in rows})
    found = tables.query("SELECT id, text FROM filtered WHERE id IN (SELECT unnest(?))", [keepers])
    texts = {one["id"]: one["text"] for one in found}
    for row in rows:
        keeper = texts.get(row.keeper)
        yield row if row.kept or keeper is None else replace(row, changes=changes(keeper, row.text))


def changes(keeper: str, member: str) -> list[Change]:
    """Return what differs between the words of two texts, in order.

    At most 20 changes within the first 5,000 words of each.

    >>> changes("one two three", "one 2 three")
    [Change(before='one', removed='two', added='2', after='three')]
    """
    first, second = (re.findall(r"\S+", text)[:MOST_WORDS] for text in (keeper, member))
    matcher = difflib.SequenceMatcher(None, first, second, autojunk=False)
    different = [code for code in matcher.get_opcodes() if code[0] != "equal"]
    return [
        Change(
            _short(first[max(start - _WORDS_AROUND, 0) : start]),
            _short(first[start:end]),
            _short(second[new_start:new_end]),
            _short(first[end : end + _WORDS_AROUND]),
        )
        for _, start, end, new_start, new_end in different[:MOST_CHANGES]
    ]


def _short(words: Sequence[str]) -> str:
    shown = " ".join(words[:_SHOWN_WORDS])
    return f"{shown} … ({len(words) - _SHOWN_WORDS} more words)" if len(words) > _SHOWN_WORDS else shown
