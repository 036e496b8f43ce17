"""Words and sentences are spaCy's, computed another way."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.document import Document, Origin
from filters.text import TextView

SAMPLE = Path(__file__).resolve().parents[1] / "sample"
AWKWARD = """
I can't won't U.S.A. Dr. e.g. 3.5km $5,000.00 10% (see [1]) http://a.b/c?d=e&f x@y.org :-) <3 -- ... … “quote” it's
we're 'tis rock'n'roll semi-colon; end! Why? 5pm 12:30 C++ a/b don't.He and/or №7 ½ naïve 東京 Ünïcode
"""
TRICKY = st.sampled_from(AWKWARD.split())


@cache
def english() -> Any:
    pipe = spacy.blank("en")
    pipe.add_pipe("sentencizer")
    pipe.max_length = 10_000_000
    return pipe


def view(text: str, language: str | None = None) -> TextView:
    return TextView(Document("", None, text, None, "web", language, None, None, Origin("f", 0, 0, 0)))


def spacy_words(text: str) -> list[str]:
    return [token.text.strip() for token in english().make_doc(text) if token.text.strip()]


@pytest.mark.parametrize("path", sorted((SAMPLE / "texts").rglob("*.txt")), ids=lambda path: path.stem)
def test_words_and_sentences_of_real_texts_are_those_of_spacy(path: Path) -> None:
    text = path.read_text()
    assert view(text).words == spacy_words(text)
    for line in text.splitlines():
        expected = [sentence for sentence in english()(line.strip()).sents if sentence.text.strip()]
        assert view(line).sentence_count == len(expected), line


@given(st.lists(TRICKY | st.text(max_size=8), max_size=20).map(" ".join))
@settings(max_examples=300, deadline=None)
def test_words_of_any_text_are_those_of_spacy(text: str) -> None:
    assert view(text).words == spacy_words(text)


def test_scripts_without_spaces_are_split_into_characters() -> None:
    assert view("東京へ行く", "ja").words == ["東", "京", "へ", "行", "く"]


def test_a_huge_chunk_without_spaces_takes_linear_time() -> None:
    assert view("a" * 900_000).words


def test_each_split_is_computed_once_and_a_new_text_starts_anew() -> None:
    first = view("One two.\n\nThree.")
    assert first.words is first.words
    assert first.with_text("Four").words == ["Four"]
    lines = first.lines
    assert first.with_language("en", 0.9).lines is lines
    assert first.paragraphs == ["One two.", "Three."]


@given(st.text(" \t\n\u00a0.aA!", max_size=14))
@settings(max_examples=200, deadline=None)
def test_gaps_of_any_kind_part_sentences_as_in_spacy(text: str) -> None:
    expected = [sentence for sentence in english()(text.strip()).sents if sentence.text.strip()]
    assert view(text).sentence_count == len(expected)
