"""`corpusmill keys` names every key that a recipe may have, with the default that a recipe gets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from filters.step import find_step, step_names
from pipelines.cli import main
from pipelines.commands.keys import SECTIONS
from pipelines.readers.find import reader_names
from pipelines.recipe.load import load, resolved
from pipelines.recipe.typed import keys_of
from pipelines.store.fate import Fate


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["keys", *arguments])
    assert ended.value.code == 0
    return capsys.readouterr().out


def test_all_sections_readers_and_steps_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [line.split()[:1] for line in said(capsys).splitlines()]
    for name in (*SECTIONS, *reader_names(), *step_names()):
        assert [name] in lines
    listed = json.loads(said(capsys, "--json"))
    assert set(listed["steps"]) == set(step_names())
    assert all(about and about[-1] not in ".:" for names in listed.values() for about in names.values())


@pytest.mark.parametrize("name", [*SECTIONS, *reader_names(), *step_names()])
def test_a_page_has_each_key(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    page = said(capsys, name)
    defaults = json.loads(said(capsys, name, "--json"))
    for key in defaults:
        assert f"\n  {key}: " in page
    if name in step_names():
        step = find_step(name)
        assert all(f"\n  {check.reason} " in page for check in step.CHECKS)
        assert set(defaults) <= set(keys_of(step))


def test_the_defaults_are_those_of_a_recipe(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.jsonl").write_text("{}")
    recipe = tmp_path / "r.yaml"
    recipe.write_text(
        "name: x\ninputs: [{reader: jsonl, paths: [a.jsonl]}]\nsteps: [gopher_quality, c4, gopher_repetition]\n"
    )
    full = resolved(load(recipe))
    for section in ("extract", "dedup", "tokenizer", "pack"):
        assert json.loads(said(capsys, section, "--json")) == json.loads(json.dumps(full[section]))
    steps = {key: fields for step in full["steps"] for key, fields in step.items()}  # type: ignore[attr-defined]
    assert json.loads(said(capsys, "gopher_quality", "--json")) == json.loads(
        json.dumps(steps["gopher_quality"])
    )
    shown = said(capsys, "gopher_quality").split("their defaults\n")[1].split("\n\n")[0]
    assert yaml.safe_load(shown) == json.loads(json.dumps(steps["gopher_quality"]))


def test_words_of_a_key_and_a_wrong_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert "  keep: longest    # longest | newest\n" in said(capsys, "dedup")
    with pytest.raises(SystemExit) as ended:
        main(["keys", "gopher_qualiti"])
    assert ended.value.code == 2
    assert "did you mean 'gopher_quality'" in capsys.readouterr().err


@pytest.mark.integration
def test_every_reason_is_listed_with_its_meaning(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Those that the demo counted among them; a wrong name names the nearest."""
    listed = json.loads(said(capsys, "reasons", "--json"))
    assert all(one["meaning"] and "\n" not in one["meaning"] for one in listed)
    known = {(one["outcome"], one["step"], one["name"]) for one in listed}
    assert len(known) == len(listed)
    counted = json.loads((demo / "manifest.json").read_text())["balance"]
    fates = [
        Fate.parse(name) for name in (*counted["filter"], *counted["dedup"]) if name not in ("seen", "kept")
    ]
    assert fates
    assert {(fate.decision, fate.step or "dedup", fate.reason) for fate in fates} <= known
    lines = said(capsys, "reasons").splitlines()
    assert [line for line in lines if line and not line.startswith(" ")][:3] == ["read", "extract", "c4"]
    assert all(one["meaning"] in "\n".join(lines) for one in listed)


def test_a_reason_is_explained_by_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "curly_bracket").splitlines()[0] == "c4"
    with pytest.raises(SystemExit) as ended:
        main(["keys", "too_few_wrds"])
    assert ended.value.code == 2
    assert "did you mean 'too_few_words'" in capsys.readouterr().err
