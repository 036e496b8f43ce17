"""The dedup stage on small corpora: what goes, what stays, and that nothing but the documents matters."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from filters.dedup.bands import BANDS, band_hashes
from filters.dedup.buckets import form_buckets
from filters.dedup.clusters import Limit
from filters.dedup.minhash import estimate
from filters.dedup.shingles import jaccard
from pipelines.recipe.recipe import Dedup, Minhash
from pipelines.stages.dedup import candidates
from pipelines.stages.dedup.exact_jaccard import Comparison, exact_similarities
from pipelines.stages.dedup.plan import plan_search
from pipelines.stages.dedup.search import FOLDER, Sizes
from pipelines.store.storage import Storage
from tests.pipelines.stages.dedup.corpora import (
    GROUP_ROWS,
    SCHEME,
    Row,
    corpus,
    dedupe,
    edited,
    essay,
    inline,
    outcome,
    prepare,
    row,
    split,
    table,
)


def by_definition(rows: Sequence[Row], limit: Limit) -> dict[str, tuple[str, float, str | None]]:
    """The removed documents by DESIGN's words: every pair looked at, nothing grouped, nothing hashed twice."""
    order = sorted(rows, key=lambda r: (-len(r["text"]), r["id"]))
    firsts: dict[str, Row] = {}
    for one in order:
        firsts.setdefault(" ".join(one["text"].split()), one)
    nodes = [one for one in order if firsts[" ".join(one["text"].split())] is one]
    sets = [SCHEME.shingles(one["text"]) for one in nodes]
    signatures = np.stack([SCHEME.signature(one) for one in sets])
    hashes = band_hashes(signatures, np.zeros(len(nodes), np.uint64), BANDS["fineweb"])
    removed: dict[str, tuple[str, float, str | None]] = {}
    for i, one in enumerate(nodes):
        best = (0.0, 0)
        for j in range(i):
            if nodes[j]["id"] in removed or not (hashes[i] == hashes[j]).any():
                continue
            similarity = float(estimate(signatures[i], signatures[j]))
            if limit.low <= round(similarity * SCHEME.permutations) <= limit.high:
                similarity = jaccard(sets[i], sets[j])
            if similarity >= limit.similarity:
                best = max(best, (similarity, -j))
        if best[0]:
            removed[one["id"]] = (nodes[-best[1]]["id"], best[0], "minhash")
    for one in rows:
        first = firsts[" ".join(one["text"].split())]["id"]
        if first != one["id"]:
            removed[one["id"]] = removed.get(first, (first, 1.0, "exact"))
    return removed


@pytest.mark.integration
@pytest.mark.parametrize("verify", ["signature", "exact"])
def test_decisions_are_the_definitions(tmp_path: Path, verify: str) -> None:
    """On a corpus of families the stage removes what the definition removes, for the same reasons."""
    rows = corpus(3)
    dedupe(tmp_path, split(rows, 4), Dedup(minhash=Minhash(verify=verify)))  # type: ignore[arg-type]
    limit = (Limit.exact if verify == "exact" else Limit.estimated)(0.7, SCHEME.permutations)
    found = {name: fate[:3] for name, fate in outcome(tmp_path).items() if fate[2]}
    expected = by_definition(rows, limit)
    assert found == expected
    assert {layer for _, _, layer in expected.values()} == {"exact", "minhash"}
    texts = [r["text"] for r in table(tmp_path, "documents")]
    assert sorted(texts) == sorted(r["text"] for r in rows if r["id"] not in expected)


SMALL = Sizes(partition_bytes=4000, group_documents=3, pairs=2)
REPEAT = ("--direct_runner_bundle_repeat=2",)


@pytest.mark.integration
def test_nothing_but_the_documents_matters(tmp_path: Path) -> None:
    """Other units, another order, many partitions, groups and chunks, replayed bundles: same outcome."""
    rows = corpus(5)
    dedupe(tmp_path / "a", split(rows, 3), Dedup())
    dedupe(tmp_path / "b", split(rows[::-1], 7), Dedup(), SMALL, on_beam=True, beam_flags=REPEAT)
    assert outcome(tmp_path / "a") == outcome(tmp_path / "b")
    assert len(outcome(tmp_path / "a")) > 20


