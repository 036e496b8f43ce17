"""What holds for every step on every text."""

from __future__ import annotations

import copy
import pickle
from dataclasses import asdict, fields
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.document import Document, Origin, Place
from filters.step import Measured, Step, find_step, first_fault, is_fault, step_names
from filters.text import TextView

STEPS = [name for name in step_names() if not find_step(name).FILES]
SENTENCES = st.lists(
    st.sampled_from(
        ["The cat sat on the mat.", "- a list item", "BUY NOW", "…", "{", "1 2 3", "don't", "東京", "#"]
    ),
    max_size=80,
).flatmap(lambda parts: st.sampled_from([" ", "\n", "\n\n"]).map(lambda glue: glue.join(parts)))
TEXTS = st.text(max_size=300) | SENTENCES


NEEDED = {"language": {"keep": ("en",)}, "fineweb2": {"language": "de"}}


def step(name: str) -> Step:
    return find_step(name)(**NEEDED.get(name, {}))


def view(text: str, language: str | None = None) -> TextView:
    return TextView(
        Document("0" * 32, None, text, None, "web", language, None, None, Origin("f", Place(0, 0, 0)))
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", STEPS)
@given(text=TEXTS, language=st.sampled_from([None, "en", "de", "zh", "th"]))
@settings(max_examples=60, deadline=None)
def test_never_raises_and_answers_the_same_twice(name: str, text: str, language: str | None) -> None:
    rule = step(name)
    edited, measured = rule.apply(view(text, language))
    again, twice = rule.apply(view(text, language))
    assert measured == twice
    assert edited.text == again.text
    for measure, value in measured.items():
        kind = rule.MEASURES[measure]
        assert value is None or isinstance(value, kind) or (kind is float and isinstance(value, int))


@pytest.mark.parametrize("name", STEPS)
def test_survives_the_way_to_a_worker(name: str) -> None:
    rule = step(name)
    assert pickle.loads(pickle.dumps(rule)) == rule == copy.copy(rule)


def faults(rule: Step, measured: Measured) -> set[str]:
    """All reasons, not only the first."""
    return {
        check.reason
        for check in rule.CHECKS
        if is_fault(check.op, measured.get(check.measure), getattr(rule, check.field))
    }


@pytest.mark.parametrize("name", STEPS)
@given(text=TEXTS, by=st.floats(0, 3))
@settings(max_examples=30, deadline=None)
def test_a_looser_limit_never_drops_more(name: str, text: str, by: float) -> None:
    """Each limit moved away from the faults, and each switched off where it can be."""
    rule = step(name)
    measured = rule.apply(view(text, "de"))[1]
    optional = {field.name for field in fields(rule) if "None" in str(field.type)}  # type: ignore[arg-type]
    for check in rule.CHECKS:
        limit = getattr(rule, check.field)
        looser = [None] if check.field in optional else []
        if isinstance(limit, float | int) and not isinstance(limit, bool):
            looser.append(limit - by if check.op == "<" else limit + by)
        for value in looser:
            changed = SimpleNamespace(**{**asdict(rule), check.field: value}, CHECKS=rule.CHECKS)  # type: ignore[call-overload]
            assert faults(changed, measured) <= faults(rule, measured)  # type: ignore[arg-type]
            assert first_fault(rule, measured) is not None or first_fault(changed, measured) is None  # type: ignore[arg-type]
