"""The laws of the balance: each holds for honest counts and is named when broken."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from pipelines.store.balance import balance, broken_laws, in_shards
from pipelines.store.manifest import Manifest, UnitCounts
from pipelines.views.funnel import funnel_lines


def stage(counts: dict[str, Any]) -> Manifest:
    return Manifest("stage", "home", "key", {}, {}, (), (UnitCounts("u", counts),), "sha256")


COUNTS: dict[str, dict[str, Any]] = {
    "extract": (
        {
            "source": "web",
            "file": "a",
            "size": 100,
            "bytes": {"response": 80, "damaged": 20},
            "records": {"seen": 6, "kept": 4, "dropped read.mime_type": 1, "error extract.crash": 1},
            "damaged_spans": 1,
        }
    ),
    "filter": (
        {
            "records": {
                "seen": 6,
                "kept": 3,
                "dropped c4.lorem": 1,
                "dropped read.mime_type": 1,
                "error extract.crash": 1,
            }
        }
    ),
    "dedup": ({"records": {"seen": 3, "kept": 2, "removed exact": 1}}),
    "pack": (
        {
            "tokens": {
                "documents": 2,
                "document_tokens": 10,
                "separators": 2,
                "padding": 4,
                "rows": 2,
                "slots": 16,
            }
        }
    ),
}

HONEST = {name: stage(counts) for name, counts in COUNTS.items()}


def test_honest_counts_break_no_law() -> None:
    assert broken_laws(HONEST) == []
    assert balance(HONEST).damaged_spans == 1


@pytest.mark.parametrize(
    ("name", "section", "key", "law"),
    [
        ("extract", "bytes", "response", "bytes: web:a has 100 bytes"),
        ("extract", "records", "kept", "records: extract unit u"),
        ("filter", "records", "seen", "stages: extract saw 6 records"),
        ("dedup", "records", "removed exact", "records: dedup unit u"),
        ("dedup", "records", "seen", "stages: filter kept 3, dedup saw 4"),
        ("pack", "tokens", "documents", "stages: 2 documents were finished, 3 were packed"),
        ("pack", "tokens", "padding", "tokens: documents + separators + padding = 17"),
    ],
)
def test_each_law_is_named_when_broken(name: str, section: str, key: str, law: str) -> None:
    counts = copy.deepcopy(COUNTS[name])
    counts[section][key] += 1
    broken = broken_laws({**HONEST, name: stage(counts)})
    assert any(line.startswith(law) for line in broken)


def test_the_funnel_ends_with_what_is_left() -> None:
    lines = {line.name: line.count for line in funnel_lines(balance(HONEST))}
    assert lines["records read"] == 6
    assert lines["c4.lorem"] == lines["extract.crash"] == lines["exact"] == 1
    assert (lines["documents"], lines["tokens"], lines["padding"]) == (2, 10, 4)


def test_rows_over_a_token_budget_are_not_among_the_rows() -> None:
    """Four rows of 8: 26 tokens with their separators, 6 of padding; one row with 7 tokens is over the budget."""
    counts = {"documents": 2, "document_tokens": 24, "separators": 2, "padding": 6, "rows": 4, "slots": 32}
    split = {"train_rows": 3, "validation_rows": 1, "rows_over_budget": 1, "tokens_over_budget": 7}
    counted = balance({"pack": stage({"tokens": {**counts, **split}})})
    held = {"rows": 3, "train_rows": 2, "validation_rows": 1, "tokens": 19, "padding": 5, "slots": 24}
    assert in_shards(counted.tokens or {}) == held
    lines = {line.name: line.count for line in funnel_lines(counted)}
    assert (lines["over the token budget"], lines["rows"], lines["padding"]) == (7, 3, 5)
