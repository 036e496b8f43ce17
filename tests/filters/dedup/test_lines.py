"""What a line is, and when two are one."""

from __future__ import annotations

import re
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.dedup.lines import UNCOUNTED, Lines

TEXTS = st.text(alphabet="ab \t\n\u3000é", max_size=60)
UNITS = st.sampled_from(["line", "paragraph"])


@given(TEXTS, UNITS)
def test_cutting_loses_nothing_but_the_separators(text: str, unit: Literal["line", "paragraph"]) -> None:
    rule = Lines(unit=unit)
    lines = rule.cut(text)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert rule.cut(rule.join(lines)) == rule.cut(rule.join(rule.cut(rule.join(lines))))
    if unit == "line":
        assert all("\n" not in line for line in lines)
    else:
        assert not any(re.search(r"\n\s*\n", line) for line in lines)


@given(TEXTS, TEXTS, st.integers(1, 12))
def test_keys_are_equal_where_the_words_are(first: str, second: str, least: int) -> None:
    """White space aside; shorter lines than the least have none."""
    rule = Lines(min_characters=least)
    one, other = rule.keys([first, second], 0)
    folded = [" ".join(text.split()) for text in (first, second)]
    assert (one == UNCOUNTED) == (len(folded[0]) < least)
    assert (one == other) == (folded[0] == folded[1] or max(map(len, folded)) < least)


def test_scopes_have_keys_of_their_own() -> None:
    line = "Subscribe to our newsletter"
    assert Lines().keys([line], 1) != Lines().keys([line], 2)


def test_limits_are_checked() -> None:
    for name in ("max_documents", "min_characters"):
        with pytest.raises(ValueError, match=f"{name} must be at least 1; found 0"):
            Lines(**{name: 0})  # type: ignore[arg-type]
