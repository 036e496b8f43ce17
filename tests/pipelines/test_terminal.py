"""Crawled text cannot act on a terminal."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from pipelines.terminal import escape


@given(st.text())
def test_no_control_or_format_character_is_left(text: str) -> None:
    left = [
        c for c in escape(text) if c != "\n" and unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    ]
    assert left == []


def test_plain_text_of_any_script_is_unchanged() -> None:
    text = "Grüße, приве́т, 你好, नमस्ते\nسلام"
    assert escape(text) == text


def test_what_is_taken_out_stays_visible() -> None:
    assert escape("\x1b[2Ja\u202eb") == "\\x1b[2Ja\\u202eb"
