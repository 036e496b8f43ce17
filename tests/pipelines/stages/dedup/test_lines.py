"""Lines that many documents have: what goes, that nothing but the documents matters, and that verify recounts it."""

from __future__ import annotations

import dataclasses
import random
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from filters.dedup.lines import Lines
from pipelines.recipe.recipe import Dedup
from pipelines.stages.dedup.search import Sizes
from pipelines.store.balance import balance, broken_laws
from pipelines.store.storage import Storage
from pipelines.views.query import Query
from pipelines.views.report.clusters import duplicates
from pipelines.views.run_tables import RunTables
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

PLAIN = Dedup(exact=False, minhash=None)
SMALL = Sizes(partition_bytes=500)
POOL = [f"notice {' '.join(essay(number, 6))}" for number in range(12)]


def pages(seed: int, number: int = 60, gap: str = "\n") -> list[Row]:
    """Pages of lines of their own, lines of a pool, short ones, and some that have nothing but the pool's."""
    chance, made = random.Random(seed), []
    for page in range(number):
        own = [" ".join(essay(1000 * seed + page * 10 + n, 12)) for n in range(page % 4)]
        shared = chance.sample(POOL, chance.randint(0, 4)) * chance.choice([1, 2])
        lines = [*own, *shared, "short", ""]
        chance.shuffle(lines)
        source = "web" if page % 2 else "books"
        made.append(row(gap.join(lines), page, source=source))
    return made


def by_definition(rows: list[Row], rule: Lines, scope: str | None = None) -> dict[str, str]:
    """The texts that should be left, by counting every line of every document."""
    found: Counter[tuple[str, str]] = Counter()
    for one in rows:
        group = one[scope] if scope else ""
        found.update({(group, " ".join(line.split())) for line in rule.cut(one["text"])})
    left = {}
    for one in rows:
        group = one[scope] if scope else ""
        lines = rule.cut(one["text"])
        stay = [
            line
            for line in lines
            if len(" ".join(line.split())) < rule.min_characters
            or found[group, " ".join(line.split())] <= rule.max_documents
        ]
        text = (
            one["text"] if stay == lines else ("\n" if rule.unit == "line" else "\n\n").join(stay).strip("\n")
        )
        if text.strip() or stay == lines:
            left[one["id"]] = text
    return left


def finished(folder: Path) -> dict[str, str]:
    return {one["id"]: one["text"] for one in table(folder, "documents")}


@pytest.mark.parametrize("rule", [Lines(), Lines(max_documents=12, min_characters=5), Lines(1, "paragraph")])
def test_what_goes_is_the_definition(tmp_path: Path, rule: Lines) -> None:
    rows = pages(1, gap="\n" if rule.unit == "line" else "\n \n")
    rows[3]["text"] = f"{POOL[0]}\n\n{POOL[1]}"
    manifest = dedupe(tmp_path, split(rows, 4), dataclasses.replace(PLAIN, lines=rule))
    expected = by_definition(rows, rule)
    assert finished(tmp_path) == expected
    assert 0 < len(rows) - len(expected) < len(rows)
    lost = balance({"dedup": manifest}).removed_lines or {}
    assert lost["documents_emptied"] == len(rows) - len(expected)
    removed = table(tmp_path, "removed_lines")
    assert lost["lines"] == len(removed)
    assert lost["characters"] == sum(len(one["text"]) for one in removed)
    assert lost["documents_edited"] == len({one["id"] for one in removed})
    texts = {one["id"]: rule.cut(one["text"]) for one in rows}
    holders = defaultdict[str, set[str]](set)
    for name, lines in texts.items():
        for line in lines:
            holders[line].add(name)
    assert all(texts[one["id"]][one["place"]] == one["text"] for one in removed)
    assert all(len(holders[one["text"]]) == one["documents"] > rule.max_documents for one in removed)


def test_lines_are_counted_within_the_scope(tmp_path: Path) -> None:
    rows = pages(2)
    dedupe(tmp_path, split(rows, 2), dataclasses.replace(PLAIN, scope="source", lines=Lines()))
    assert finished(tmp_path) == by_definition(rows, Lines(), "source")
    assert finished(tmp_path) != by_definition(rows, Lines())


