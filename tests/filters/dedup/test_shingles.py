"""Shingles: what is the same after normalisation shares them, what differs does not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.dedup import shingles as module
from filters.dedup.shingles import (
    character_shingles,
    is_spaceless,
    jaccard,
    normalise,
    shingles,
    word_shingles,
)
from filters.document import Document, Origin
from filters.text import TextView

WORDS = st.lists(st.sampled_from(["red", "green", "blue", "one", "two", "!", "12", "4"]), max_size=40)
SETS = st.sets(st.integers(0, 50), max_size=30)


def view(text: str, language: str | None = None) -> TextView:
    document = Document("0" * 32, None, text, None, "web", language, None, None, Origin("a", 0, 1, 0))
    return TextView(document)


def grams(words: list[str]) -> set[tuple[str, ...]]:
    """The definition, in plain Python: 5-grams of the normalised words that are left."""
    kept = [normalise(word) for word in words if normalise(word)]
    width = min(len(kept), 5)
    return {tuple(kept[i : i + width]) for i in range(len(kept) - width + 1)} if kept else set()


@pytest.mark.parametrize(
    ("written", "hashed"),
    [
        ("Été", "ete"),
        ("İstanbul", "istanbul"),
        ("don’t", "dont"),
        ("don't", "dont"),
        ("1,024.50", "0"),  # the separators go first, so it is one run of digits
        ("2024", "0"),
        ("v12b7", "v0b0"),
        ("٣٤", "0"),
        ("—", ""),
        ("🙂", ""),
        ("a_b", "ab"),
        ("का", "का"),
    ],
)
def test_normalise(written: str, hashed: str) -> None:
    """Case, accents, quotes, symbols and the value of numbers do not matter; letters and vowel signs do."""
    assert normalise(written) == hashed


@settings(deadline=None)  # the first call compiles
@given(WORDS, WORDS)
def test_word_shingles_are_the_set_of_word_5_grams(a: list[str], b: list[str]) -> None:
    """Size of a set and Jaccard similarity of two are those of the 5-grams written out."""
    first, second = word_shingles(a), word_shingles(b)
    assert len(first) == len(grams(a))
    union = grams(a) | grams(b)
    expected = len(grams(a) & grams(b)) / len(union) if union else 0.0
    assert jaccard(first, second) == expected


@settings(deadline=None)  # the first call compiles
@given(WORDS)
def test_word_shingles_are_sorted_distinct_uint64(words: list[str]) -> None:
    found = word_shingles(words)
    assert found.dtype == np.uint64
    assert np.all(found[1:] > found[:-1])


def test_word_order_matters() -> None:
    assert jaccard(word_shingles(list("abcde")), word_shingles(list("bacde"))) == 0.0


def test_short_texts_have_one_shingle_of_what_is_there() -> None:
    """One to four words make one shingle; a text that is the beginning of another does not equal it."""
    three, four = word_shingles(["a", "b", "c"]), word_shingles(["a", "b", "c", "d"])
    assert len(three) == len(four) == 1
    assert three != four


def test_nothing_has_no_shingles() -> None:
    assert len(word_shingles([])) == len(word_shingles(["...", "—"])) == len(character_shingles("。、 ")) == 0


def test_the_word_cache_changes_nothing_when_it_is_emptied(monkeypatch: pytest.MonkeyPatch) -> None:
    words = [f"word{chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(300)]
    expected = word_shingles(words)
    monkeypatch.setattr(module, "CACHED_WORDS", 7)
    monkeypatch.setattr(module, "_WORDS", type(module._WORDS)())
    assert np.array_equal(word_shingles(words), expected)
    assert len(module._WORDS) <= 7


def test_characters_ignore_spaces_and_punctuation() -> None:
    """Line breaks and full stops are laid out differently in copies of the same Chinese text."""
    assert np.array_equal(
        character_shingles("今天天气很好。我们去公园!"), character_shingles("今天天气 很好\n我们去公园")
    )


def test_characters_make_5_grams() -> None:
    assert len(character_shingles("一二三四五六七")) == 3
    assert len(character_shingles("一二")) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain English", False),
        ("Проверка текста", False),
        ("한국어 문장입니다 漢字", False),
        ("今天天气很好 ok", True),
        ("これはテストです", True),
        ("สวัสดีครับ", True),
        ("ສະບາຍດີ", True),
        ("សួស្តី", True),
        ("မင်္ဂလာပါ", True),
        ("a long English sentence about 汉字", False),
        ("1234 — …", False),
    ],
)
def test_is_spaceless(text: str, expected: bool) -> None:
    """Only texts mostly in scripts without spaces are cut into characters; Korean and Cyrillic are not."""
    assert is_spaceless(text) is expected


def test_shingles_choose_words_or_characters() -> None:
    english, chinese = "The quick brown fox jumps over the lazy dog.", "今天天气很好我们去公园"
    assert np.array_equal(shingles(view(english)), word_shingles(view(english).words))
    assert np.array_equal(shingles(view(chinese, "zh")), character_shingles(chinese))


@settings(deadline=None)  # the first call compiles
@given(SETS, SETS)
def test_jaccard_is_that_of_sets(a: set[int], b: set[int]) -> None:
    first, second = (np.array(sorted(s), dtype=np.uint64) for s in (a, b))
    assert jaccard(first, second) == (len(a & b) / len(a | b) if a | b else 0.0)
