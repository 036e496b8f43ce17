"""CPU time per document of the four published steps, beside datatrove's filters on the same texts in the same run.

Usage: ``python tests/bench/filter_cost.py RUN [DATATROVE_PYTHON]``: RUN has ``extracted/``; DATATROVE_PYTHON is that
of an environment with datatrove 0.10.1 and spaCy. Each step judges the whole text, kept or not, with English rules;
model loading, compiling and the first texts do not count.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow.parquet as pq

from filters.c4 import C4
from filters.document import Document, Origin, Place
from filters.fineweb_quality import FinewebQuality
from filters.gopher_quality import GopherQuality
from filters.gopher_repetition import GopherRepetition
from filters.madlad import Madlad
from filters.pii import Pii
from filters.refinedweb_lines import RefinedwebLines
from filters.step import Step
from filters.text import TextView

DOCUMENTS = 2000
WARM_UP = 50

PUBLISHED: dict[str, Step] = {
    "gopher_repetition": GopherRepetition(),
    "gopher_quality": GopherQuality(),
    "c4": C4(terminal_punctuation=False),
    "fineweb_quality": FinewebQuality(),
}
OTHERS: dict[str, Step] = {
    "gopher_repetition dclm": GopherRepetition(profile="dclm"),
    "gopher_repetition dolma": GopherRepetition(profile="dolma"),
    "gopher_repetition nemo": GopherRepetition(profile="nemo"),
    "refinedweb_lines": RefinedwebLines(),
    "madlad": Madlad(),
    "pii": Pii(),
}

DATATROVE = """
import json, sys, time
from datatrove.data import Document
from datatrove.pipeline.filters import (
    C4QualityFilter, FineWebQualityFilter, GopherQualityFilter, GopherRepetitionFilter)
steps = [GopherRepetitionFilter(), GopherQualityFilter(), FineWebQualityFilter(),
         C4QualityFilter(filter_no_terminal_punct=False)]
texts = [json.loads(line) for line in open(sys.argv[1])]
warm_up = int(sys.argv[2])
spent = {}
for number, text in enumerate(texts):
    document = Document(text=text, id=str(number))
    for step in steps:
        began = time.process_time()
        step.filter(document)
        if number >= warm_up:
            name = type(step).__name__
            spent[name] = spent.get(name, 0.0) + time.process_time() - began
print(json.dumps(spent))
"""


def texts_of(run: Path) -> list[str]:
    """Return the first texts of a run that are not blank, in the order of its parts."""
    found: list[str] = []
    for part in sorted((run / "extracted").glob("*.parquet")):
        found += [
            text
            for text in pq.read_table(part, columns=["text"])["text"].to_pylist()
            if text and text.strip()
        ]
    return found[: DOCUMENTS + WARM_UP]


def own(texts: Sequence[str]) -> dict[str, float]:
    """Return CPU seconds by step; splitting into words, which all steps share, on its own."""
    parts: dict[str, Callable[[TextView], object]] = {"words": lambda view: view.numbered_words}
    parts |= {name: step.apply for name, step in (PUBLISHED | OTHERS).items()}
    spent = dict.fromkeys(parts, 0.0)
    for number, text in enumerate(texts):
        view = TextView(Document("", None, text, None, "web", None, None, None, Origin("", Place(0, 0, 0))))
        for name, part in parts.items():
            began = time.process_time()
            part(view)
            spent[name] += (time.process_time() - began) * (number >= WARM_UP)
    return spent


def datatrove(python: str, texts: Sequence[str]) -> dict[str, float]:
    """Return CPU seconds by filter of datatrove."""
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.writelines(json.dumps(text) + "\n" for text in texts)
        file.flush()
        command = [python, "-c", DATATROVE, file.name, str(WARM_UP)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Print milliseconds per document."""
    texts = texts_of(Path(sys.argv[1]))
    counted = texts[WARM_UP:]
    size = sum(len(text.encode()) for text in counted) / len(counted)
    print(f"{len(counted)} documents of {size:,.0f} bytes\n\nms per document")
    spent = own(texts)
    total = sum(spent[name] for name in ("words", *PUBLISHED))
    for name, seconds in spent.items():
        print(f"  {name:26} {seconds / len(counted) * 1000:8.3f}")
    print(f"  {'words and the first four':26} {total / len(counted) * 1000:8.3f}\n")
    if len(sys.argv) > 2:
        other = datatrove(sys.argv[2], texts)
        for name, seconds in other.items():
            print(f"  {name:26} {seconds / len(counted) * 1000:8.3f}")
        whole = sum(other.values())
        print(
            f"  {'datatrove, the four':26} {whole / len(counted) * 1000:8.3f}   {whole / total:.1f} times as much"
        )


if __name__ == "__main__":
    main()
