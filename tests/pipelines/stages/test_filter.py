"""The filter stage begins only where its steps can use their files."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from filters.segment_words import SegmentWords
from pipelines.errors import InputError
from pipelines.recipe.load import load
from pipelines.run import run_recipe

pytestmark = pytest.mark.integration

DEMO = Path(__file__).resolve().parents[3] / "configs" / "demo.yaml"


def test_contaminated_documents_are_named_and_other_evaluations_judge_again(tmp_path: Path) -> None:
    """An evaluation that is broken stops the run; a repaired or changed one causes the stage to be redone."""
    out, evaluations = tmp_path / "run", tmp_path / "evaluations"
    evaluations.mkdir()
    (evaluations / "quiz.jsonl").write_text('{"question": ')
    recipe = load(DEMO, [f"steps=[decontaminate: {{evaluations: {evaluations}}}]"])
    with pytest.raises(InputError, match=r"step decontaminate: .*quiz\.jsonl:1: is not JSON"):
        run_recipe(recipe, str(out), 1, until="filter", quiet=True)
    extracted = [row for path in out.glob("extracted/*.parquet") for row in pq.read_table(path).to_pylist()]
    text = max((row["text"] for row in extracted if row["text"]), key=len)
    question = " ".join(text.split()[20:45]).upper()
    (evaluations / "quiz.jsonl").write_text(json.dumps({"question": question}))
    for kept in (False, True):
        run_recipe(recipe, str(out), 1, until="filter", quiet=True)
        ledger = [row for path in out.glob("ledger/*.parquet") for row in pq.read_table(path).to_pylist()]
        hits = [row for row in ledger if row["decontaminate.hits"]]
        assert bool(hits) != kept
        for row in hits:
            assert (row["step"], row["reason"]) == ("decontaminate", "contaminated")
            assert row["decontaminate.evaluation"] == "quiz"
            assert row["decontaminate.ngram"].upper() in question
        (evaluations / "quiz.jsonl").write_text(
            json.dumps({"question": "nothing of this is in the sample, anywhere"})
        )


def test_a_library_that_is_missing_ends_a_run_at_once_and_another_version_has_the_stage_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\n')
    recipe = tmp_path / "r.yaml"
    recipe.write_text("name: a\ninputs: [{reader: jsonl, paths: [a.jsonl]}]\nsteps: [segment_words: {}]\n")
    out = tmp_path / "out"

    def missing(step: SegmentWords) -> dict[str, str]:
        raise ValueError("icu4py is not installed")

    monkeypatch.setattr(SegmentWords, "versions", missing)
    with pytest.raises(InputError, match="step segment_words: icu4py is not installed"):
        run_recipe(load(recipe), str(out), 1, until="filter", quiet=True)
    assert not (out / "extracted").exists()
    keys = []
    for version in ("78.1", "78.1", "79.1"):
        monkeypatch.setattr(SegmentWords, "versions", lambda step, version=version: {"icu": version})
        run_recipe(load(recipe), str(out), 1, until="filter", quiet=True)
        manifest = json.loads((out / "filtered" / "manifest.json").read_text())
        keys.append(manifest["key_parts"]["settings"]["steps"][0]["versions"])
    assert keys == [{"icu": "78.1"}, {"icu": "78.1"}, {"icu": "79.1"}]
