"""Each profile of repetition measures what its definition says, computed here in the plainest way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.document import Document, Origin, Place
from filters.gopher_repetition import GopherRepetition
from filters.repetition_profiles import PROFILES
from filters.splitting.words import unicode_words
from filters.text import TextView

WORDS = st.sampled_from(["a", "bb", "ccc", "don't", "3.5", "dd,", "東京", "—"])
LINES = st.lists(WORDS, max_size=12).map(" ".join)
TEXTS = st.lists(LINES, max_size=12).flatmap(
    lambda lines: st.sampled_from(["\n", "\n\n", " "]).map(lambda glue: glue.join(lines))
)


def view(text: str) -> TextView:
    return TextView(
        Document("0" * 32, None, text, None, "web", None, None, None, Origin("f", Place(0, 0, 0)))
    )


def grams(words: list[str], n: int) -> list[tuple[str, ...]]:
    return [tuple(words[at : at + n]) for at in range(len(words) - n + 1)]


def characters(words: tuple[str, ...] | list[str]) -> int:
    return len("".join(words))


def first_of_most_frequent(found: list[tuple[str, ...]]) -> tuple[tuple[str, ...], int]:
    return Counter(found).most_common(1)[0]


def datatrove_repeated(words: list[str], n: int) -> int:
    seen: set[tuple[str, ...]] = set()
    total = at = 0
    while at <= len(words) - n:
        gram = tuple(words[at : at + n])
        total += characters(gram) if gram in seen else 0
        at += n if gram in seen else 1
        seen.add(gram)
    return total


def datatrove(text: str, name: str, n: int) -> float:
    words = view(text).words
    if name == "repeated":
        return datatrove_repeated(words, n) / len(text)
    gram, count = first_of_most_frequent(grams(words, n))
    return len(" ".join(gram)) * count / len(text)


def dclm(text: str, name: str, n: int) -> float:
    words = unicode_words(text)
    counts = Counter(grams(words, n))
    if max(counts.values()) == 1:
        return 0.0
    if name == "top":
        most = max(counts.values())
        return (
            max(characters(gram) for gram, count in counts.items() if count == most)
            * most
            / characters(words)
        )
    at = {at + offset for at, gram in enumerate(grams(words, n)) if counts[gram] > 1 for offset in range(n)}
    return sum(len(words[index]) for index in at) / characters(words)


def dolma(text: str, name: str, n: int) -> float:
    words = text.split()
    counts = Counter(grams(words, n))
    if name == "top":
        gram, count = first_of_most_frequent(grams(words, n))
        return characters(gram) * count / characters(words)
    mass = {gram: characters(gram) * count for gram, count in counts.items()}
    return sum(mass[gram] for gram in mass if counts[gram] > 1) / sum(mass.values())


def nemo(text: str, name: str, n: int) -> float:
    words = text.split()
    if name == "top":
        gram = " ".join(first_of_most_frequent(grams(words, n))[0])
        return (len(text) - len(text.replace(gram, ""))) / len(text)
    seen: set[tuple[str, ...]] = set()
    total = overlap = 0
    for gram in grams(words, n):
        if gram in seen:
            total += characters(gram[overlap:]) + min(n - overlap, n - 1)
            overlap = n
        seen.add(gram)
        overlap = max(overlap - 1, 0)
    return total / len(text)


PLAIN: dict[str, tuple[Callable[[str, str, int], float], Callable[[str], list[str]]]] = {
    "datatrove": (datatrove, lambda text: view(text).words),
    "dclm": (dclm, unicode_words),
    "dolma": (dolma, str.split),
    "nemo": (nemo, str.split),
}


@pytest.mark.slow
@pytest.mark.parametrize("profile", PROFILES)
@given(TEXTS)
@settings(max_examples=150, deadline=None)
def test_ngrams_are_counted_as_defined(profile: str, text: str) -> None:
    found = GopherRepetition(profile=profile).apply(view(text))[1]  # type: ignore[arg-type]
    plain, split = PLAIN[profile]
    for n in range(2, 11):
        name = "top" if n < 5 else "repeated"
        if text.strip() and n <= len(split(text)):
            assert found[f"{name}_{n}_gram"] == pytest.approx(plain(text, name, n))


# Five lines and two blank ones in three paragraphs; 41 characters, 35 in lines, 37 in paragraphs, 28 in words.
REPEATING = "ab cd.\nef gh.\n\nab cd.\nef gh.\n\nij kl mn op"
SEGMENTS = {
    "datatrove": (2 / 5, 12 / 41, 1 / 3, 13 / 41),
    "dclm": (4 / 5, 24 / 35, 2 / 3, 26 / 37),
    "dolma": (6 / 7, 24 / 28, None, None),
    "nemo": (2 / 5, 12 / 35, 1 / 3, 13 / 37),
}


@pytest.mark.parametrize("profile", PROFILES)
def test_segments_are_counted_as_defined(profile: str) -> None:
    found = PROFILES[profile](view(REPEATING))
    names = ("lines", "line_characters", "paragraphs", "paragraph_characters")
    measured = [found.get(f"duplicate_{name}") for name in names]
    assert measured == [value if value is None else pytest.approx(value) for value in SEGMENTS[profile]]


def test_the_profile_brings_limits_and_the_recipe_has_the_last_word() -> None:
    assert GopherRepetition().max_duplicate_line_characters == 0.2
    assert GopherRepetition(profile="dolma").max_duplicate_line_characters == 0.3
    assert (
        GopherRepetition(profile="dolma", max_duplicate_line_characters=0.2).max_duplicate_line_characters
        == 0.2
    )
    assert (
        GopherRepetition(profile="dolma", max_duplicate_line_characters=None).max_duplicate_line_characters
        is None
    )
    assert type(GopherRepetition().max_top_2_gram) is float
