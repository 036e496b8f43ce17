"""Speed and memory of `decontaminate` on the texts of a run, against an evaluation set of a million n-grams.

Usage: ``python tests/bench/decontaminate.py RUN [GRAMS]``: RUN has ``extracted/``. The evaluations are made up, of the
words of the run itself in random order, and one sentence of every twentieth document, which must be found.
"""

from __future__ import annotations

import json
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

from filters.decontaminate import Decontaminate
from filters.document import Document, Origin, Place
from filters.step import Measured
from filters.text import TextView
from tests.bench.filter_cost import texts_of

WORDS_PER_TEXT = 112


def measure(step: Decontaminate, text: str) -> Measured:
    """Return what the step measures in a text."""
    document = Document("", None, text, None, "web", None, None, None, Origin("", Place(0, 0, 0)))
    return step.apply(TextView(document))[1]


def planted(text: str) -> str:
    """Return 20 words from the middle of a text; an empty text where it is shorter."""
    words = text.split()
    return " ".join(words[len(words) // 2 : len(words) // 2 + 20]) if len(words) > 60 else ""


def peak_mb() -> float:
    """Return the greatest resident size of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Print the figures."""
    texts = texts_of(Path(sys.argv[1]))
    grams = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
    chance = random.Random(1)
    words = sorted({word for text in texts[:200] for word in text.split() if word.isascii()})
    with tempfile.TemporaryDirectory() as folder:
        with (Path(folder) / "made_up.jsonl").open("w") as file:
            for _ in range(grams // (WORDS_PER_TEXT - 12)):
                file.write(json.dumps({"text": " ".join(chance.choices(words, k=WORDS_PER_TEXT))}) + "\n")
        with (Path(folder) / "planted.jsonl").open("w") as file:
            file.writelines(json.dumps({"text": planted(text)}) + "\n" for text in texts[::20])
        measure(Decontaminate(str(Path(folder) / "planted.jsonl")), texts[0])  # compiles
        step = Decontaminate(folder)
        before, began = peak_mb(), time.process_time()
        measure(step, texts[0])
        spent = time.process_time() - began
        print(
            f"reading {grams:,} n-grams: {spent:.2f} CPU s; peak {peak_mb():.0f} MB, {before:.0f} MB before"
        )
        began = time.process_time()
        found = [measure(step, text) for text in texts]
        spent = time.process_time() - began
    size = sum(len(text.encode()) for text in texts)
    hits = [one["evaluation"] == "planted" for one in found]
    wanted = [bool(planted(text)) and number % 20 == 0 for number, text in enumerate(texts)]
    each = spent / len(texts) * 1e3
    print(f"{len(texts)} documents, {size / 1e6:.1f} MB: {size / 1e6 / spent:.0f} MB/s, {each:.3f} ms each")
    missed = sum(want and not hit for want, hit in zip(wanted, hits, strict=True))
    others = sum(hit and not want for want, hit in zip(wanted, hits, strict=True))
    print(
        f"planted {sum(wanted)}, missed {missed}; {others} other documents have a planted sentence, such as copies"
    )
    print(f"hits in made-up texts: {sum(one['evaluation'] == 'made_up' for one in found)}")


if __name__ == "__main__":
    main()
