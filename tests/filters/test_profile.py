"""Limits that nobody sets are the profile's; a limit that somebody sets stays, and so does one that is off."""

from __future__ import annotations

import copy
import pickle
from dataclasses import dataclass, replace

import pytest

from filters.c4 import C4
from filters.fineweb2 import Fineweb2
from filters.fineweb_quality import FinewebQuality
from filters.gopher_repetition import GopherRepetition
from filters.profile import with_profile
from filters.step import Step, Values, find_step


def _stricter(given: Values) -> Values:
    return {"low": 5, **given} if given.get("profile") == "strict" else given


@with_profile(_stricter)
@dataclass(frozen=True)
class Limits:
    """Two limits, one of which a profile sets."""

    profile: str = "loose"
    low: int | None = 1
    high: int | None = 9


@pytest.mark.parametrize(
    ("made", "low"),
    [
        (Limits(), 1),
        (Limits(profile="strict"), 5),
        (Limits("strict"), 5),
        (Limits("strict", 7), 7),
        (Limits("strict", low=None), None),
        (Limits("strict", low=1), 1),
    ],
)
def test_a_limit_that_is_given_goes_before_the_profiles(made: Limits, low: int | None) -> None:
    assert (made.low, made.high) == (low, 9)


def test_a_built_step_is_plain_values() -> None:
    made = Limits("strict")
    assert vars(made) == {"profile": "strict", "low": 5, "high": 9}
    assert pickle.loads(pickle.dumps(made)) == copy.copy(made) == replace(made) == made
    assert replace(made, high=8) == Limits("strict", 5, 8)
    with pytest.raises(TypeError, match="unexpected keyword argument 'hgih'"):
        Limits(hgih=3)  # type: ignore[call-arg]


def test_the_published_profiles() -> None:
    assert GopherRepetition(profile="dolma").max_duplicate_line_characters == 0.3
    assert GopherRepetition(profile="nemo") == replace(GopherRepetition(), profile="nemo")
    assert FinewebQuality(profile="paper").max_duplicate_characters == 0.1
    assert (C4(profile="tfds").min_words_per_line, C4(profile="tfds").min_sentences) == (5, 3)


def test_a_language_is_a_profile_too() -> None:
    french = Fineweb2(language="fr")
    assert replace(french, language="fra_Latn") == Fineweb2("fra_Latn", stop_words=())
    assert len(french.stop_words) > 2
    assert french.min_words == 50
    assert Fineweb2("fr", stop_words=("le",)).stop_words == ("le",)


@pytest.mark.parametrize("key", ["gopher_repetition", "fineweb_quality", "c4"])
def test_the_defaults_of_a_class_are_those_of_its_default_profile(key: str) -> None:
    """`corpusmill keys` prints the class's defaults; a recipe that sets nothing gets the same."""
    cls: type[Step] = find_step(key)
    made = cls()
    assert all(getattr(cls, name) == value for name, value in vars(made).items())
