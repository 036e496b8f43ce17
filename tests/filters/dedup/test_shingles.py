"""Units and shingles: what is the same after normalisation shares them, what differs does not."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.dedup.folded_tokens import characters, token_hashes
from filters.dedup.shingles import Shingling, as_set, jaccard, windows

WORDS = st.lists(st.sampled_from(["red", "green", "blue", "one", "two", "12", "4"]), max_size=40)
SETS = st.sets(st.integers(0, 50), max_size=30)


def written(text: str) -> str:
    return "".join(map(chr, characters(text).tolist()))


def grams(words: list[str], width: int) -> list[tuple[str, ...]]:
    """The definition, in plain Python."""
    width = min(len(words), width)
    return [tuple(words[i : i + width]) for i in range(len(words) - width + 1)] if words else []


@pytest.mark.parametrize(
    ("text", "units", "form"),
    [
        ("Été", 1, "ete"),
        ("İstanbul", 1, "istanbul"),
        ("don’t don't", 4, "don t don t"),
        ("1,024.50 and 2024", 5, "1 024 50 and 2024"),
        ("v12b7", 1, "v12b7"),
        ("٣٤", 1, "34"),
        ("— 🙂 …", 0, ""),
        ("a_b", 2, "a b"),
        ("का कि", 2, "का कि"),
        ("soft\u00adhyphen zero\u200dwidth", 2, "softhyphen zerowidth"),
        ("東京へ go. 行く", 6, "東京へ go行く"),
        ("กำลัง", 4, "กำลัง"),
        ("한국어", 1, "한국어"),
        ("שָׁלוֹם", 1, "שלום"),
        ("\ud800x", 1, "x"),
        ("", 0, ""),
    ],
)
def test_units(text: str, units: int, form: str) -> None:
    """Case, accents, quotes and symbols do not matter; letters, vowel signs and numbers do."""
    assert len(token_hashes(text)) == units
    assert written(text) == form


@settings(deadline=None, max_examples=300)
@given(st.text())
def test_composed_and_decomposed_texts_are_equal(text: str) -> None:
    """Up to the letters that decompose into two letters, which NFC leaves or makes."""
    composed = unicodedata.normalize("NFC", text)
    decomposed = unicodedata.normalize("NFD", composed)
    if unicodedata.normalize("NFC", decomposed) == composed and all(ord(c) < 0x900 for c in text):
        assert np.array_equal(token_hashes(composed), token_hashes(decomposed))


@settings(deadline=None, max_examples=300)
@given(st.text())
def test_units_and_characters_agree_on_any_text(text: str) -> None:
    """Equal forms have equal units, and no text is refused."""
    form = written(text)
    assert np.array_equal(token_hashes(form), token_hashes(text))
    assert len(token_hashes(text)) <= len(text)


@settings(deadline=None)
@given(WORDS, WORDS, st.integers(1, 8))
def test_windows_are_the_grams(a: list[str], b: list[str], width: int) -> None:
    """One hash per gram, equal for equal grams only; Jaccard similarity is that of the grams written out."""
    first, second = (windows(" ".join(words), Shingling("word", width)) for words in (a, b))
    by_hash = dict(zip([*first.tolist(), *second.tolist()], grams(a, width) + grams(b, width), strict=True))
    assert len(set(by_hash.values())) == len(by_hash)
    union = set(grams(a, width)) | set(grams(b, width))
    expected = len(set(grams(a, width)) & set(grams(b, width))) / len(union) if union else 0.0
    assert jaccard(as_set(first), as_set(second)) == expected


def test_character_windows() -> None:
    """Characters of the words with one space between, whatever stood there."""
    one = windows("Hello,  World", Shingling("character", 4))
    assert np.array_equal(one, windows("hello world", Shingling("character", 4)))
    assert len(one) == len("hello world") - 3


def test_word_order_and_numbers_matter() -> None:
    assert jaccard(as_set(windows("a b c d e")), as_set(windows("b a c d e"))) == 0.0
    assert jaccard(as_set(windows("it is 21 degrees")), as_set(windows("it is 22 degrees"))) == 0.0


def test_short_texts_have_one_shingle_of_what_is_there() -> None:
    """One to four words make one shingle; a text that is the beginning of another does not equal it."""
    three, four = windows("a b c"), windows("a b c d")
    assert len(three) == len(four) == 1
    assert three != four


def test_nothing_has_no_shingles() -> None:
    assert len(windows("")) == len(windows("… — ?")) == len(windows("。、 ", Shingling("character", 5))) == 0


@settings(deadline=None)
@given(WORDS)
def test_sets_are_sorted_distinct_uint64(words: list[str]) -> None:
    found = as_set(windows(" ".join(words)))
    assert found.dtype == np.uint64
    assert np.all(found[1:] > found[:-1])


@settings(deadline=None)
@given(SETS, SETS)
def test_jaccard_is_that_of_sets(a: set[int], b: set[int]) -> None:
    first, second = (np.array(sorted(s), dtype=np.uint64) for s in (a, b))
    assert jaccard(first, second) == (len(a & b) / len(a | b) if a | b else 0.0)
