"""The list of stages: which of them a recipe wants, in which order, and that a stage looks before it deletes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipelines.errors import InputError
from pipelines.recipe.load import load
from pipelines.recipe.recipe import Dedup, Pack, Recipe, Tokenizer
from pipelines.run import run_recipe, stages_of
from pipelines.store.folders import HOMES, RUN_MANIFEST
from pipelines.store.manifest import manifest_path
from pipelines.store.storage import Storage
from pipelines.work.progress import Progress
from pipelines.work.stage import Run, Stage

TEXT = "The mill at the river has ground the corn of the whole valley since it was built. "


def stages(tmp_path: Path, recipe: Recipe) -> list[Stage]:
    storage = Storage(tmp_path)
    return list(stages_of(Run(recipe, storage, 1, (), Progress(storage, quiet=True))))


@pytest.mark.parametrize(
    ("dedup", "tokenizer", "pack", "names"),
    [
        (Dedup(), Tokenizer(), Pack(), ["extract", "filter", "dedup", "train-tokenizer", "pack"]),
        (None, Tokenizer(), None, ["extract", "filter", "dedup", "train-tokenizer"]),
        (Dedup(), None, None, ["extract", "filter", "dedup"]),
    ],
)
def test_the_stages_are_those_that_the_recipe_wants(
    tmp_path: Path, dedup: Dedup | None, tokenizer: Tokenizer | None, pack: Pack | None, names: list[str]
) -> None:
    recipe = Recipe("toy", (), dedup=dedup, tokenizer=tokenizer, pack=pack)
    assert [stage.name for stage in stages(tmp_path, recipe)] == names


@pytest.mark.parametrize("dedup", [Dedup(), None])
def test_each_stage_has_its_home_and_reads_earlier_stages(tmp_path: Path, dedup: Dedup | None) -> None:
    done: list[str] = []
    for stage in stages(tmp_path, Recipe("toy", (), dedup=dedup, tokenizer=Tokenizer(), pack=Pack())):
        assert HOMES[stage.name] == stage.home
        assert set(stage.reads) <= set(done)
        done.append(stage.name)
    assert done == list(HOMES)


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """A recipe of one file of ten short documents."""
    lines = (json.dumps({"text": f"{TEXT * 3}{n}"}) for n in range(10))
    (tmp_path / "a.jsonl").write_text("\n".join(lines) + "\n")
    path = tmp_path / "recipe.yaml"
    path.write_text(
        "name: toy\ninputs: [{reader: jsonl, paths: [a.jsonl]}]\n"
        "steps: [length: {min_words: 5}]\ndedup: none\ntokenizer: none\npack: none\n"
    )
    return path


@pytest.mark.integration
def test_without_dedup_the_documents_are_the_filtered_files(
    tmp_path: Path, recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    run_recipe(load(recipe), str(out), workers=1)
    documents, filtered = (
        json.loads((out / home / "manifest.json").read_text()) for home in ("documents", "filtered")
    )
    assert documents["files"] == [file for file in filtered["files"] if file["path"].startswith("filtered/")]
    capsys.readouterr()
    run_recipe(load(recipe), str(out), workers=1)
    assert capsys.readouterr().err.splitlines() == [
        f"{name}: nothing to do" for name in ("extract", "filter", "dedup")
    ]


@pytest.mark.integration
def test_an_input_that_is_gone_leaves_a_finished_run_as_it_was(tmp_path: Path, recipe: Path) -> None:
    out = tmp_path / "out"
    run_recipe(load(recipe), str(out), workers=1, quiet=True)
    loaded = load(recipe)
    (tmp_path / "a.jsonl").unlink()
    with pytest.raises(InputError, match=r"a\.jsonl"):
        run_recipe(loaded, str(out), workers=1, quiet=True)
    for path in (RUN_MANIFEST, manifest_path("extracted"), manifest_path("filtered")):
        assert (out / path).exists()


@pytest.mark.integration
def test_a_stage_that_is_switched_on_or_off_says_so(
    tmp_path: Path, recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = []
    for dedup in ("{}", "none"):
        run_recipe(load(recipe, [f"dedup={dedup}"]), str(tmp_path / "out"), workers=1)
        said.append([line for line in capsys.readouterr().err.splitlines() if "because" in line])
    assert said == [[], ["dedup: redone because the recipe now has no section for it"]]
