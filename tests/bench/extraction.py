"""How good and how fast the HTML engines are: F1, precision, recall and phrases by source, pages a CPU second.

    python -m tests.bench.extraction [--data ../shared/data] [--engines resiliparse trafilatura blocks union]

Pages, measure and the split by site: `tests.bench.blocks.corpus` and `tests.bench.extraction_score`. Only ``unseen``
pages, those of held-out sites, say how good ``blocks`` is; it was trained on the others. All engines see each
page in turn, in one run, each call clocked in CPU seconds of this process.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from pipelines.extraction.engines import CapError, load_engine
from tests.bench.blocks.corpus import DATA, Page, labelled
from tests.bench.extraction_score import f1, interval, phrases, precision_recall

ENGINES = ("resiliparse", "trafilatura", "blocks", "union")
OURS = "blocks"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--engines", nargs="+", default=ENGINES)
    parser.add_argument("--unseen-only", action="store_true", help="leave out the pages that were trained on")
    arguments = parser.parse_args()
    pages = [page for page in labelled(arguments.data) if page.held_out or not arguments.unseen_only]
    texts = extract(pages, arguments.engines)
    for unseen in (True, False):
        of_kind = [at for at, page in enumerate(pages) if page.held_out == unseen]
        if of_kind:
            print(f"\n{'unseen sites' if unseen else 'sites that blocks was trained on'}")
            print_scores(pages, texts, of_kind)


def extract(pages: Sequence[Page], engines: Sequence[str]) -> dict[str, list[str]]:
    """Return the text of each page by each engine; print what it took."""
    called: dict[str, Callable[[str], str]] = {name: load_engine(name) for name in engines}
    texts: dict[str, list[str]] = {name: [] for name in engines}
    seconds: dict[str, list[float]] = {name: [] for name in engines}
    for page in pages:
        for name, engine in called.items():
            began = time.process_time()
            try:
                text = engine(page.html)
            except CapError:
                text = ""
            seconds[name].append(time.process_time() - began)
            texts[name].append(text)
    kilobytes = np.mean([len(page.html) for page in pages]) / 1000
    print(f"{len(pages)} pages of {kilobytes:.0f} kB in the mean")
    for name, each in seconds.items():
        print(f"{name:<12} {len(each) / sum(each):>6.0f} pages/s of CPU; slowest {max(each):.2f} s")
    return texts


def print_scores(pages: Sequence[Page], texts: dict[str, list[str]], chosen: Sequence[int]) -> None:
    """Print one line per engine and source, phrases, and paired intervals of F1 against our engine."""
    full = [at for at in chosen if pages[at].kind == "text"]
    scores = {
        name: {at: precision_recall(found[at], pages[at].text) for at in full}
        for name, found in texts.items()
    }
    sources = sorted({pages[at].source for at in full})
    print(f"{'':<12} {'source':<30} pages   F1     P      R")
    for source in ("all", *sources):
        some = [at for at in full if source in ("all", pages[at].source)]
        for name, score in scores.items():
            figures = f1([score[at] for at in some])
            print(
                f"{name:<12} {source:<30} {len(some):>5} " + " ".join(f"{figure:.4f}" for figure in figures)
            )
    for name, found in texts.items():
        print_phrases(name, pages, found, chosen)
    for name, score in scores.items():
        if OURS in scores and name != OURS and full:
            low, high = interval([scores[OURS][at] for at in full], [score[at] for at in full])
            print(f"F1 of {OURS} less that of {name}: 95 % within [{low:+.4f}, {high:+.4f}]")


def print_phrases(name: str, pages: Sequence[Page], found: Sequence[str], chosen: Sequence[int]) -> None:
    """Print the shares of wanted and unwanted phrases that an engine's texts hold."""
    wanted, unwanted = [], []
    for at in chosen:
        if pages[at].kind == "snippets":
            good, bad = phrases(found[at], pages[at].wanted, pages[at].unwanted)
            wanted += good
            unwanted += bad
    if wanted:
        shares = f"wanted {np.mean(wanted):.1%} of {len(wanted)}, unwanted {np.mean(unwanted):.1%} of {len(unwanted)}"
        print(f"{name:<12} phrases: {shares}")


if __name__ == "__main__":
    main()
