"""How often the four definitions of Gopher's repetition rules disagree on the same pages, and through which rule.

Usage: ``python tests/bench/profiles.py SHARED`` where SHARED holds ``reference/datatrove_decisions.jsonl.gz``.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections import Counter
from itertools import combinations
from pathlib import Path

from filters.document import Document, Origin, Place
from filters.gopher_repetition import GopherRepetition
from filters.repetition_profiles import PROFILES
from filters.step import first_fault
from filters.text import TextView


def reasons(text: str) -> dict[str, str | None]:
    """Return each profile's reason to drop a text, None = kept. English words for every text."""
    view = TextView(Document("", None, text, None, "web", None, None, None, Origin("", Place(0, 0, 0))))
    steps = {name: GopherRepetition(profile=name) for name in PROFILES}  # type: ignore[arg-type]
    return {name: first_fault(step, step.apply(view)[1]) for name, step in steps.items()}


def main() -> None:
    """Print the table."""
    path = Path(sys.argv[1]) / "reference" / "datatrove_decisions.jsonl.gz"
    with gzip.open(path) as lines:
        rows = [reasons(row["text"]) for row in map(json.loads, lines) if row["text"]]
    print(f"{len(rows)} documents\n\n{'profile':10} dropped, by the first reason")
    for name in PROFILES:
        counted = Counter(row[name] for row in rows if row[name])
        print(
            f"{name:10} {sum(counted.values()):5}  {', '.join(f'{r} {n}' for r, n in counted.most_common(4))}"
        )
    apart = sum(len({reason is None for reason in row.values()}) > 1 for row in rows)
    print(f"\nnot all four agree: {apart} ({apart / len(rows):.1%})\n")
    for left, right in combinations(PROFILES, 2):
        only_left = Counter(row[left] for row in rows if row[left] and not row[right])
        only_right = Counter(row[right] for row in rows if row[right] and not row[left])
        total = sum(only_left.values()) + sum(only_right.values())
        print(f"{left} / {right}: {total} disagree ({total / len(rows):.1%})")
        for name, counted in ((left, only_left), (right, only_right)):
            why = ", ".join(f"{reason} {count}" for reason, count in counted.most_common(3))
            print(f"    only {name} drops {sum(counted.values()):4}  {why}")


if __name__ == "__main__":
    main()