@pytest.mark.integration
@pytest.mark.slow
def test_workers_order_and_replays_do_not_matter(tmp_path: Path) -> None:
    """Two worker processes, units in another order, every bundle done twice: the same bytes, file by file."""
    units = split(corpus(6), 3)
    first = dedupe(tmp_path / "a", units, Dedup(url=True))
    turned = dict(reversed(units.items()))
    second = dedupe(tmp_path / "b", turned, Dedup(url=True), SMALL, on_beam=True, workers=2)
    third = dedupe(tmp_path / "c", turned, Dedup(url=True), SMALL, on_beam=True, beam_flags=REPEAT)
    assert {file.path: file.sha256 for file in first.files} == {
        file.path: file.sha256 for file in second.files
    }
    assert first.sha256 == second.sha256 == third.sha256


@pytest.mark.integration
def test_where_records_travel_does_not_matter(tmp_path: Path) -> None:
    """Through the shuffle, as on a remote runner, or through files by reference: same bytes."""
    rows = corpus(5)
    first = dedupe(tmp_path / "a", split(rows, 3), Dedup(url=True))
    with inline():
        second = dedupe(tmp_path / "b", split(rows, 3), Dedup(url=True), on_beam=True)
    assert first.sha256 == second.sha256


@pytest.mark.integration
def test_each_document_is_counted_and_in_its_place(tmp_path: Path) -> None:
    """Parts stay row-aligned with ``filtered/``, and the balance holds per unit."""
    units = split(corpus(7), 3)
    manifest = dedupe(tmp_path, units, Dedup())
    gone = {r["id"] for r in table(tmp_path, "duplicates") if not r["kept"]}
    sizes = {r["id"]: r["size"] for r in table(tmp_path, "duplicates")}
    for unit, rows in units.items():
        path = f"part-{unit}.parquet"
        signed = pq.read_table(tmp_path / "signatures" / path)["id"].to_pylist()
        assert [one.hex() for one in signed] == [r["id"] for r in rows]
        left = pq.read_table(tmp_path / "documents" / path).to_pylist()
        assert [r["id"] for r in left] == [r["id"] for r in rows if r["id"] not in gone]
        assert all(r["cluster_size"] == sizes.get(r["id"], 1) for r in left)
    counts = [unit.section("records") for unit in manifest.units if "records" in unit.counts]
    assert len(counts) == len(units)
    assert all(c["seen"] == sum(number for name, number in c.items() if name != "seen") for c in counts)
    assert {name for c in counts for name in c} == {"seen", "kept", "removed exact", "removed minhash"}
    assert sum(c["seen"] - c["kept"] for c in counts) == len(gone)
    assert [len(manifest.folder(name)) for name in ("signatures", "duplicates", "documents")] == [
        3,
        3,
        3,
    ]


@pytest.mark.integration
def test_every_row_of_a_cluster_agrees(tmp_path: Path) -> None:
    """A cluster is its keeper and those that name it; its size is their number; the keeper is kept."""
    dedupe(tmp_path, split(corpus(8), 2), Dedup())
    rows = table(tmp_path, "duplicates")
    clusters = {r["cluster"] for r in rows}
    for cluster in clusters:
        members = [r for r in rows if r["cluster"] == cluster]
        assert {r["size"] for r in members} == {len(members)}
        assert [r["id"] for r in members if r["kept"]] == [cluster]
        for member in members:
            assert member["keeper"] == cluster
            assert (member["layer"] is None) == member["kept"]
            assert member["similarity"] >= 0.7


