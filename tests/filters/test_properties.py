"""What holds for every step on every text."""

from __future__ import annotations

import copy
import pickle
from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.document import Document, Origin
from filters.step import Step, find_step, first_fault, step_names
from filters.text import TextView

STEPS = [name for name in step_names() if not find_step(name).FILES]
SENTENCES = st.lists(
    st.sampled_from(
        ["The cat sat on the mat.", "- a list item", "BUY NOW", "…", "{", "1 2 3", "don't", "東京", "#"]
    ),
    max_size=80,
).flatmap(lambda parts: st.sampled_from([" ", "\n", "\n\n"]).map(lambda glue: glue.join(parts)))
TEXTS = st.text(max_size=300) | SENTENCES


def step(name: str) -> Step:
    kind = find_step(name)
    return kind(keep=("en",)) if name == "language" else kind()  # type: ignore[call-arg]


def view(text: str, language: str | None = None) -> TextView:
    return TextView(Document("0" * 32, None, text, None, "web", language, None, None, Origin("f", 0, 0, 0)))


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


@pytest.mark.parametrize("name", STEPS)
@given(text=SENTENCES)
@settings(max_examples=30, deadline=None)
def test_switching_a_limit_off_never_drops_more(name: str, text: str) -> None:
    rule = step(name)
    _, measured = rule.apply(view(text))
    optional = [field.name for field in fields(rule) if "None" in str(field.type)]  # type: ignore[arg-type]
    for check in rule.CHECKS:
        if check.field in optional:
            looser = replace(rule, **{check.field: None})  # type: ignore[type-var]
            if first_fault(rule, measured) is None:
                assert first_fault(looser, measured) is None
