"""What the parts of a step's contract do: comparisons, limits by language, and faults that name their fields."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest

from filters.boilerplate_lines import BoilerplateLines
from filters.decontaminate import Decontaminate
from filters.dedup.lines import Lines
from filters.dedup.scheme import Scheme
from filters.dedup.substrings import Substrings
from filters.fineweb2 import Fineweb2
from filters.gopher_quality import GopherQuality
from filters.gopher_repetition import GopherRepetition
from filters.language import Language
from filters.length import Length
from filters.perplexity import Perplexity
from filters.quality_model import QualityModel
from filters.step import Check, FieldFault, Measure, Operator, is_fault, limit_for
from filters.url_blocklist import UrlBlocklist


@pytest.mark.parametrize(
    ("op", "value", "limit", "fault"),
    [
        ("<", 1, 2, True),
        ("<", 2, 2, False),
        (">", 2, 2, False),
        (">", 2.5, 2, True),
        (">=", 2, 2, True),
        ("not in", "b", ("a",), True),
        ("not in", "a", ("a",), False),
        ("outside", "deu_Latn", ("deu",), False),
        ("outside", "deu_Latn", ("deu_Goth",), True),
        ("and", True, "list.txt", True),
        ("and", 0, True, False),
        ("and", True, False, False),
        ("<", None, 2, False),
        ("<", 1, None, False),
    ],
)
def test_a_fault_is_a_measure_beyond_its_limit(
    op: Operator, value: Measure, limit: object, fault: bool
) -> None:
    assert is_fault(op, value, limit) is fault


def test_a_limit_by_language_needs_a_label() -> None:
    check = Check("low", "score", "<", "min_score", by="language")
    limit = {"de": 0.5, "default": 0.7}
    assert limit_for(check, limit, {"language": "de_Latn"}) == 0.5
    assert limit_for(check, limit, {"language": None}) == limit_for(check, limit, {}) == 0.7
    assert limit_for(check, {"de": 0.5}, {"language": "fr"}) is None


@pytest.mark.parametrize(
    ("build", "names"),
    [
        (lambda: BoilerplateLines(max_words=0), {"max_words"}),
        (lambda: Decontaminate("e", min_words=0), {"min_words"}),
        (lambda: Decontaminate("e", n=3), {"n", "min_words"}),
        (lambda: Decontaminate("e", fields=()), {"fields"}),
        (lambda: Fineweb2("xx"), {"language"}),
        (lambda: GopherQuality(min_words=9, max_words=3), {"min_words", "max_words"}),
        (
            lambda: GopherQuality(min_mean_word_length=9, max_mean_word_length=3),
            {"min_mean_word_length", "max_mean_word_length"},
        ),
        (lambda: GopherRepetition(max_top_2_gram=2), {"max_top_2_gram"}),
        (lambda: Language(keep=()), {"keep"}),
        (lambda: Language(min_score={}), {"min_score"}),
        (lambda: Language(min_score=2), {"min_score"}),
        (lambda: Length(min_words=-1), {"min_words"}),
        (lambda: Length(min_characters=3, max_characters=2), {"min_characters", "max_characters"}),
        (lambda: Perplexity("m", min_perplexity=5, max_perplexity=4), {"min_perplexity", "max_perplexity"}),
        (lambda: QualityModel("m", min_score=-1), {"min_score"}),
        (lambda: UrlBlocklist(ut1_topics=()), {"ut1_topics"}),
        (lambda: Lines(max_documents=0), {"max_documents"}),
        (lambda: Substrings(min_tokens=1), {"min_tokens"}),
        (lambda: Scheme(name="fineweb", unit="character"), {"unit"}),
    ],
)
def test_an_impossible_value_names_its_fields(build: Callable[[], Any], names: set[str]) -> None:
    with pytest.raises(FieldFault) as caught:
        build()
    assert set(caught.value.fields) == names
    assert all(name in str(caught.value) for name in names)


def test_the_fields_of_a_fault_travel_between_processes() -> None:
    fault = pickle.loads(pickle.dumps(FieldFault("min_words must be at least 1; found 0", "min_words")))
    assert (str(fault), fault.fields) == ("min_words must be at least 1; found 0", ("min_words",))
