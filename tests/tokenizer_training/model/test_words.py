"""Counted words: what a word is, how long ones are cut, and that nothing depends on order."""

from __future__ import annotations

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tokenizer_training.model.words import (
    MAX_CHARS,
    SCHEMA,
    UNKNOWN_LANGUAGE,
    WordCounter,
    cap_words,
    cut_word,
    merge_tables,
    split_words,
    word_table,
)

TEXTS = st.text(alphabet=st.sampled_from("ab \u2581\n\t\u2585語ア,1"), max_size=200)


def test_words_keep_the_spaces_before_them() -> None:
    assert split_words("def f():\n    return  1 ") == ["def", " f():", "    return", "  1", " "]


def test_text_is_cut_at_symbols_and_at_the_trainers_own_character() -> None:
    assert split_words("a\tb\n\nc\u2585d") == ["a", "b", "c", "d"]


def test_the_sentencepiece_space_is_a_space() -> None:
    assert split_words("a\u2581b \u2581c") == split_words("a b  c")


@given(TEXTS)
def test_words_hold_all_of_the_text_but_the_cuts(text: str) -> None:
    kept = text.replace("\u2581", " ")
    for separator in "\n\t\u2585":
        kept = kept.replace(separator, "")
    assert "".join(split_words(text)) == kept


def test_long_words_are_cut_where_script_or_punctuation_changes() -> None:
    word = "  https://example.org/" + "漢字かなカナー" + "ไทย" + "2024" + "e\u0301te\u0301"
    expected = [
        "  https",
        "://",
        "example",
        ".",
        "org",
        "/",
        "漢字かなカナー",
        "ไทย",
        "2024",
        "e\u0301te\u0301",
    ]
    assert cut_word(word) == expected


def test_a_run_of_one_script_is_cut_by_length() -> None:
    assert [len(piece) for piece in cut_word("語" * (2 * MAX_CHARS + 3))] == [MAX_CHARS, MAX_CHARS, 3]


@given(st.text(max_size=300))
def test_cutting_loses_nothing(word: str) -> None:
    pieces = cut_word(word)
    assert "".join(pieces) == word
    assert all(len(piece) <= MAX_CHARS for piece in pieces)


def test_short_words_are_not_cut_and_cuts_are_counted() -> None:
    long = "x" * MAX_CHARS + "/y"
    capped, cut = cap_words({"a/b": 5, "x" * MAX_CHARS: 2, long: 3})
    assert capped == Counter({"a/b": 5, "x" * MAX_CHARS: 5, "/": 3, "y": 3})
    assert cut == 3


def test_counts_do_not_depend_on_order_or_on_how_they_were_split(texts: list[tuple[str, str]]) -> None:
    shuffled = texts.copy()
    random.Random(1).shuffle(shuffled)
    parts = []
    for part in (shuffled[::3], shuffled[1::3], shuffled[2::3]):
        counter = WordCounter()
        for language, text in part:
            counter.add(language, text)
        parts.append(counter.take()[0])
    whole = WordCounter()
    for language, text in texts:
        whole.add(language, text)
    table = whole.take()[0]
    assert merge_tables(parts) == table == merge_tables(reversed(parts))
    assert whole.distinct == 0, "taking starts again from nothing"


def test_texts_without_a_label_are_counted_as_undetermined() -> None:
    counter = WordCounter()
    counter.add(None, "one two")
    assert counter.distinct == 2
    assert counter.take()[0].to_pylist() == [
        {"language": UNKNOWN_LANGUAGE, "word": " two", "count": 1},
        {"language": UNKNOWN_LANGUAGE, "word": "one", "count": 1},
    ]


def test_no_counts_are_an_empty_table() -> None:
    assert word_table({}).schema == SCHEMA
    assert merge_tables([]).num_rows == 0