@pytest.mark.integration
def test_copies_of_a_near_duplicate_fall_with_it(tmp_path: Path) -> None:
    """Two equal texts, both near a longer one: both name the longer one, as near-duplicates."""
    long = essay(1)
    short = long[:-4]
    rows = [row(long, 0), row(short, 1), row(short, 2)]
    dedupe(tmp_path, {"u": rows}, Dedup())
    similarity = jaccard(*(SCHEME.shingles(" ".join(words)) for words in (long, short)))
    found = outcome(tmp_path)
    assert found[rows[0]["id"]] == (rows[0]["id"], 1.0, None, 3)
    assert {found[r["id"]][0] for r in rows} == {rows[0]["id"]}
    assert {found[r["id"]][2] for r in rows[1:]} == {"minhash"}
    assert found[rows[1]["id"]][1] == found[rows[2]["id"]][1] == pytest.approx(similarity, abs=0.1)


@pytest.mark.integration
def test_without_minhash_only_copies_go(tmp_path: Path) -> None:
    words = essay(1)
    rows = [row(words, 0), row(edited(words, 1), 1), row(" \n ".join(words), 2)]
    dedupe(tmp_path, {"u": rows}, Dedup(minhash=None))
    # The copy with wider white space is the longer one, so it stays.
    assert {r["id"]: r["keeper"] for r in table(tmp_path, "duplicates") if not r["kept"]} == {
        rows[0]["id"]: rows[2]["id"]
    }
    assert all(signed["shingles"] == 0 for signed in table(tmp_path, "signatures"))


@pytest.mark.integration
def test_without_exact_copies_go_as_near_duplicates(tmp_path: Path) -> None:
    rows = [row(essay(1), number) for number in range(4)]
    dedupe(tmp_path, {"u": rows}, Dedup(exact=False))
    removed = [r for r in table(tmp_path, "duplicates") if not r["kept"]]
    assert [(r["layer"], r["similarity"]) for r in removed] == [("minhash", 1.0)] * 3


@pytest.mark.integration
@pytest.mark.parametrize("scope", ["source", "language"])
def test_scope_keeps_groups_apart(tmp_path: Path, scope: str) -> None:
    """The same text in two sources (languages) stays in both; its copy inside one goes."""
    rows = [row(essay(1), n, **{scope: name}) for n, name in enumerate(["xx", "xx", "yy"])]
    dedupe(tmp_path / "scoped", {"u": rows}, Dedup(scope=scope))  # type: ignore[arg-type]
    assert [r[scope] for r in table(tmp_path / "scoped", "documents")] == ["xx", "yy"]
    dedupe(tmp_path / "global", {"u": rows}, Dedup(scope="global"))
    assert len(table(tmp_path / "global", "documents")) == 1


@pytest.mark.integration
def test_newest_stays(tmp_path: Path) -> None:
    """With ``keep: newest`` the short new copy outlives the long old one; a dateless one comes last."""
    words = essay(1)
    rows = [
        row([*words, "more", "words"], 0, date="2023-01-01T00:00:00Z"),
        row(words, 1, date="2024-01-01T00:00:00Z"),
        row([*words, "even", "more", "words"], 2),
    ]
    dedupe(tmp_path, {"u": rows}, Dedup(keep="newest"))
    assert [r["id"] for r in table(tmp_path, "documents")] == [rows[1]["id"]]


@pytest.mark.integration
def test_texts_without_words_are_only_compared_exactly(tmp_path: Path) -> None:
    """They have no shingles, and no shingles are not the same shingles."""
    rows = [row(text, number) for number, text in enumerate(["...", "!!!", "...", ""])]
    dedupe(tmp_path, {"u": rows}, Dedup())
    assert sorted(r["text"] for r in table(tmp_path, "documents")) == ["", "!!!", "..."]


@pytest.mark.integration
def test_empty_units_and_an_empty_corpus(tmp_path: Path) -> None:
    """A unit without documents still has its parts; a corpus without duplicates loses nothing."""
    manifest = dedupe(tmp_path / "a", {"u": [row(essay(1), 1), row(essay(2), 2)], "v": []}, Dedup())
    assert [file.rows for file in manifest.folder("documents")] == [2, 0]
    assert table(tmp_path / "a", "duplicates") == []
    manifest = dedupe(tmp_path / "b", {"v": []}, Dedup())
    assert [file.rows for file in manifest.folder("documents")] == [0]


