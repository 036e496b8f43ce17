"""Settings of the dedup stage: what verifies a pair, which copy stays, URLs, and older runs."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from filters.dedup.shingles import Shingling, windows
from pipelines.errors import InputError
from pipelines.recipe.recipe import BandChoice, Dedup, Minhash, Preference
from pipelines.stages.dedup import stage as dedup
from tests.pipelines.stages.dedup.corpora import (
    FILTER_KEY,
    Row,
    corpus,
    dedupe,
    edited,
    essay,
    outcome,
    prepare,
    row,
    split,
    table,
)

pytestmark = pytest.mark.integration


def survivors(folder: Path) -> set[str]:
    return {r["id"] for r in table(folder, "documents")}


def test_containment_loses_no_three_words(tmp_path: Path) -> None:
    """A cut copy goes; one with a changed word or number stays, however similar."""
    words = essay(1, 300)
    rows = [
        row([*words, "temperature", "21"], 0),
        row(words[20:], 1),
        row([*words[:150], "other", *words[151:]], 2),
        row([*words[5:], "temperature", "22"], 3),
    ]
    dedupe(tmp_path / "exact", {"u": rows}, Dedup(minhash=Minhash(verify="exact")))
    assert len(survivors(tmp_path / "exact")) == 1
    dedupe(tmp_path / "whole", {"u": rows}, Dedup(minhash=Minhash(verify="containment")))
    assert survivors(tmp_path / "whole") == {rows[n]["id"] for n in (0, 2, 3)}


def test_containment_holds_for_every_removal(tmp_path: Path) -> None:
    """On a corpus of families: each removed text's 3-grams are all in its keeper."""
    rows = corpus(8, 40)
    for one in rows[::3]:  # cut copies, of which there is something to remove
        rows.append(row(" ".join(one["text"].split()[3:]), 1000 + len(rows)))
    dedupe(tmp_path, split(rows, 2), Dedup(minhash=Minhash(verify="containment")))
    texts = {r["id"]: r["text"] for r in rows}
    removed = [r for r in table(tmp_path, "duplicates") if r["layer"] == "minhash"]
    assert len(removed) > 10
    for one in removed:
        mine, kept = (
            set(windows(texts[one[key]], Shingling("word", 3)).tolist()) for key in ("id", "keeper")
        )
        assert mine <= kept


def five_grams(text: str) -> set[tuple[str, ...]]:
    words = text.split()
    return {tuple(words[i : i + 5]) for i in range(len(words) - 4)}


def test_chains_and_templates_cost_no_page_that_is_unlike_its_keeper(tmp_path: Path) -> None:
    """Pages each a little unlike the one before, and pages of one template with facts of their own.

    Components would make two clusters of them. Here every removed page is similar to its keeper, by sets of 5-grams
    made by other means, and no page of the template falls.
    """
    words, pages = essay(7, 300), []
    for seed in range(80):
        words = edited(words, 8, seed)
        pages.append(words)
    frame = essay(8, 200)
    template = [
        [
            word
            for start in range(0, 200, 25)
            for word in [*frame[start : start + 25], *essay(100 * n + start, 6)]
        ]
        for n in range(1, 81)
    ]
    rows = [row(page, number) for number, page in enumerate([*pages, *template])]
    dedupe(tmp_path, split(rows, 3), Dedup())
    texts = {r["id"]: r["text"] for r in rows}
    removed = [r for r in table(tmp_path, "duplicates") if not r["kept"]]
    assert 20 < len(removed) < 60
    assert {r["id"] for r in removed} <= {r["id"] for r in rows[:80]}
    for one in removed:
        first, second = five_grams(texts[one["id"]]), five_grams(texts[one["keeper"]])
        assert len(first & second) / len(first | second) >= 0.7


@pytest.mark.parametrize(
    "minhash",
    [
        Minhash(bands="nemo"),
        Minhash(bands="dolma3", scheme="datatrove"),
        Minhash(scheme="fineweb"),
        Minhash(bands=BandChoice(auto=0.7), unit="character", width=7),
        Minhash(bands=BandChoice(count=30, rows=5), width=3),
    ],
    ids=["nemo", "dolma3-datatrove", "fineweb", "auto-characters", "30x5"],
)
def test_every_way_of_signing_finds_copies(tmp_path: Path, minhash: Minhash) -> None:
    words = essay(1, 400)
    rows = [row(words, 0), row(edited(words, 2), 1), row(essay(2, 400), 2)]
    dedupe(tmp_path, {"u": rows}, Dedup(minhash=minhash))
    assert sorted(r["layer"] or "-" for r in table(tmp_path, "duplicates")) == ["-", "minhash"]
    assert len(survivors(tmp_path)) == 2


def test_the_best_stays(tmp_path: Path) -> None:
    """By a column of the ledger, whose rows of dropped documents do not count; without a value, last."""
    words = essay(1)
    scores = [None, 0.25, -1.0, 0.5]
    rows = [row([*words, *["x"] * (9 - n)], n, score=score) for n, score in enumerate(scores)]
    section = Dedup(keep=Preference(best="quality.score"))
    dedupe(tmp_path, split(rows, 2), section)
    assert survivors(tmp_path) == {rows[3]["id"]}
    with pytest.raises(Exception, match=r"best: quality.words: the ledger has no such column of numbers"):
        dedupe(tmp_path / "b", {"u": rows}, Dedup(keep=Preference(best="quality.words")))


