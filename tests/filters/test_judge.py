"""A step with a list of languages sees their documents and no others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from filters.document import Document, Origin
from filters.judge import judge
from filters.length import Length

DOCUMENT = Document("0" * 32, None, "short", None, "web", "deu_Latn", 0.9, None, Origin("f", 0, 0, 0))
STEPS = [("all", Length(min_characters=1)), ("some", Length(min_characters=100))]


@pytest.mark.parametrize(
    ("language", "only", "sees"),
    [
        ("deu_Latn", ["deu"], True),
        ("deu_Latn", ["deu_Latn"], True),
        ("deu_Latn", ["fra", "deu_Goth"], False),
        ("de-AT", ["de"], True),
        (None, ["de"], False),
        (None, ["und"], True),
    ],
)
def test_only_the_named_languages(language: str | None, only: list[str], sees: bool) -> None:
    verdict = judge(replace(DOCUMENT, language=language), STEPS, only={"some": only})
    assert verdict.step == ("some" if sees else None)
    assert ("some.characters" in verdict.measured) == sees
    assert "all.characters" in verdict.measured
    assert verdict.applied == 2
