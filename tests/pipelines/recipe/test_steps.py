"""Places of steps in messages: as the recipe counts them, whatever was put in between."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.errors import RecipeError
from pipelines.recipe.load import load


def test_a_label_step_that_was_put_in_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("{}")
    recipe = tmp_path / "r.yaml"
    steps = "[gopher_quality, language, no_such_step, language]"
    recipe.write_text(f"name: x\ninputs: [{{reader: jsonl, paths: [a.jsonl]}}]\nsteps: {steps}\n")
    with pytest.raises(RecipeError) as raised:
        load(recipe)
    lines = str(raised.value).splitlines()
    assert any("steps[2]: there is no step 'no_such_step'" in line for line in lines)
    assert any(
        "steps[3]: a second step named 'language' (the first is steps[1] at " in line for line in lines
    )
