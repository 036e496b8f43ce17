"""Precision and recall of `pii`, by kind, on the labelled lines of this project and on the hostile ones of others.

Usage: ``python tests/bench/pii.py [SHARED]``: SHARED has ``hostile/security/pii.jsonl``, whose expectations are prose;
what they mean is written here. Two of them are kept on purpose: an address at ``example.com`` is nobody's, and
``2001:db8::/32`` is for documentation, not routable. A mistake is printed with its line.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from filters.document import Document, Origin, Place
from filters.pii import Pii
from filters.text import TextView

KINDS = ("email", "ipv4", "ipv6", "iban", "card", "phone")
LABELLED = Path(__file__).parents[1] / "filters" / "pii_labelled.jsonl"
MARK = "\x00"

EXPECTED: dict[str, Mapping[str, list[str]]] = {
    "mail <EMAIL> now": {"email": ["a.b+c@ex-ample.co.uk"]},
    "version is NOT an IP": {},
    "full-width @": {"email": ["user\uff20example.com"]},
    "IPv6": {"ipv6": ["2001:0db8::1"]},
    "IDN mail": {"email": ["naïve@exämple.de"]},
    "no regex blow-up (<0.1 s)": {},
}

Line = tuple[str, Mapping[str, list[str]]]


def removed(text: str, kind: str) -> list[str]:
    """Return what the step takes for one kind of data."""
    step = Pii(**{each: MARK if each == kind else None for each in KINDS})
    document = Document("", None, text, None, "web", None, None, None, Origin("", Place(0, 0, 0)))
    left = step.apply(TextView(document))[0].text
    if left == text:
        return []
    found = re.fullmatch("(.+?)".join(map(re.escape, left.split(MARK))), text, re.DOTALL)
    return list(found.groups()) if found else []


def score(name: str, lines: Iterable[Line]) -> None:
    """Print the table of one set."""
    right, wrong, missed = Counter[str](), Counter[str](), Counter[str]()
    slowest = 0.0
    for text, wanted in lines:
        for kind in KINDS:
            began = time.process_time()
            got = Counter(removed(text, kind))
            slowest = max(slowest, time.process_time() - began)
            want = Counter(wanted.get(kind, []))
            right[kind] += (want & got).total()
            wrong[kind] += (got - want).total()
            missed[kind] += (want - got).total()
            for what, values in (("wrong", got - want), ("missed", want - got)):
                for value in values:
                    print(f"    {what} {kind} {value[:60]!r} in {text[:80]!r}")
    print(f"{name}: right, wrong, missed; slowest line {slowest:.3f} CPU s")
    for kind in KINDS:
        print(f"  {kind:6} {right[kind]:5} {wrong[kind]:5} {missed[kind]:5}")
    total = right.total()
    shares = total / max(total + wrong.total(), 1), total / max(total + missed.total(), 1)
    print(f"  precision {shares[0]:.4f}, recall {shares[1]:.4f}\n")


def rows(path: Path) -> list[dict[str, str | dict[str, list[str]]]]:
    """Return the rows of a file of JSON lines."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def main() -> None:
    """Print the tables."""
    score("labelled here", [(row["text"], row["find"]) for row in rows(LABELLED)])  # type: ignore[misc]
    if len(sys.argv) > 1:
        hostile = rows(Path(sys.argv[1]) / "hostile" / "security" / "pii.jsonl")
        score("hostile", [(row["text"], EXPECTED[row["expect"]]) for row in hostile])  # type: ignore[misc, index]


if __name__ == "__main__":
    main()
