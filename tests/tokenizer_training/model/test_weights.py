"""Language balancing by whole numbers, the alphabet, and pruning."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tokenizer_training.model.weights import choose_alphabet, language_shares, prune, training_words
from tokenizer_training.model.words import word_table

TWO = {"en": {"abcd": 1000, "ef": 3000}, "eo": {"gh": 50}}


def test_alpha_one_takes_the_text_as_it_is() -> None:
    shares = language_shares(word_table(TWO), alpha=1)
    assert {name: share.weight for name, share in shares.items()} == {"en": 100, "eo": 100}
    assert shares["eo"].share == 100 / 10_100


def test_alpha_zero_gives_every_language_the_same_share() -> None:
    assert {name: share.share for name, share in language_shares(word_table(TWO), alpha=0).items()} == {
        "en": 0.5,
        "eo": 0.5,
    }


def test_a_share_is_the_temperature_of_its_characters() -> None:
    """q_eo / q_en = (100 / 10,000) ** 0.5 = 1 / 10."""
    shares = language_shares(word_table(TWO), alpha=0.5)
    assert shares["eo"].characters == 100
    assert shares["eo"].weight == 1000
    assert shares["eo"].share / shares["en"].share == 0.1


def test_weights_are_hundredths_rounded_up() -> None:
    """(300 / 290) ** 0.5 = 1.0171."""
    counts = word_table({"en": {"a": 300}, "eo": {"b": 290}})
    assert language_shares(counts, alpha=0.5)["eo"].weight == 102


def test_weighted_counts_of_languages_add_up() -> None:
    counts = word_table({"en": {"a": 300}, "fr": {"a": 75, "b": 75}})
    shares = language_shares(counts, alpha=0)
    words = training_words(counts, shares, "ab")
    assert words.to_pylist() == [
        {"word": "a", "count": 300 * 100 + 75 * 200},
        {"word": "b", "count": 75 * 200},
    ]


def test_the_alphabet_covers_each_language_however_small() -> None:
    """One character in 2,000 of the large language may go, though it is as frequent as the small one's."""
    counts = word_table({"en": {" a": 999_800, "x": 200}, "ka": {"ქ": 150, "ა": 100}})
    alphabet = choose_alphabet(counts, language_shares(counts, alpha=1), most=10)
    assert alphabet.characters == "aაქ"
    assert alphabet.left_out == 0


def test_a_full_alphabet_keeps_the_heaviest_characters() -> None:
    counts = word_table({"en": {"a": 10, "b": 5}, "zh": {"語": 7, "文": 1}})
    alphabet = choose_alphabet(counts, language_shares(counts, alpha=1), most=2)
    assert (alphabet.characters, alphabet.left_out) == ("a語", 2)


def test_words_are_cut_at_characters_outside_the_alphabet() -> None:
    counts = word_table({"en": {" ab☃☃ba": 2, "ab": 1, "☃": 9}})
    words = training_words(counts, language_shares(counts, alpha=1), "ab")
    assert words.to_pylist() == [
        {"word": " ab", "count": 200},
        {"word": "ba", "count": 200},
        {"word": "ab", "count": 100},
    ]


@given(st.dictionaries(st.text("abc-]^\\ ", min_size=1, max_size=6), st.integers(1, 99), min_size=1))
def test_no_character_outside_the_alphabet_is_left(counts: dict[str, int]) -> None:
    table = word_table({"en": counts})
    words = training_words(table, language_shares(table, 1), "a-]^\\")
    assert not set("bc") & set("".join(words["word"].to_pylist()))


def test_pruning_keeps_the_heaviest_rows_in_order() -> None:
    """With alpha 0, a word of the small language outweighs a more frequent one of the large."""
    counts = word_table({"en": {"a": 1000, "b": 40}, "eo": {"c": 10}})
    assert prune(counts, 0, rows=2).to_pylist() == [
        {"language": "en", "word": "a", "count": 1000},
        {"language": "eo", "word": "c", "count": 10},
    ]
    assert prune(counts, 1, rows=2)["word"].to_pylist() == ["a", "b"]
    assert prune(counts, 1, rows=3) == counts


def test_pruning_prefers_no_letter_among_equals() -> None:
    words = [f"{letter}{number}" for letter in "abcd" for number in range(250)]
    kept = prune(word_table({"en": dict.fromkeys(words, 1)}), 1, rows=500)["word"].to_pylist()
    assert all(95 < sum(word.startswith(letter) for word in kept) < 155 for letter in "abcd")
