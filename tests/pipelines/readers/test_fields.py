"""Stated values: only possible times, languages by one code, text that UTF-8 can carry."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.readers.fields import iso_time, language_code, sound_text


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("2024-02-29T10:00:00Z", True),
        ("2024-02-29T10:00:00.123456Z", True),
        ("2019-08-15T01:02", True),
        ("2019-08-15", True),
        ("2023-02-29", False),
        ("2008-10-294T05:21:46-0700", False),
        ("20190815010203", False),
        ("yesterday", False),
        ("", False),
        (None, False),
    ],
)
def test_iso_time(value: str | None, kept: bool) -> None:
    assert iso_time(value) == (value if kept else None)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("eng", "en"),
        ("deu,eng", "de"),
        ("cmn", "zh"),
        ("en-US", "en"),
        ("ltg", "ltg"),
        ("roa-rup", "roa"),
        ("english", None),
        ("x", None),
        ("", None),
        (None, None),
    ],
)
def test_language_code(value: str | None, code: str | None) -> None:
    assert language_code(value) == code


@given(st.text(st.characters(), max_size=20))
def test_sound_text_can_be_encoded_and_keeps_sound_text(text: str) -> None:
    assert sound_text(text).encode().decode() == sound_text(text)
    assert sound_text("\ud83d" + text).startswith("\ufffd") or text[:1] >= "\udc00"
