"""``corpusmill show OUT --cluster ID``: the members of a cluster of duplicates, and how each differs from the kept."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipelines.errors import InputError
from pipelines.store.storage import Storage
from pipelines.terminal import escape
from pipelines.views.run_tables import RunTables

# Words compared, and changes shown, per member: `difflib` takes a second for two pages of 5,000 words.
MOST_WORDS = 5_000
MOST_CHANGES = 20
_WORDS_AROUND = 4
_SHOWN_WORDS = 30


def show_cluster(storage: Storage, cluster: str, limit: int | None) -> Iterator[dict[str, Any]]:
    """Yield the members of the clusters whose id begins so, the keeper of each first, then by similarity.

    Each is its row of ``duplicates/`` with ``url``, ``source``, ``text`` and ``changes``: the differences from the
    keeper's text, from there to here. A keeper in an older run has no row here, and is not compared.

    Raises:
        InputError: there is no such cluster.
        VerificationError: the run has no finished stage yet.
    """
    tables = RunTables(storage)
    sql = """
        SELECT d.*, f.url, f.source FROM duplicates d JOIN filtered f USING (id) WHERE starts_with(d.cluster, ?)
        ORDER BY d.cluster, d.kept DESC, d.similarity DESC, d.id LIMIT ?
    """
    rows = tables.query(sql, [cluster, (1 << 31) if limit is None else limit])
    if not rows:
        raise InputError(
            f"no cluster of duplicates begins with {cluster!r}; ids stand in duplicates/, column cluster"
        )
    texts = {row["id"]: row["text"] for row in _texts(tables, rows)}
    for row in rows:
        keeper = texts.get(row["keeper"])
        changes = [] if row["kept"] or keeper is None else compare(keeper, texts[row["id"]])
        yield {**row, "text": texts[row["id"]], "changes": changes}


def compare(keeper: str, member: str) -> list[dict[str, str]]:
    """Return what became of the keeper's words, in order: ``before``, ``removed``, ``added``, ``after`` of each change.

    At most 20 changes within the first 5,000 words of each.

    >>> compare("one two three", "one 2 three")
    [{'before': 'one', 'removed': 'two', 'added': '2', 'after': 'three'}]
    """
    first, second = (re.findall(r"\S+", text)[:MOST_WORDS] for text in (keeper, member))
    matcher = difflib.SequenceMatcher(None, first, second, autojunk=False)
    changes: list[dict[str, str]] = []
    for what, start, end, new_start, new_end in matcher.get_opcodes():
        if what != "equal" and len(changes) < MOST_CHANGES:
            change = {
                "before": first[max(start - _WORDS_AROUND, 0) : start],
                "removed": first[start:end],
                "added": second[new_start:new_end],
                "after": first[end : end + _WORDS_AROUND],
            }
            changes.append({name: _short(words) for name, words in change.items()})
    return changes


def as_text(row: Mapping[str, Any]) -> str:
    """Return a member for a terminal: what it is, and its differences; nothing in it can act."""
    if row["kept"]:
        what = f"kept for {row['size']} documents"
    else:
        where = f" in run {row['against']}" if row["against"] is not None else ""
        what = f"{row['layer']} duplicate of {row['keeper']}{where}, similarity {row['similarity']:.3f}"
    lines = [f"{row['id']}  {what}", f"{row['source']}  {row['url'] or '-'}  {len(row['text']):,} characters"]
    for change in row["changes"]:
        marks = (("removed", "[-{}-]"), ("added", "{{+{}+}}"))
        changed = " ".join(mark.format(change[name]) for name, mark in marks if change[name])
        lines.append(f"  … {change['before']} {changed} {change['after']} …")
    if row["kept"]:
        lines.append(f"\n{row['text'][:1000]}")
    return escape("\n".join(lines))


def _texts(tables: RunTables, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the texts that were compared, of these documents and their keepers."""
    ids = sorted({row[name] for row in rows for name in ("id", "keeper")})
    return tables.query("SELECT id, text FROM filtered WHERE id IN (SELECT unnest(?))", [ids])


def _short(words: Sequence[str]) -> str:
    shown = " ".join(words[:_SHOWN_WORDS])
    return f"{shown} … ({len(words) - _SHOWN_WORDS} more words)" if len(words) > _SHOWN_WORDS else shown
