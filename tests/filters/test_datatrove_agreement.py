"""The published steps decide as datatrove 0.10.1 did on real pages, each taken alone."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from filters.c4 import C4
from filters.document import Document, Origin, Place
from filters.fineweb_quality import FinewebQuality
from filters.gopher_quality import GopherQuality
from filters.gopher_repetition import GopherRepetition
from filters.step import Step, first_fault
from filters.text import TextView

STEPS: dict[str, Step] = {
    "gopher_rep": GopherRepetition(),
    "gopher_qual": GopherQuality(),
    "c4": C4(terminal_punctuation=False),
    "fineweb_qual": FinewebQuality(),
}


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.parametrize("name", STEPS)
def test_decisions_agree(shared: Path, name: str) -> None:
    """English rules for every text, as the reference was made; 100 % when measured."""
    with gzip.open(shared / "reference" / "datatrove_decisions.jsonl.gz") as lines:
        rows = [row for row in map(json.loads, lines) if row["text"]]
    step, different = STEPS[name], []
    for row in rows:
        view = TextView(
            Document("", None, row["text"], None, "web", None, None, None, Origin("", Place(0, 0, 0)))
        )
        reason = first_fault(step, step.apply(view)[1])
        if (reason is None) != row[name]["keep"]:
            different.append((row["url"], reason, row[name]["reason"]))
    assert len(different) <= len(rows) * 0.002, different
