"""Words and sentences are spaCy's, computed another way."""

from __future__ import annotations

import unicodedata
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.document import Document, Origin, Place
from filters.splitting.sentences import count_sentences
from filters.splitting.spacy_itself import SWITCH, SpacyItself
from filters.splitting.word_numbers import Words
from filters.splitting.words import rules_of, spaced_words
from filters.text import TextView

SAMPLE = Path(__file__).resolve().parents[1] / "sample"
AWKWARD = """
I can't won't U.S.A. Dr. e.g. 3.5km $5,000.00 10% (see [1]) http://a.b/c?d=e&f x@y.org :-) <3 -- ... … “quote” it's
we're 8.8.8.8/a-b 'tis rock'n'roll semi-colon; end! Why? 5pm 12:30 C++ a/b don't.He and/or №7 ½ naïve 東京 Ünïcode
"""
TRICKY = st.sampled_from(AWKWARD.split())


MARKED = st.text("aZsé東ßक्9'’.,:;!?()[]{}<>_#*&%+=-–—/@\"“„«…。、$°~\u200b", max_size=9)


spacy_itself = cache(SpacyItself)


def view(text: str, language: str | None = None) -> TextView:
    return TextView(Document("", None, text, None, "web", language, None, None, Origin("f", Place(0, 0, 0))))


def spacy_words(text: str, code: str = "en") -> list[str]:
    return spacy_itself(code).words(text).listed()


@pytest.mark.parametrize("path", sorted((SAMPLE / "texts").rglob("*.txt")), ids=lambda path: path.stem)
def test_words_and_sentences_of_real_texts_are_those_of_spacy(path: Path) -> None:
    text = path.read_text()
    assert view(text).words == spacy_words(text)
    for line in text.splitlines():
        assert view(line).sentence_count == spacy_itself("en").count_sentences([line]), line


@given(st.lists(TRICKY | st.text(max_size=8), max_size=20).map(" ".join))
@settings(max_examples=300, deadline=None)
def test_words_of_any_text_are_those_of_spacy(text: str) -> None:
    assert view(text).words == spacy_words(text)


@pytest.mark.slow
@pytest.mark.parametrize(("code", "language"), [("en", None), ("xx", "de")])
@given(st.lists(MARKED, max_size=12).map(" ".join))
@settings(max_examples=1000, deadline=None)
def test_words_between_any_marks_are_those_of_spacy(code: str, language: str | None, text: str) -> None:
    assert view(text, language).words == spacy_words(text, code)


def test_every_special_case_is_met_in_every_company() -> None:
    cases = sorted(case for case in spacy.blank("en").tokenizer.rules if not case.isspace())
    for before, after in (
        ("", ""),
        ("(", ")"),
        ('"', ',"'),
        ("a-", "-b"),
        ("x ", " 3"),
        ("= ", " )"),
        ("", "."),
    ):
        text = "\n".join(before + case + after for case in cases)
        assert view(text).words == spacy_words(text)


def test_a_special_case_at_the_end_of_a_run_is_found() -> None:
    assert view("if x >= 3):\n    break").words == spacy_words("if x >= 3):\n    break")


@pytest.mark.slow
def test_no_letter_is_an_affix_or_parts_a_word() -> None:
    letters = [c for c in map(chr, range(0x10000)) if c.isalpha() or unicodedata.category(c)[0] == "M"]
    for text in (" ".join(letters), " ".join(f"a{letter}b" for letter in letters)):
        assert view(text, "de").words == text.split() == spacy_words(text, "xx")


@given(st.lists(TRICKY | MARKED, max_size=20).map(" ".join))
@settings(max_examples=200, deadline=None)
def test_words_by_number_are_the_words(text: str) -> None:
    splits = view(text)
    numbered = splits.numbered_words
    assert sorted(set(splits.words)) == sorted(numbered.distinct)
    assert len(numbered) == len(splits.words)
    assert splits.word_counts == Counter(splits.words)
    again = Words.of(splits.words)
    assert again.listed() == numbered.listed()


@given(st.lists(st.lists(TRICKY | MARKED, max_size=8).map(" ".join), max_size=6))
@settings(max_examples=300, deadline=None)
def test_sentences_of_lines_are_those_of_each_line(lines: list[str]) -> None:
    assert count_sentences(lines, None) == spacy_itself("en").count_sentences(lines)


@pytest.mark.parametrize("language", [None, "de", "ja"])
def test_whoever_doubts_can_have_spacy_itself(language: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [
        AWKWARD,
        "東京へ go. 行く。 Ja?",
        *(path.read_text() for path in (SAMPLE / "texts").rglob("*.txt")),
    ]
    ours = [(view(text, language).words, view(text, language).sentence_count) for text in texts]
    monkeypatch.setenv(SWITCH, "spacy")
    rules_of.cache_clear()
    try:
        assert isinstance(spaced_words("", language)[0], SpacyItself)
        assert [(view(text, language).words, view(text, language).sentence_count) for text in texts] == ours
    finally:
        rules_of.cache_clear()


def test_scripts_without_spaces_are_split_into_characters() -> None:
    assert view("東京へ行く", "ja").words == ["東", "京", "へ", "行", "く"]
    assert view("ភាសា\u200bខ្មែរ", "km").words == ["ភា", "សា", "ខ្", "មែ", "រ"]


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
    assert view(text).sentence_count == spacy_itself("en").count_sentences([text])
