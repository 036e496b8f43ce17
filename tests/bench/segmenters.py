"""What `segment_words` changes: decisions by characters and by words, for each language without spaces.

Usage: ``python tests/bench/segmenters.py RUN [RUN ...]``: each RUN has ``extracted/``; its texts are labelled with
``lid.176.ftz``. Gopher's rules are without stop words, which are English; `fineweb2` has limits for zh, ja and th.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from pathlib import Path

import pyarrow.parquet as pq

from filters.document import Document, Origin, Place
from filters.fineweb2 import Fineweb2, limits
from filters.gopher_quality import GopherQuality
from filters.gopher_repetition import GopherRepetition
from filters.label_language import predict
from filters.segment_words import segment
from filters.step import Step, first_fault
from filters.text import TextView
from pipelines.recipe.models import find

LANGUAGES = ("zh", "ja", "th", "km", "lo", "my")


def documents(runs: list[str]) -> dict[str, list[Document]]:
    """Return the texts in these languages, by language."""
    model = str(find("lid.176.ftz", Path())[0])
    found = defaultdict(list)
    for part in sorted(path for run in runs for path in Path(run).glob("extracted/*.parquet")):
        for text in filter(None, pq.read_table(part, columns=["text"])["text"].to_pylist()):
            code, score = predict(model, text)
            if code in LANGUAGES:
                found[code].append(
                    Document("", None, text, None, "web", code, score, None, Origin("", Place(0, 0, 0)))
                )
    return found


def steps(code: str) -> list[Step]:
    """Return the steps whose decisions words shape."""
    published: list[Step] = [GopherRepetition(), GopherQuality(min_stop_words=None)]
    return [*published, Fineweb2(language=code)] if code in limits() else published


def main() -> None:
    """Print, for each language and step, how many documents stay and the most frequent reasons for the others."""
    for code, found in documents(sys.argv[1:]).items():
        words = [sum(len(TextView(each, how).words) for each in found) for how in (None, segment)]
        print(f"{code}: {len(found)} documents, {words[0]:,} characters as words, {words[1]:,} words")
        print("  " + " | ".join(TextView(found[0], segment).words[:24]))
        for step in steps(code):
            sides = [
                [first_fault(step, step.apply(TextView(each, how))[1]) for each in found]
                for how in (None, segment)
            ]
            changed = sum((one is None) != (other is None) for one, other in zip(*sides, strict=True))
            print(f"  {type(step).__name__}: {changed} documents change sides")
            for name, reasons in zip(("characters", "words"), sides, strict=True):
                counts = Counter(reason or "kept" for reason in reasons).most_common(4)
                print(f"    by {name:10} " + ", ".join(f"{reason} {count}" for reason, count in counts))


if __name__ == "__main__":
    main()
