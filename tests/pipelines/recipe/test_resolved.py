"""The resolved recipe, and the recipes that come along."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from filters.dedup.bands import Bands
from pipelines.errors import RecipeError
from pipelines.recipe.load import load, resolved
from pipelines.recipe.recipe import BandChoice, Dedup, Minhash, Preference
from tests.pipelines.recipe.recipes import faults_below, recipe

ROOT = Path(__file__).resolve().parents[3]


def test_the_resolved_recipe_shows_every_default(home: Path) -> None:
    text = "steps:\n  - rules:Rule: {as: own, words: [no]}\nextract: {deadline_s: 7}\n"
    assert resolved(recipe(home, text)) == {
        "name": "x",
        "inputs": [
            {
                "reader": "pages",
                "paths": ["dumps/w.bz2"],
                "source": "web",
                "limit": None,
                "statuses": [200],
                "mime": "html",
                "files": [{"name": "w.bz2", "path": "dumps/w.bz2"}],
            }
        ],
        "extract": {"engine": "blocks", "deadline_s": 7.0, "memory_mb": 1024},
        "steps": [
            {
                "rules:Rule": {
                    "as": "own",
                    "words": ["no"],
                    "min_words": 50,
                    "max_words": 100,
                    "max_ratio": 0.1,
                    "strict": False,
                    "profile": "datatrove",
                    "model": None,
                }
            }
        ],
        "ledger": "until_drop",
        "dedup": {
            "exact": True,
            "url": False,
            "minhash": {
                "bands": "fineweb",
                "similarity": 0.7,
                "verify": "signature",
                "scheme": "affine32",
                "unit": None,
                "width": None,
            },
            "lines": None,
            "substrings": None,
            "keep": "longest",
            "scope": "global",
            "against": [],
        },
        "tokenizer": {
            "vocab_size": 32768,
            "alpha": 0.5,
            "model_type": "bpe",
            "special_tokens": ["chat", "fim"],
            "path": None,
        },
        "pack": {
            "seq_len": 2048,
            "strategy": "best_fit",
            "row_len": "L",
            "mix": None,
            "repeat_by_cluster_size": None,
            "tokens": None,
            "by_language": False,
            "validation": 0.001,
            "seed": 1,
            "shard_mb": 1024,
        },
        "unit_mb": 128,
        "max_error_share": None,
    }


def test_the_resolved_recipe_loads_to_itself(home: Path) -> None:
    """What `check` prints, without the list of files, is a recipe that means the same."""
    first = recipe(
        home, "steps: [language, {'rules:Rule': {as: own}}]\ndedup: {minhash: none}\npack: {seed: 3}\n"
    )
    shown = json.loads(json.dumps(resolved(first)))
    for entry in shown["inputs"]:
        del entry["files"]
    path = home / "again.yaml"
    path.write_text(yaml.safe_dump(shown, sort_keys=False), encoding="utf-8")
    assert load(path) == first


def test_a_word_or_a_mapping(home: Path) -> None:
    """Bands and the keep policy are a word or a mapping; both kinds of fault are named."""
    text = "dedup: {minhash: {bands: {auto: 0.8}}, keep: {source: [wiki, web]}}\n"
    loaded = recipe(home, text).dedup
    assert loaded == Dedup(
        minhash=Minhash(bands=BandChoice(auto=0.8)), keep=Preference(source=("wiki", "web"))
    )
    assert loaded.minhash.cut() == Bands(21, 9)
    assert faults_below(home, "dedup: {keep: {best: a, source: [b]}, minhash: {bands: {count: 5}}}\n") == [
        "./r.yaml:3: dedup.minhash.bands: set either auto, or count and rows; "
        "found BandChoice(auto=None, count=5, rows=None)",
        "./r.yaml:3: dedup.keep: set either best or source; found Preference(best='a', source=('b',))",
    ]
    assert faults_below(home, "dedup: {keep: oldest, minhash: {scheme: fineweb, unit: character}}\n") == [
        "./r.yaml:3: dedup.minhash: unit of scheme fineweb must be word; found character",
        "./r.yaml:3: dedup.keep: expected one of: longest, newest; found 'oldest'",
    ]


RECIPES = sorted((ROOT / "configs").glob("*.yaml"))
SAMPLES = {"warc": "a.warc.gz", "wet": "a.warc.wet.gz", "wikipedia": "a.xml.bz2"}


def readers_of(path: Path) -> list[str]:
    return [entry["reader"] for entry in yaml.safe_load(path.read_text(encoding="utf-8"))["inputs"]]


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.name)
def test_each_recipe_of_the_repository_is_right(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With inputs of its own readers, named as the comment in its head says, a recipe has no fault."""
    monkeypatch.chdir(tmp_path)
    for name in SAMPLES.values():
        (tmp_path / name).write_bytes(b"x")
    inputs = ", ".join(f"{{reader: {name}, paths: [{SAMPLES[name]}]}}" for name in readers_of(path))
    loaded = load(path, [f"inputs=[{inputs}]"])
    assert loaded.folder == path.parent
    assert json.loads(json.dumps(resolved(loaded)))["name"] == loaded.name


@pytest.mark.parametrize(
    "path", [path for path in RECIPES if path.stem != "demo"], ids=lambda path: path.name
)
def test_a_recipe_without_its_files_names_the_pattern(path: Path) -> None:
    patterns = [pattern for entry in yaml.safe_load(path.read_text())["inputs"] for pattern in entry["paths"]]
    with pytest.raises(RecipeError) as caught:
        load(path)
    lines = str(caught.value).splitlines()
    assert [f"no file matches {pattern!r} (looked in {path.parent})" for pattern in patterns] == [
        line.split(": ", 2)[2].partition("; ")[0] for line in lines
    ]


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.name)
def test_each_recipe_says_what_it_makes_and_how_to_run_it(path: Path) -> None:
    head = path.read_text(encoding="utf-8").split("\nname:")[0]
    for part in ("# Makes ", "# Time ", f"# Command   corpusmill run configs/{path.name} "):
        assert part in head


@pytest.mark.shared
def test_hostile_recipes_are_refused(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing runs, nothing expands, and the line is named."""
    monkeypatch.chdir(tmp_path)
    for name, line in (
        ("evil.yaml", "evil.yaml:1: a: tag"),
        ("alias_bomb.yaml", "alias_bomb.yaml:2: a1[0]: alias *a0"),
    ):
        with pytest.raises(RecipeError) as caught:
            load(shared / "hostile" / "security" / name)
        assert line in str(caught.value)
    assert list(tmp_path.iterdir()) == []