def test_copies_do_not_count(tmp_path: Path) -> None:
    """Seven copies of one page are one page: its lines stay."""
    rows = [row(f"{POOL[0]}\n{' '.join(essay(1, 60))}", number) for number in range(7)]
    dedupe(tmp_path, {"u": rows[:4], "v": rows[4:]}, Dedup(lines=Lines()))
    assert list(finished(tmp_path).values()) == [rows[0]["text"]]


def test_nothing_but_the_documents_matters(tmp_path: Path) -> None:
    """Units in another order, many partitions, replayed bundles, records through the shuffle: the same bytes."""
    units, section = split(pages(3), 5), Dedup(lines=Lines())
    first = dedupe(tmp_path / "a", units, section)
    flags = ("--direct_runner_bundle_repeat=2",)
    turned = dict(reversed(units.items()))
    second = dedupe(tmp_path / "b", turned, section, SMALL, on_beam=True, beam_flags=flags)
    with inline():
        third = dedupe(tmp_path / "c", units, section)
    assert first.sha256 == second.sha256 == third.sha256
    assert finished(tmp_path / "a") == finished(tmp_path / "b")


def test_which_unit_a_document_is_in_does_not_matter(tmp_path: Path) -> None:
    rows, section = pages(4), Dedup(lines=Lines())
    dedupe(tmp_path / "a", split(rows, 3), section)
    dedupe(tmp_path / "b", split(rows[::-1], 7), section)
    assert finished(tmp_path / "a") == finished(tmp_path / "b")


@pytest.mark.slow
def test_workers_do_not_matter(tmp_path: Path) -> None:
    units, section = split(pages(5), 4), Dedup(lines=Lines())
    first = dedupe(tmp_path / "a", units, section)
    second = dedupe(tmp_path / "b", units, section, SMALL, on_beam=True, workers=2)
    assert first.sha256 == second.sha256


def test_verify_recounts_the_lines(tmp_path: Path) -> None:
    """The balance holds, and a text that lost a word more than its lines is found."""
    units, section = split(pages(6), 3), Dedup(lines=Lines())
    run, filtered = prepare(tmp_path, units, section)
    manifest = dedupe(tmp_path, units, section)
    assert broken_laws({"dedup": manifest}) == []
    assert list(duplicate_faults(run.storage, filtered, manifest)) == []
    assert list(edit_faults(run.storage, filtered, manifest)) == []
    edited = {one["id"] for one in table(tmp_path, "removed_lines")}
    path = tmp_path / "documents" / "part-unit1.parquet"
    found: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    victim = next(one for one in found if one["id"] in edited)
    victim["text"] += "x"
    with run.storage.table_writer("documents/part-unit1.parquet", pq.read_schema(path)) as writer:
        writer.write(pq.read_table(path).from_pylist(found, pq.read_schema(path)))
    (fault,) = edit_faults(run.storage, filtered, manifest)
    assert victim["id"] in fault
    assert "is not its text in filtered/ without what was removed" in fault


def test_without_the_rule_nothing_of_it_is_left(tmp_path: Path) -> None:
    units = split(pages(7), 2)
    dedupe(tmp_path, units, Dedup(lines=Lines()))
    assert table(tmp_path, "removed_lines")
    dedupe(tmp_path, units, Dedup())
    assert not table(tmp_path, "removed_lines")
    texts = {one["id"]: one["text"] for rows in units.values() for one in rows}
    assert finished(tmp_path).items() <= texts.items()


def test_a_document_that_lost_all_lines_is_accounted_for(demo: Path, tmp_path: Path) -> None:
    """Copies that stay, of lines that only one document may have: verify, show, report and publish know of them."""
    out = tmp_path / "run"
    section = "dedup={exact: false, minhash: none, lines: {max_documents: 1, min_characters: 1}}"
    ids = rerun_demo(demo, out, section, "lines")
    one = next(records(Storage(out), Query(doc=min(ids))))
    shown = one.as_text()
    assert "kept by the steps, removed because it has only lines that many documents have" in shown
    piece = one.removed[0]
    assert f"[removed: {len(piece.text)} characters, in {piece.documents} documents]" in shown
    found = duplicates(RunTables(Storage(out)))
    assert found is not None
    counts = [line.documents for line in found.lines]
    assert counts == sorted(counts, reverse=True)
    removed = {one["text"].strip() for one in table(out, "removed_lines")}
    assert {line.text for line in found.lines} <= removed
    assert "The most frequent of the removed lines" in (out / "report.html").read_text()
