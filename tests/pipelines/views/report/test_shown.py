"""Text and figures in HTML: whatever the text, it stays text."""

from __future__ import annotations

import html
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.views.report.clusters import diff
from pipelines.views.report.shown import about, breakable, decimals, number, share, shown, size, with_code

MARK = re.compile(r'<i class="mark">(.*?)</i>')


@given(st.text(st.characters(codec="utf-8")))
def test_nothing_but_our_own_marks_is_markup_and_nothing_is_lost(text: str) -> None:
    out = str(shown(text))
    rest = MARK.sub("", out)
    assert "<" not in rest
    assert ">" not in rest
    hidden = [
        c for c in out if unicodedata.category(c) in {"Cc", "Cf", "Zl", "Zp"} and c not in "\n\t\u200c\u200d"
    ]
    assert not hidden
    back = MARK.sub(lambda m: chr(0x7F) if m[1] == "\\x7f" else m[1].encode().decode("unicode_escape"), out)
    surrogates = back.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    assert html.unescape(surrogates) == text


TAG = re.compile("<.*?>")


@given(st.text(st.characters(codec="utf-8")))
def test_a_break_is_markup_and_not_text(name: str) -> None:
    """A host name with breaks is read as the same name, and each break is one that a browser takes."""
    broken = str(breakable(shown(name)))
    assert broken.count("<wbr>") == str(shown(name)).count(".") + str(shown(name)).count("_")
    assert "&lt;wbr&gt;" not in broken or "<wbr>" in name
    assert TAG.sub("", broken) == TAG.sub("", str(shown(name)))


@given(st.text(st.characters(codec="utf-8")))
def test_code_in_a_text_stays_safe(text: str) -> None:
    assert TAG.sub("", str(with_code(shown(text)))).replace("`", "") == TAG.sub("", str(shown(text))).replace(
        "`", ""
    )


def test_a_cut_says_how_much_is_left() -> None:
    assert str(shown("abcdef", 2)) == 'ab<i class="more"> … 4 more characters</i>'
    assert str(shown("ab", 2)) == "ab"


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_diff_holds_both_texts(before: str, after: str) -> None:
    marked = str(diff(before, after))
    old = re.sub(r"<ins>.*?</ins>", "", marked, flags=re.DOTALL)
    new = re.sub(r"<del>.*?</del>", "", marked, flags=re.DOTALL)
    assert re.sub(r"</?del>", "", old) == str(shown(before))
    assert re.sub(r"</?ins>", "", new) == str(shown(after))


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, "–"), (0, "0"), (1234567, "1,234,567"), (0.12345, "0.123"), (2.0, "2"), (4.5892, "4.59"),
     (12345.6, "12,346")],
)  # fmt: skip
def test_numbers(value: float | None, said: str) -> None:
    assert number(value) == said


def test_shares_sizes_and_estimates() -> None:
    assert [share(1, 4), share(1, 300), share(1, 0), share(None), share(0, 5)] == [
        "25.0 %",
        "0.33 %",
        "–",
        "–",
        "0 %",
    ]
    assert [size(0), size(999), size(1000), size(27_600_000), size(3.2e12), size(None)] == [
        "0 B", "999 B", "1.0 kB", "27.6 MB", "3,200 GB", "–",
    ]  # fmt: skip
    assert [decimals(2.9, 2), decimals(None, 2)] == ["2.90", "–"]
    assert [about(6_131_726), about(944_551), about(355), about(2.4e9)] == ["6.1 M", "940 k", "360", "2.4 G"]
