"""The fate of a record: its text, the way back, and the same text in SQL."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.store.fate import FATE_SQL, Fate, fates, total

STEPS = st.sampled_from(["read", "c4", "my.rules:Mine"])
REASONS = st.from_regex(r"[a-z_0-9]+", fullmatch=True)
FATES = (
    st.sampled_from([Fate("kept"), Fate("unknown")])
    | st.builds(Fate, st.sampled_from(["dropped", "error"]), STEPS, REASONS)
    | st.builds(Fate, st.just("removed"), st.none(), REASONS)
)


@given(FATES)
def test_a_text_is_read_back(fate: Fate) -> None:
    assert Fate.parse(str(fate)) == fate


@pytest.mark.parametrize(
    "fate", [Fate("kept"), Fate("dropped", "c4", "lorem"), Fate("error", "m:R", "crash")]
)
def test_sql_gives_the_same_text(fate: Fate) -> None:
    row = "SELECT ?::VARCHAR AS decision, ?::VARCHAR AS step, ?::VARCHAR AS reason"
    values = [fate.decision, fate.step, fate.reason]
    assert duckdb.execute(f"SELECT {FATE_SQL} FROM ({row})", values).fetchall() == [(str(fate),)]


@pytest.mark.parametrize("text", ["", "seen", "lost c4.lorem"])
def test_what_is_not_a_fate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not the fate of a record"):
        Fate.parse(text)


def test_fates_of_one_decision_come_largest_first() -> None:
    records = {
        "seen": 9,
        "kept": 2,
        "dropped c4.lorem": 1,
        "dropped read.mime_type": 3,
        "error read.digest": 3,
    }
    assert list(fates(records, "dropped").values()) == [3, 1]
    assert [total(records, decision) for decision in ("kept", "dropped", "error", "removed")] == [2, 4, 3, 0]
