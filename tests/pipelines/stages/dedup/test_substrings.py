"""Passages that stand twice: what goes, that nothing but the documents matters, and that verify recounts it."""

from __future__ import annotations

import dataclasses
import random
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from filters.dedup.lines import Lines
from filters.dedup.substrings import Substrings
from pipelines.recipe.recipe import Dedup
from pipelines.stages.dedup.search import Sizes
from pipelines.store.balance import balance, broken_laws
from pipelines.store.storage import Storage
from pipelines.views.query import Query
from pipelines.views.show import records
from pipelines.views.verify_edits import edit_faults
from pipelines.views.verify_tables import duplicate_faults
from tests.pipelines.stages.dedup.corpora import (
    Row,
    dedupe,
    essay,
    inline,
    prepare,
    rerun_demo,
    row,
    split,
    table,
)

pytestmark = pytest.mark.integration

LEAST = 10
SMALL = Sizes(partition_bytes=5000, passages=20)
PLAIN = Dedup(exact=False, minhash=None, substrings=Substrings(LEAST))
POOL = [essay(number, 25) for number in range(8)]


def pages(seed: int, number: int = 50) -> list[Row]:
    """Pages of words of their own, whole passages of a pool and pieces of these; some have nothing but the pool's."""
    chance, made = random.Random(seed), []
    for page in range(number):
        words: list[str] = []
        for piece in range(chance.randint(1, 5)):
            shared = chance.choice(POOL)
            start = chance.choice([0, chance.randint(0, 20)])
            own = essay(1000 * seed + 10 * page + piece, chance.randint(0, 15) if page % 3 else 0)
            words += [*own, *shared[start : chance.choice([25, chance.randint(start, 25)])]]
        if page % 7 == 0:
            words += words[: chance.randint(5, 20)]
        text = "".join(word + chance.choice([" ", " ", "\n", "\n\n"]) for word in words)
        made.append(row(text, page, source="web" if page % 2 else "books"))
    return made


def by_definition(rows: list[Row], scope: str | None = None) -> dict[str, list[str]]:
    """The words that should be left, by comparing every place with all before it in keep order."""
    order = sorted(rows, key=lambda one: (-len(one["text"]), one["id"]))
    firsts: dict[tuple[str, ...], tuple[str, int]] = {}
    left = {}
    for one in order:
        words, gone = one["text"].split(), set[int]()
        for token in range(len(words) - LEAST + 1):
            passage = (one[scope] if scope else "", *words[token : token + LEAST])
            first, place = firsts.setdefault(passage, (one["id"], token))
            if first != one["id"] or token >= place + LEAST:
                gone |= set(range(token, token + LEAST))
        if len(gone) < len(words):
            left[one["id"]] = [word for place, word in enumerate(words) if place not in gone]
    return left


def finished(folder: Path) -> dict[str, str]:
    return {one["id"]: one["text"] for one in table(folder, "documents")}


@pytest.mark.parametrize("scope", ["global", "source"])
def test_what_goes_is_the_definition(tmp_path: Path, scope: Any) -> None:
    rows = pages(1)
    manifest = dedupe(tmp_path, split(rows, 4), dataclasses.replace(PLAIN, scope=scope))
    expected = by_definition(rows, None if scope == "global" else scope)
    assert {one: text.split() for one, text in finished(tmp_path).items()} == expected
    removed, texts = table(tmp_path, "removed_substrings"), {one["id"]: one["text"] for one in rows}
    for one in removed:
        assert texts[one["id"]][one["start"] :].startswith(one["text"])
        first = texts[one["first"]][one["first_start"] :].split()
        assert first[: len(one["text"].split())] == one["text"].split()
    lost = balance({"dedup": manifest}).removed_substrings or {}
    assert lost["substrings"] == len(removed)
    assert lost["characters"] == sum(len(one["text"]) for one in removed)
    assert lost["documents_edited"] == len({one["id"] for one in removed})
    assert lost["documents_emptied"] == len(rows) - len(expected) > 0
    assert sum(map(len, expected.values())) < 0.8 * sum(len(text.split()) for text in texts.values())


def test_copies_do_not_count(tmp_path: Path) -> None:
    """A removed copy takes nothing from what stays."""
    rows = [row(essay(1, 60), number) for number in range(3)]
    dedupe(tmp_path, {"u": rows[:2], "v": rows[2:]}, Dedup(substrings=Substrings()))
    assert list(finished(tmp_path).values()) == [rows[0]["text"]]


def test_nothing_but_the_documents_matters(tmp_path: Path) -> None:
    """Units in another order, many partitions and batches, replayed bundles, records by shuffle: the same bytes."""
    units, section = split(pages(3), 5), Dedup(substrings=Substrings(LEAST))
    first = dedupe(tmp_path / "a", units, section)
    flags = ("--direct_runner_bundle_repeat=2",)
    turned = dict(reversed(units.items()))
    second = dedupe(tmp_path / "b", turned, section, SMALL, on_beam=True, beam_flags=flags)
    with inline():
        third = dedupe(tmp_path / "c", units, section)
    assert table(tmp_path / "a", "removed_substrings")
    assert first.sha256 == second.sha256 == third.sha256


