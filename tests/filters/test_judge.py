"""A recipe's steps: which documents each sees, and how a manifest holds it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from filters.document import Document, Origin, Place
from filters.gopher_quality import GopherQuality
from filters.judge import NamedStep, judge
from filters.label_language import LabelLanguage
from filters.length import Length

DOCUMENT = Document("0" * 32, None, "short", None, "web", "deu_Latn", 0.9, None, Origin("f", Place(0, 0, 0)))


@pytest.mark.parametrize(
    ("language", "only", "sees"),
    [
        ("deu_Latn", ("deu",), True),
        ("deu_Latn", ("deu_Latn",), True),
        ("deu_Latn", ("fra", "deu_Goth"), False),
        ("de-AT", ("de",), True),
        (None, ("de",), False),
        (None, ("und",), True),
    ],
)
def test_only_the_named_languages(language: str | None, only: tuple[str, ...], sees: bool) -> None:
    every = NamedStep("all", "length", Length(min_characters=1))
    some = NamedStep("some", "length", Length(min_characters=100), only)
    verdict = judge(replace(DOCUMENT, language=language), [every, some])
    assert verdict.step == ("some" if sees else None)
    assert ("some.characters" in verdict.measured) == sees
    assert "all.characters" in verdict.measured
    assert verdict.applied == 2


def test_a_step_is_the_same_after_a_trip_through_a_manifest() -> None:
    entry = NamedStep(
        "strict", "gopher_quality", GopherQuality(min_words=100, stop_words=("a", "b")), ("en",)
    )
    record = json.loads(json.dumps(entry.as_dict()))
    assert record["fields"]["stop_words"] == ["a", "b"]
    assert NamedStep.from_dict(record) == entry


def test_a_file_counts_by_its_content() -> None:
    """Two machines keep a model in different places; the record, and so the stage key, is the same."""
    step = NamedStep("label_language", "label_language", LabelLanguage("lid.176.ftz"))
    here = step.with_files({"model": "/here/lid.176.ftz"}, {"model": "8f34"})
    there = step.with_files({"model": "/there/lid.176.ftz"}, {"model": "8f34"})
    assert here.step != there.step
    assert here.as_dict() == there.as_dict()
    assert here.as_dict()["fields"]["model"] == "8f34"
    assert NamedStep.from_dict(here.as_dict()).step == LabelLanguage("8f34")


def test_measures_are_named_as_in_the_ledger() -> None:
    assert NamedStep("size", "length", Length()).measures()["size.characters"] is int