def test_the_preferred_source_stays(tmp_path: Path) -> None:
    words = essay(1)
    rows = [
        row([*words, *["x"] * n], n, source=source) for n, source in enumerate(["wiki", "wiki", "web", "a"])
    ]
    dedupe(tmp_path, {"u": rows}, Dedup(keep=Preference(source=("wiki", "web"))))
    assert survivors(tmp_path) == {rows[1]["id"]}


def test_one_address_is_one_document(tmp_path: Path) -> None:
    """Captures of one URL fall to the first in keep order, unlike as their texts are; others stay."""
    rows = [
        row(essay(1, 80), 0, url="https://www.example.com/a/?utm_source=mail"),
        row(essay(2, 90), 1, url="http://example.com/a"),
        row(essay(3, 70), 2, url="http://example.com/a?page=2"),
        row(essay(4, 70), 3, url=None),
        row(essay(5, 70), 4, url=None),
    ]
    dedupe(tmp_path, split(rows, 2), Dedup(url=True))
    (removed,) = (r for r in table(tmp_path, "duplicates") if not r["kept"])
    assert (removed["id"], removed["keeper"], removed["layer"]) == (rows[0]["id"], rows[1]["id"], "url")
    assert removed["similarity"] < 0.1
    dedupe(tmp_path / "alone", {"u": rows}, Dedup(url=True, exact=False, minhash=None))
    assert survivors(tmp_path / "alone") == survivors(tmp_path)
    dedupe(tmp_path / "off", {"u": rows}, Dedup())
    assert len(survivors(tmp_path / "off")) == 5


def older_and_newer(seed: int) -> tuple[list[Row], list[Row]]:
    """A corpus cut in two: families have members on both sides, exact copies too."""
    rows = corpus(seed, 60)
    chance = random.Random(seed)
    rows += [row(one["text"], 5000 + n) for n, one in enumerate(chance.sample(rows, 20))]
    chance.shuffle(rows)
    return rows[: len(rows) // 2], rows[len(rows) // 2 :]


@pytest.mark.parametrize("seed", [1, 2])
def test_against_an_older_run_is_both_together_older_first(tmp_path: Path, seed: int) -> None:
    """The same survivors as one run over both that prefers the older source.

    The keeper is the same or a more similar one: a copy of an older document that fell itself shares its fate in
    one run over both, and is compared with all that the older run kept here.
    """
    old, new = older_and_newer(seed)
    dedupe(tmp_path / "old", split(old, 3), Dedup())
    dedupe(tmp_path / "new", split(new, 2), Dedup(against=(tmp_path / "old",)))
    ids = {r["id"] for r in old}
    together = [{**r, "source": "old" if r["id"] in ids else "new"} for r in [*old, *new]]
    dedupe(tmp_path / "both", split(together, 4), Dedup(keep=Preference(source=("old", "new"))))
    assert survivors(tmp_path / "old") | survivors(tmp_path / "new") == survivors(tmp_path / "both")
    expected = {
        name: fate[1] for name, fate in outcome(tmp_path / "both").items() if name not in ids and fate[2]
    }
    removed = [r for r in table(tmp_path / "new", "duplicates") if not r["kept"]]
    assert {r["id"] for r in removed} == set(expected)
    assert all(r["similarity"] >= expected[r["id"]] for r in removed)
    named = {r["against"] for r in removed if r["keeper"] in ids}
    assert named == {"old"}
    assert {r["against"] for r in removed if r["keeper"] not in ids} == {None}


def test_what_older_runs_kept_stays_a_keeper(tmp_path: Path) -> None:
    """Two older runs that share a text: a copy of what either kept goes, to the oldest where it can."""
    words = essay(1, 200)
    dedupe(tmp_path / "a", {"u": [row(words, 0)]}, Dedup())
    dedupe(tmp_path / "b", {"u": [row(edited(words, 3), 10), row(essay(2), 11)]}, Dedup())
    near = [row(edited(edited(words, 3), 3, 1), 20), row(essay(2), 21), row(essay(3), 22)]
    dedupe(tmp_path / "c", {"u": near}, Dedup(against=(tmp_path / "a", tmp_path / "b")))
    assert survivors(tmp_path / "c") == {near[2]["id"]}
    assert {r["id"]: r["against"] for r in table(tmp_path / "c", "duplicates")} == {
        near[0]["id"]: "b",
        near[1]["id"]: "b",
    }


def test_signatures_of_other_parameters_are_refused_by_name(tmp_path: Path) -> None:
    dedupe(tmp_path / "old", {"u": [row(essay(1), 0)]}, Dedup(minhash=Minhash(width=7), scope="language"))
    with pytest.raises(
        InputError, match=r"run 'old' cannot be compared: scope global, there language; width 5, there 7"
    ):
        dedupe(tmp_path / "new", {"u": [row(essay(1), 1)]}, Dedup(against=(tmp_path / "old",)))


def test_a_changed_older_run_changes_the_key(tmp_path: Path) -> None:
    dedupe(tmp_path / "old", {"u": [row(essay(1), 0)]}, Dedup())
    run, _ = prepare(tmp_path / "new", {"u": []}, Dedup(against=(tmp_path / "old",)))
    before = dedup.key(run, FILTER_KEY)
    dedupe(tmp_path / "old", {"u": [row(essay(1), 0)], "v": [row(essay(2), 1)]}, Dedup())
    assert dedup.key(run, FILTER_KEY).sha256 != before.sha256
