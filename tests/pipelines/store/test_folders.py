"""Names of folders that come from data are plain names."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from pipelines.store.folders import language_folder


@given(st.text() | st.none())
def test_a_language_folder_is_a_plain_name(label: str | None) -> None:
    assert re.fullmatch("[A-Za-z0-9_-]{1,32}", language_folder(label))
