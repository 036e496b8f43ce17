"""Read all dumps of the measuring data through reader and extraction; print what became of every page.

    python tests/bench/wikis.py [--tables] [--show TEXT]

One line a dump: pages, documents, dropped pages by reason, articles without text, documents with leftover markup, CPU
milliseconds a page of the parser. Formulas and code are taken out before markup is looked for: braces are theirs by
right. Documents with leftovers are named. ``--show`` prints the documents whose address or file name holds a text.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections import Counter
from pathlib import Path

from filters.document import Place
from pipelines.extraction.clean import clean
from pipelines.extraction.wiki.wikitext import plain_text
from pipelines.readers.record import Damaged, Record, Rejected
from pipelines.readers.wikipedia import Wikipedia

WIKIS = Path(__file__).resolve().parents[3] / "shared" / "data" / "wiki"
LEFTOVER = re.compile(r"\{\{|\}\}|\[\[|\]\]|\{\||\|\}|<ref")
HELD = re.compile(
    r"<(math|chem|ce|nowiki|pre|code|source|syntaxhighlight)\b[^<>]*>.*?</\1\s*>", re.DOTALL | re.IGNORECASE
)


def extract(record: Record) -> str:
    """Return the text of a page, as the child process does it."""
    assert record.wiki is not None
    hidden = frozenset(record.wiki.hidden)
    return clean(plain_text(record.payload.decode(), hidden, tables=record.wiki.tables))


def leftovers(record: Record) -> Counter[str]:
    """Count markup in the text of a page without its formulas and code."""
    payload = HELD.sub("", record.payload.decode()).encode()
    page = Record(Place(0, 0, 0), payload, "wikitext", wiki=record.wiki)
    return Counter(LEFTOVER.findall(extract(page)))


def read(path: Path, reader: Wikipedia, show: str) -> tuple[Counter[str], list[str]]:
    """Return the counts of a dump, and its documents with leftovers."""
    counts: Counter[str] = Counter()
    faults = []
    with path.open("rb") as stream:
        for event in reader.read(stream, 0, path.stat().st_size):
            counts["damaged spans"] += isinstance(event, Damaged)
            counts["pages"] += isinstance(event, Record | Rejected)
            if isinstance(event, Rejected):
                counts[f"dropped {event.reason}"] += 1
            if isinstance(event, Record):
                began = time.process_time()
                text = extract(event)
                counts["microseconds"] += round(1e6 * (time.process_time() - began))
                counts["documents" if text else "dropped no_text"] += 1
                if found := leftovers(event):
                    faults.append(f"{path.name} {event.url}: {dict(found)}")
                if show and (show in path.name or show in str(event.url)):
                    print(f"=== {event.url}\n{text}\n")
    return counts, faults


def main() -> None:
    """Read the dumps, print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tables", action="store_true", help="keep tables")
    parser.add_argument("--show", default="", help="print documents of which file name or address holds this")
    options = parser.parse_args()
    total: Counter[str] = Counter()
    faults: list[str] = []
    broken = 0
    for path in sorted(WIKIS.iterdir()):
        counts, found = read(path, Wikipedia(tables=options.tables), options.show)
        faults += found
        total += counts
        drops = {name: number for name, number in counts.items() if name.startswith("dropped") and number}
        balanced = counts["pages"] == counts["documents"] + sum(drops.values())
        broken += not balanced
        cost = counts["microseconds"] / 1000 / max(1, counts["documents"])
        print(
            f"{path.name[:48]:<50}{counts['pages']:>4} pages{counts['documents']:>5} documents "
            f"{cost:>7.1f} ms  {drops or ''} {'' if balanced else 'BALANCE BROKEN'}"
        )
    print(dict(total))
    print(f"{len(faults)} documents with leftover markup; balance broken in {broken} dumps")
    print(*faults, sep="\n")
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