def test_which_unit_a_document_is_in_does_not_matter(tmp_path: Path) -> None:
    rows = pages(4)
    dedupe(tmp_path / "a", split(rows, 3), PLAIN)
    dedupe(tmp_path / "b", split(rows[::-1], 7), PLAIN)
    assert finished(tmp_path / "a") == finished(tmp_path / "b")


@pytest.mark.slow
def test_workers_do_not_matter(tmp_path: Path) -> None:
    units = split(pages(5), 4)
    first = dedupe(tmp_path / "a", units, PLAIN)
    second = dedupe(tmp_path / "b", units, PLAIN, on_beam=True, workers=2)
    assert first.sha256 == second.sha256


def test_a_new_unit_leaves_the_others_as_they_are(tmp_path: Path) -> None:
    """What a unit is told does not depend on its number, so it is not written again."""
    rows = pages(6)
    dedupe(tmp_path, {"b": rows}, PLAIN)
    before = (tmp_path / "documents" / "part-b.parquet").stat().st_mtime_ns
    dedupe(tmp_path, {"a": [row("some words", 999)], "b": rows}, PLAIN)
    assert (tmp_path / "documents" / "part-b.parquet").stat().st_mtime_ns == before


def test_frequent_lines_go_first(tmp_path: Path) -> None:
    """Passages are those of the texts that are left; verify follows both."""
    notice, shared = " ".join(essay(1, 30)), " ".join(essay(2, 30))
    rows = [row(f"{' '.join(essay(100 + n, 15))}\n{notice}\n{shared if n < 2 else n}", n) for n in range(9)]
    section = dataclasses.replace(PLAIN, lines=Lines())
    run, filtered = prepare(tmp_path, split(rows, 2), section)
    manifest = dedupe(tmp_path, split(rows, 2), section)
    (removed,) = table(tmp_path, "removed_substrings")
    assert removed["text"] == shared
    assert len(table(tmp_path, "removed_lines")) == 9
    assert list(edit_faults(run.storage, filtered, manifest)) == []


def test_verify_recounts_the_spans(tmp_path: Path) -> None:
    """The balance holds; a text that lost a word more is found, and a span that is no copy too."""
    units = split(pages(6), 3)
    run, filtered = prepare(tmp_path, units, PLAIN)
    manifest = dedupe(tmp_path, units, PLAIN)
    assert broken_laws({"dedup": manifest}) == []
    assert list(duplicate_faults(run.storage, filtered, manifest)) == []
    assert list(edit_faults(run.storage, filtered, manifest)) == []
    removed = table(tmp_path, "removed_substrings")
    victim, named = removed[0]["id"], removed[0]["first"]
    for name, change, fault in (
        ("documents", lambda one: {**one, "text": one["text"] + "x"}, "is not its text in filtered/ without"),
        ("removed_substrings", lambda one: {**one, "first_start": one["first_start"] + 1}, named),
        ("removed_substrings", lambda one: {**one, "first": "00"}, "names 00, which is not in filtered/"),
        ("removed_substrings", lambda one: {**one, "text": "x"}, "is not in its text in filtered/"),
    ):
        for path in (tmp_path / name).glob("*.parquet"):
            kept, found = path.read_bytes(), pq.read_table(path)
            changed = [change(one) if one["id"] == victim else one for one in found.to_pylist()]
            with run.storage.table_writer(f"{name}/{path.name}", found.schema) as writer:
                writer.write(found.from_pylist(changed, found.schema))
            assert any(fault in line for line in edit_faults(run.storage, filtered, manifest)) == any(
                one["id"] == victim for one in changed
            )
            path.write_bytes(kept)


def test_without_the_rule_nothing_of_it_is_left(tmp_path: Path) -> None:
    units = split(pages(7), 2)
    dedupe(tmp_path, units, PLAIN)
    assert table(tmp_path, "removed_substrings")
    dedupe(tmp_path, units, Dedup())
    assert not table(tmp_path, "removed_substrings")


def test_a_run_tells_what_it_removed(demo: Path, tmp_path: Path) -> None:
    """Copies that stay, and passages of them: verify, show, the funnels and publish know what went."""
    out = tmp_path / "run"
    section = "dedup={exact: false, minhash: none, substrings: {min_tokens: 8}}"
    ids = rerun_demo(demo, out, section, "substrings")
    one = next(records(Storage(out), Query(doc=min(ids))))
    shown = one.as_text()
    assert "removed because it has only passages that earlier documents have" in shown
    piece = one.removed[0]
    assert f"[removed: {len(piece.text)} characters, first at character {piece.first_start}" in shown
    assert piece.first is not None
    assert next(records(Storage(out), Query(doc=piece.first))).id == piece.first
