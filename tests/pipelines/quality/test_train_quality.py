"""From any inputs to a model, its figures and its card; the same bytes twice; the step uses what was trained."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from filters.document import Document, Origin, Place
from filters.quality_model import QualityModel
from filters.step import first_fault
from filters.text import TextView
from pipelines.cli import main
from pipelines.errors import RecipeError
from pipelines.quality.examples import Example, input_entry, split

GOOD = "the harbour keeper wrote weather down every morning because ships asked about wind and tide"
BAD = "buy cheap watches now best price casino bonus click here free shipping limited offer"


def write(path: Path, words: str, seed: int) -> None:
    chance = random.Random(seed)
    rows = [
        {"id": str(n), "text": " ".join(chance.choices([*words.split(), "and", "the"], k=30))}
        for n in range(120)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def run(folder: Path, out: str) -> dict[str, object]:
    arguments = ["train-quality", "--positive", f"jsonl:{folder}/good.jsonl", "--negative"]
    arguments += [f"{{reader: jsonl, paths: [{folder}/bad.jsonl], limit: 100}}", "--out", str(folder / out)]
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--language", "any", "--workers", "1", "--dimensions", "16", "--quiet"])
    assert ended.value.code == 0
    return dict(json.loads((folder / out / "quality" / "evaluation.json").read_text()))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("quality")
    write(folder / "good.jsonl", GOOD, 1)
    write(folder / "bad.jsonl", BAD, 2)
    run(folder, "first")
    return folder


@pytest.mark.integration
def test_model_figures_and_card_are_written(trained: Path) -> None:
    facts = json.loads((trained / "first" / "quality" / "evaluation.json").read_text())
    assert facts["auc"] > 0.99
    assert facts["examples"] == {"positive": 10, "negative": 10}
    assert facts["training_examples"] == 180
    card = (trained / "first" / "quality" / "README.md").read_text()
    assert f"AUC {facts['auc']:.4f}" in card
    assert facts["model"]["sha256"] in card


@pytest.mark.integration
def test_a_second_training_gives_the_same_bytes(trained: Path) -> None:
    run(trained, "second")
    models = [(trained / out / "quality" / "model.bin").read_bytes() for out in ("first", "second")]
    assert models[0] == models[1]


def view(text: str) -> TextView:
    return TextView(
        Document("0" * 32, None, text, None, "web", None, None, None, Origin("a", Place(0, 1, 0)))
    )


@pytest.mark.integration
def test_the_step_scores_and_drops(trained: Path) -> None:
    step = QualityModel(str(trained / "first" / "quality" / "model.bin"), min_score=0.5)
    assert first_fault(step, step.apply(view(GOOD))[1]) is None
    assert first_fault(step, step.apply(view(BAD))[1]) == "low_score"
    assert step.apply(view(" \n"))[1] == {"score": None}
    for text in ("\ud800", "__label__positive", "\x00", "東京" * 1000):
        score = step.apply(view(text))[1]["score"]
        assert isinstance(score, float)
        assert 0 <= score <= 1


@pytest.mark.integration
def test_a_label_that_the_model_lacks_is_named(trained: Path) -> None:
    step = QualityModel(str(trained / "first" / "quality" / "model.bin"), label="hq")
    with pytest.raises(ValueError, match="no label 'hq'; it has negative, positive"):
        step.apply(view("text"))


def test_equal_texts_fall_on_one_side_and_both_classes_are_held_out() -> None:
    examples = [Example(str(n), n % 2 == 0, n) for n in range(100)]
    training, test = split(examples, 0.1)
    assert sorted(e.positive for e in test) == [False] * 5 + [True] * 5
    assert not {e.text for e in training} & {e.text for e in test}
    assert split(examples, 0.1) == (training, test)


@pytest.mark.parametrize(
    "written", ["jsonl", "jsonl:", "{reader: jsonl", "{reader: jsonl, source: x}", "{a, b"]
)
def test_what_is_no_input_is_refused(written: str) -> None:
    with pytest.raises(RecipeError, match="--positive"):
        input_entry(written, "positive")
