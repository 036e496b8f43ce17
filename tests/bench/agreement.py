"""Agreement of the steps with datatrove 0.10.1, decision by decision; every disagreement with the measures behind it.

Usage: ``python tests/bench/agreement.py SHARED``: SHARED has ``reference/datatrove_decisions.jsonl.gz``, made with
C4's ``terminal_punctuation: false``, English words for every text, ``lid.176.ftz`` and English from 0.65 on.
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any

from filters.c4 import C4
from filters.document import Document, Origin, Place
from filters.fineweb_quality import FinewebQuality
from filters.gopher_quality import GopherQuality
from filters.gopher_repetition import GopherRepetition
from filters.judge import NamedStep, judge
from filters.label_language import LabelLanguage
from filters.language import Language
from pipelines.recipe.models import resolve


def steps() -> dict[str, list[NamedStep]]:
    """Return the steps that stand for each decision of the reference."""
    model = resolve(NamedStep("label_language", "label_language", LabelLanguage()), Path())
    return {
        "lang": [model, NamedStep("language", "language", Language())],
        "gopher_rep": [NamedStep("gopher_repetition", "gopher_repetition", GopherRepetition())],
        "gopher_qual": [NamedStep("gopher_quality", "gopher_quality", GopherQuality())],
        "c4": [NamedStep("c4", "c4", C4(terminal_punctuation=False))],
        "fineweb_qual": [NamedStep("fineweb_quality", "fineweb_quality", FinewebQuality())],
    }


def main() -> None:
    """Print the counts, and the disagreements."""
    path = Path(sys.argv[1]) / "reference" / "datatrove_decisions.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows: list[dict[str, Any]] = [row for row in map(json.loads, lines) if row["text"]]
    for name, chain in steps().items():
        different = []
        for row in rows:
            document = Document(
                "", None, row["text"], None, "web", None, None, None, Origin("", Place(0, 0, 0))
            )
            verdict = judge(document, chain)
            if (verdict.step is None) != row[name]["keep"]:
                different.append((row, verdict))
        equal = len(rows) - len(different)
        print(f"{name:13} {equal:,} of {len(rows):,} equal, {equal / len(rows):.2%}")
        for row, verdict in different:
            theirs = f"{row[name]['reason'] or row[name]['keep']} ({row['language']} {row['language_score']})"
            print(
                f"    {row['url']}\n      datatrove {theirs}; here {verdict.reason or 'kept'} {verdict.measured}"
            )


if __name__ == "__main__":
    main()
