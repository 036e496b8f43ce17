"""``show --cluster``: every member, its keeper, how similar it is and what differs."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipelines.cli import main
from pipelines.errors import InputError
from pipelines.store.storage import Storage
from pipelines.views.cluster import Change, Member, changes, show_cluster


@pytest.mark.integration
def test_members_of_a_run(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The keeper first, then the others by similarity, each with the differences of its text; as JSON too."""
    duplicates = pq.read_table(demo / "duplicates").to_pylist()
    cluster = max(duplicates, key=lambda row: (row["size"], row["cluster"]))["cluster"]
    rows = list(show_cluster(Storage(demo), cluster, None))
    assert sorted(row.id for row in rows) == sorted(
        row["id"] for row in duplicates if row["cluster"] == cluster
    )
    assert [row.kept for row in rows] == [True] + [False] * (len(rows) - 1)
    similarities = [row.similarity for row in rows[1:]]
    assert similarities == sorted(similarities, reverse=True)
    assert all(bool(row.changes) == (row.text.split() != rows[0].text.split()) for row in rows[1:])
    with pytest.raises(SystemExit):
        main(["show", str(demo), "--cluster", cluster[:12], "--json"])
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["id"] for row in printed] == [row.id for row in rows]
    assert [row["changes"] for row in printed] == [[vars(one) for one in row.changes] for row in rows]


@pytest.mark.integration
def test_no_such_cluster(demo: Path) -> None:
    with pytest.raises(InputError, match="no cluster of duplicates begins with 'zz'"):
        list(show_cluster(Storage(demo), "zz", None))


def test_changes_are_words_with_their_surroundings() -> None:
    found = changes("a b c d e f g", "a b c D e f g h")
    assert found == [Change("a b c", "d", "D", "e f g"), Change("d e f g", "", "h", "")]
    assert changes("same words", "same \n words") == []


def test_nothing_in_a_text_acts_on_the_terminal() -> None:
    row = Member(
        "1",
        "c",
        2,
        "2",
        "old\x1b[31m",
        0.8,
        "minhash",
        False,
        None,
        "web",
        "x",
        [Change("\x1b[2J", "a", "", "")],
    )
    shown = row.as_text()
    assert "\x1b" not in shown
    assert "in run old" in shown
    assert "[-a-]" in shown