@pytest.mark.integration
def test_capped_buckets_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Documents of a bucket that stays too large after its split are counted, whether they go or stay."""
    monkeypatch.setattr(candidates, "form_buckets", partial(form_buckets, full=3))
    rows = [row(edited(essay(1, 400), 1, seed), seed) for seed in range(8)]
    manifest = dedupe(tmp_path, {"u": rows}, Dedup())
    capped = [unit.number("capped") for unit in manifest.units if "capped" in unit.counts]
    assert 3 < capped[0] <= 8


@pytest.mark.integration
def test_a_new_limit_does_not_sign_again(tmp_path: Path) -> None:
    """Signatures depend on texts; another similarity, or another unit, leaves the signed ones alone."""
    units = split(corpus(2), 2)
    dedupe(tmp_path, units, Dedup())
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "signatures").glob("*.parquet")}
    dedupe(tmp_path, {**units, "new": corpus(9)}, Dedup(minhash=Minhash(similarity=0.9)))
    after = {path: path.stat().st_mtime_ns for path in (tmp_path / "signatures").glob("*.parquet")}
    assert len(after) == 3
    assert {path: after[path] for path in before} == before


@pytest.mark.integration
def test_a_new_unit_may_take_a_document_from_an_old_one(tmp_path: Path) -> None:
    """A longer copy that arrives later removes what was kept before; a unit without one is not written again."""
    words = essay(1)
    units = {"old": [row(words, 0)], "other": [row(essay(2), 1)]}
    dedupe(tmp_path, units, Dedup())
    before = (tmp_path / "documents" / "part-other.parquet").stat().st_mtime_ns
    dedupe(tmp_path, {**units, "new": [row([*words, "more"], 2)]}, Dedup())
    assert [r["url"] for r in table(tmp_path, "documents")] == [
        "https://example.com/2",
        "https://example.com/1",
    ]
    assert (tmp_path / "documents" / "part-other.parquet").stat().st_mtime_ns == before


@pytest.mark.integration
def test_a_language_label_changes_no_signature(tmp_path: Path) -> None:
    """One text under two labels is one text, though the filters split its words differently."""
    words = [word if place % 3 else "don't" for place, word in enumerate(essay(1))]
    rows = [row(words, number, language=language) for number, language in enumerate(["en", "de"])]
    dedupe(tmp_path, {"u": rows}, Dedup(exact=False))
    assert [r["similarity"] for r in table(tmp_path, "duplicates")] == [1.0, 1.0]


@pytest.mark.integration
def test_a_unit_that_left_takes_its_parts_along(tmp_path: Path) -> None:
    """Nothing of a unit stays behind, nor any table between the steps."""
    units = split(corpus(2), 2)
    dedupe(tmp_path, units, Dedup())
    dedupe(tmp_path, {"unit0": units["unit0"]}, Dedup())
    left = Storage(tmp_path).list_files(".")
    inputs = ["filtered/part-unit1.parquet", "ledger/part-unit1.parquet"]
    assert [path for path in left if "unit1" in path] == inputs
    assert [path for path in left if path.startswith(FOLDER)] == []


def test_exact_similarities_are_those_of_the_texts(tmp_path: Path) -> None:
    """Rows are found across row groups and units, some pairs at a time."""
    units = split(corpus(4)[:50], 2)
    run, manifest = prepare(tmp_path, units, Dedup())
    search = plan_search(run, Dedup(), manifest.folder("filtered"), (), Sizes(pairs=7))
    last = len(units["unit0"]) - 1
    assert last % GROUP_ROWS != GROUP_ROWS - 1  # the last row group is a shorter one
    places = [(0, 0), (1, 7), (0, 5), (1, 1), (0, last)]
    docs = [np.uint64(ordinal << 32 | number) for ordinal, number in places]
    sets = [SCHEME.shingles(units[f"unit{ordinal}"][number]["text"]) for ordinal, number in places]
    pairs = np.array([[docs[a], docs[b]] for a in range(5) for b in range(5)])
    expected = [jaccard(sets[a], sets[b]) for a in range(5) for b in range(5)]
    comparison = Comparison(SCHEME, containment=False)
    assert exact_similarities(pairs, search, comparison).tolist() == expected
