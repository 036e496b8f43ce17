"""Chains and templates: what the dedup stage removes where similarity leads astray, and what that costs.

Usage: python tests/bench/dedup_templates.py [--chain 10000] [--pages 50000] [--folder DIR]

chain     pages of 300 words; each is the one before with 8 words replaced, so that neighbours have a similarity of
          0.76 and pages three steps apart 0.45; components would make one cluster of them, and keep one page
template  pages that share 200 words around facts of their own: 8 of 8 words (similarity 0.46), 8 of 2 words (0.63,
          where no estimate is trusted), 4 of 2 words (0.79)

Every removed page is compared with its keeper by sets of 5-grams made here. One child process per corpus: CPU
seconds and peak memory are those of the whole stage, signatures and writing included, one worker.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipelines.recipe.recipe import Dedup, Minhash
from pipelines.stages.dedup import stage as dedup
from tests.pipelines.stages.dedup.corpora import FILTER_KEY, prepare, row, table

UNIT_ROWS = 10_000
VOCABULARY = [f"{a}{b}{c}{d}" for a in "bdfgkl" for b in "aeiou" for c in "mnprst" for d in "aeiou"]


def main() -> None:
    """Print one line per corpus and way of verifying."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--chain", type=int, default=10_000)
    parser.add_argument("--pages", type=int, default=50_000)
    parser.add_argument("--verify", nargs="+", default=["signature", "exact", "containment"])
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    processes = multiprocessing.get_context("spawn")
    print(
        "corpus        verify         pages  removed  wrong  lowest  largest cluster  capped   CPU s  peak MB"
    )
    for corpus, count in (
        ("chain", arguments.chain),
        ("template 8x8", arguments.pages),
        ("template 8x2", arguments.pages),
        ("template 4x2", arguments.pages),
    ):
        for verify in arguments.verify:
            with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
                child = processes.Process(target=measure, args=(Path(folder), corpus, count, verify))
                child.start()
                child.join()
                found = json.loads((Path(folder) / "found.json").read_text())
            print(
                f"{corpus:12}  {verify:11}  {count:7}  {found['removed']:7}  {found['wrong']:5}  "
                f"{found['lowest']:6.3f}  {found['largest']:15}  {found['capped']:6}  {found['cpu']:6.1f}  "
                f"{found['peak']:7.0f}",
                flush=True,
            )


def chain(count: int) -> Iterator[list[str]]:
    """Yield pages, each a little unlike the one before."""
    chance = random.Random(1)
    words = chance.choices(VOCABULARY, k=300)
    for _ in range(count):
        for place in chance.sample(range(len(words)), 8):
            words[place] = f"{chance.choice(VOCABULARY)}{chance.randrange(1000)}"
        yield list(words)


def template(count: int, facts: int, fact_words: int) -> Iterator[list[str]]:
    """Yield pages of one template with facts of their own."""
    chance = random.Random(2)
    frame = chance.choices(VOCABULARY, k=200)
    for _ in range(count):
        page: list[str] = []
        for start in range(0, 200, 200 // facts):
            fact = [f"{chance.choice(VOCABULARY)}{chance.randrange(10_000)}" for _ in range(fact_words)]
            page += [*frame[start : start + 200 // facts], *fact]
        yield page


def measure(root: Path, corpus: str, count: int, verify: str) -> None:
    """Run the stage on one corpus; write what it did."""
    made = chain(count) if corpus == "chain" else template(count, *map(int, corpus.split()[1].split("x")))
    rows = [row(words, number) for number, words in enumerate(made)]
    random.Random(3).shuffle(rows)
    units = {f"{start:08}": rows[start : start + UNIT_ROWS] for start in range(0, count, UNIT_ROWS)}
    section = Dedup(minhash=Minhash(verify=verify))  # type: ignore[arg-type]
    run, manifest = prepare(root / "run", units, section, group_rows=1000)
    texts = {one["id"]: one["text"] for one in rows}
    del rows, units
    base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    done = dedup.run_stage(run, manifest, dedup.key(run, FILTER_KEY))
    cpu, peak = time.process_time() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    duplicates = table(root / "run", "duplicates")
    removed = [one for one in duplicates if not one["kept"]]
    true = [jaccard(texts[one["id"]], texts[one["keeper"]]) for one in removed]
    found: dict[str, Any] = {
        "removed": len(removed),
        "wrong": sum(similarity < 0.7 for similarity in true),
        "lowest": min(true, default=1.0),
        "largest": max((one["size"] for one in duplicates), default=1),
        "capped": sum(unit.number("capped") for unit in done.units),
        "cpu": cpu,
        "peak": (peak if peak > base else base) / 1024,
    }
    (root / "found.json").write_text(json.dumps(found))


def jaccard(one: str, other: str) -> float:
    """Return the similarity by sets of word 5-grams."""
    first, second = (
        {tuple(words[i : i + 5]) for i in range(len(words) - 4)} for words in (one.split(), other.split())
    )
    return len(first & second) / len(first | second)


if __name__ == "__main__":
    main()
