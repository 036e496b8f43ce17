"""Each step keeps and drops the texts of its case file, for the reason given there.

A case: ``label``, ``text``, and where they matter ``language``, ``language_score``, ``url``, ``fields`` (parameters of
the step), ``reason`` (null = kept), ``comment``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from filters.document import Document, Origin, Place
from filters.step import Step, find_step, first_fault, step_names, versions_of
from filters.text import TextView

ROOT = Path(__file__).resolve().parents[2]
CASES = ROOT / "tests" / "filters" / "cases"
FOUND = [
    pytest.param(path.stem, case, id=f"{path.stem}-{case['label']}")
    for path in sorted(CASES.glob("*.json"))
    for case in json.loads(path.read_text())
]


def build(name: str, fields: dict[str, Any]) -> Step:
    """The step with these fields; files are named relative to the checkout."""
    kind = find_step(name)
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()}
    for field in kind.FILES:
        if field in values:
            values[field] = str(ROOT / values[field])
    return kind(**values)


@pytest.mark.parametrize(("name", "case"), FOUND)
def test_case(name: str, case: dict[str, Any]) -> None:
    document = Document(
        "0" * 32, None, case["text"], case.get("url"), "web",
        case.get("language"), case.get("language_score"), None, Origin("f", Place(0, 0, 0)),
    )  # fmt: skip
    step = build(name, case.get("fields", {}))
    if any(getattr(step, field) and not Path(getattr(step, field)).exists() for field in step.FILES):
        pytest.skip("its file is fetched, not checked in; the step has tests of its own")
    try:
        versions_of(step)
    except ValueError as error:
        pytest.skip(str(error))
    _, measured = step.apply(TextView(document))
    assert first_fault(step, measured) == case["reason"]
    assert set(measured) <= set(step.MEASURES)


@pytest.mark.parametrize("name", step_names())
def test_each_reason_of_each_step_has_a_dropped_case_and_the_step_a_kept_one(name: str) -> None:
    path = CASES / f"{name}.json"
    reasons = {case["reason"] for case in json.loads(path.read_text())}
    assert None in reasons
    assert {check.reason for check in find_step(name).CHECKS} <= reasons
