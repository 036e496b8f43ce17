"""What corpusmill and the tools that people use today do with the same files: the table of the README.

    python -m tests.bench.anchors WARC [--data ../shared/data] [--tool datatrove=PYTHON] [--tool dolma=PYTHON] ...

whole, damaged  pages read from a WARC, and from a copy with one byte flipped in the middle
main text       F1, precision and recall on the pages of held-out sites of ``tests.bench.extraction``, by each tool's
                default extractor, and pages per CPU second
chain           the chain of 10,000 pages of ``tests.bench.dedup_templates``: how many are removed, and how many of
                these resemble no kept page at 0.7 or more by exact 5-gram Jaccard

Each tool runs in its own Python with the script ``with_TOOL.py`` of this folder; what it needs stands there. CPU
seconds from WARC to deduplicated documents are those of ``make bench``.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.bench.blocks.corpus import DATA, labelled
from tests.bench.dedup_templates import chain, jaccard
from tests.bench.extraction_score import f1, precision_recall

HERE = Path(__file__).parent
OURS = "corpusmill"
CHAIN = 10_000
LIMIT = 0.7
REACH = 8
"""Pages of the chain further apart than this share next to nothing."""


def main() -> None:
    """Print one block per subject, one line per tool."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("warc", type=Path)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--tool", action="append", default=[], help="NAME=PYTHON, once for each")
    arguments = parser.parse_args()
    tools = {OURS: sys.executable} | dict(tool.split("=", 1) for tool in arguments.tool)
    with tempfile.TemporaryDirectory() as folder:
        reading(tools, arguments.warc, Path(folder))
        main_text(tools, arguments.data, Path(folder))
        chains(tools, Path(folder))


def call(tool: str, python: str, *arguments: str | Path) -> dict[str, Any]:
    """Run a tool's script; return what it printed last, with the CPU seconds that it used."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [python, HERE / f"with_{tool}.py", *arguments], stdout=subprocess.PIPE, text=True, check=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = json.loads(done.stdout.splitlines()[-1]) if done.stdout.strip() else {}
    return found | {"cpu_s": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime}


def reading(tools: dict[str, str], warc: Path, folder: Path) -> None:
    """Print how many pages each tool reads from a whole and from a damaged file."""
    damaged = folder / f"damaged-{warc.name}"
    content = bytearray(warc.read_bytes())
    content[len(content) // 2] ^= 0x10
    damaged.write_bytes(content)
    for tool, python in tools.items():
        whole, rest = (call(tool, python, "read", path.absolute()) for path in (warc, damaged))
        print(f"{tool:14} whole {whole['pages']}  damaged {rest['pages']}  {rest['end']}", flush=True)


def main_text(tools: dict[str, str], data: Path, folder: Path) -> None:
    """Print how well each tool's default extractor finds the main text."""
    pages = [page for page in labelled(data) if page.held_out and page.kind == "text"]
    source, texts = folder / "pages.jsonl", folder / "texts.jsonl"
    source.write_text("\n".join(json.dumps({"html": page.html}) for page in pages))
    for tool, python in tools.items():
        used = call(tool, python, "extract", source, texts)["cpu_s"]
        found = [json.loads(line) for line in texts.read_text().splitlines()]
        scores = [precision_recall(text, page.text) for text, page in zip(found, pages, strict=True)]
        figures = " ".join(f"{figure:.3f}" for figure in f1(scores))
        print(f"{tool:14} F1 P R {figures}  {len(pages)} pages  {used:.1f} CPU s with start-up", flush=True)


def chains(tools: dict[str, str], folder: Path) -> None:
    """Print what each tool that removes near-duplicates removes from the chain."""
    texts = [" ".join(words) for words in chain(CHAIN)]
    order = list(range(CHAIN))
    random.Random(3).shuffle(order)
    source = folder / "chain.jsonl"
    source.write_text("\n".join(json.dumps({"id": str(number), "text": texts[number]}) for number in order))
    for tool, python in tools.items():
        if "def dedup" not in (HERE / f"with_{tool}.py").read_text():
            continue
        found = call(tool, python, "dedup", source, folder / f"dedup-{tool}")
        kept = {int(number) for number in found["kept"]}
        lost = sum(number not in kept and not resembled(texts, number, kept) for number in range(CHAIN))
        removed = f"removed {CHAIN - len(kept)} of {CHAIN}"
        print(
            f"{tool:14} {removed}, {lost} of them resemble no kept page; {found['cpu_s']:.1f} CPU s",
            flush=True,
        )


def resembled(texts: Sequence[str], number: int, kept: set[int]) -> bool:
    """Return whether a page resembles a kept one at the limit or more."""
    near = kept.intersection(range(number - REACH, number + REACH + 1))
    return any(jaccard(texts[number], texts[other]) >= LIMIT for other in near)


if __name__ == "__main__":
    main()
