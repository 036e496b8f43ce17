"""What a token is, where it stands, and what is left of a text without some of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.dedup.tokens import cut_tokens, without_spans

TEXTS = st.text(alphabet="ab \t\n\u3000é", max_size=60)


@given(TEXTS)
def test_tokens_are_what_stands_between_white_space(text: str) -> None:
    tokens = cut_tokens(text)
    cut = [text[a:b] for a, b in zip(tokens.starts.tolist(), tokens.ends.tolist(), strict=True)]
    assert cut == text.split()
    assert len(set(tokens.hashes.tolist())) == len(set(cut))


@given(st.text(max_size=40))
def test_tokens_of_any_text_are_all_of_it_but_white_space(text: str) -> None:
    tokens = cut_tokens(text)
    cut = [text[a:b] for a, b in zip(tokens.starts.tolist(), tokens.ends.tolist(), strict=True)]
    assert "".join(cut) == "".join(text.split())


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("東京へ go!", ["東", "京", "へ", "go!"]),
        ("ไม่ได้", ["ไ", "ม่", "ไ", "ด้"]),
        ("GPT模型v2", ["GPT", "模", "型", "v2"]),
        ("\u65e5\u0301本", ["\u65e5\u0301", "本"]),
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
    ],
)
def test_a_character_of_a_script_without_spaces_is_a_token(text: str, cut: list[str]) -> None:
    tokens = cut_tokens(text)
    assert [text[a:b] for a, b in zip(tokens.starts.tolist(), tokens.ends.tolist(), strict=True)] == cut


def test_scopes_have_tokens_of_their_own() -> None:
    assert not set(cut_tokens("a b c", 1).hashes) & set(cut_tokens("a b c", 2).hashes)


@pytest.mark.parametrize(
    ("text", "spans", "left"),
    [
        ("a b c", [(2, 3)], "a c"),
        ("a b c", [(0, 1)], "b c"),
        ("a b c ", [(4, 5)], "a b"),
        (" a\n\nb c", [(4, 5)], " a\n\nc"),
        ("a b\n\nc", [(2, 3)], "a\n\nc"),
        ("a b c d", [(2, 3), (4, 5)], "a d"),
        ("a b", [(0, 1), (2, 3)], ""),
        (" a ", [(1, 2)], ""),
        ("東京都", [(1, 2)], "東\n都"),
        ("a b c", [], "a b c"),
        ("a b c d e", [(2, 3), (6, 7)], "a c e"),
    ],
)
def test_what_is_left_is_joined(text: str, spans: list[tuple[int, int]], left: str) -> None:
    assert without_spans(text, spans) == left


@given(TEXTS, st.data())
def test_joining_loses_no_word(text: str, data: st.DataObject) -> None:
    """The words that are left are those that did not go, and nothing else of the text changes."""
    tokens = cut_tokens(text)
    gone = data.draw(st.lists(st.booleans(), min_size=len(tokens.starts), max_size=len(tokens.starts)))
    spans = [
        (a, b) for a, b, goes in zip(tokens.starts.tolist(), tokens.ends.tolist(), gone, strict=True) if goes
    ]
    left = without_spans(text, spans)
    assert left.split() == [word for word, goes in zip(text.split(), gone, strict=True) if not goes]
    if not any(gone) and tokens.starts.size:
        assert left == text
