"""``corpusmill run`` and the commands that stop after a stage."""

from __future__ import annotations

import argparse
import json
import os
from functools import partial

from rich.console import Console

from pipelines.commands.command import Command, add_recipe, positive
from pipelines.errors import InputError
from pipelines.recipe.load import load
from pipelines.terminal import counted

MAX_WORKERS = 1024


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_recipe(parser)
    parser.add_argument("--out", help="output folder (default: runs/<name of the recipe>)")
    parser.add_argument(
        "--workers",
        type=_workers,
        default=os.cpu_count() or 1,
        help="number of processes (default: one per core)",
    )
    parser.add_argument("--quiet", action="store_true", help="show no progress and no funnel")


def _workers(text: str) -> int:
    number = positive(text)
    if number > MAX_WORKERS:
        raise argparse.ArgumentTypeError(f"{text} is more than {MAX_WORKERS:,} processes on one machine")
    return number


def _handle(until: str, options: argparse.Namespace) -> int:
    from pipelines.run import run_recipe  # reads the fast libraries and Beam only when there is work
    from pipelines.store.folders import RUN_MANIFEST
    from pipelines.store.manifest import read_run_manifest
    from pipelines.store.storage import Storage
    from pipelines.views.funnel import funnel_table

    recipe = load(options.recipe, options.set)
    out = options.out or f"runs/{recipe.name}"
    quiet = options.quiet or options.json
    try:
        manifest = run_recipe(recipe, out, options.workers, options.beam_flags, until, quiet)
    except InputError:
        storage = Storage(out)
        if storage.exists(RUN_MANIFEST) and not options.json:
            Console(stderr=True).print(funnel_table(read_run_manifest(storage).balance))
        raise
    if options.json:
        print(json.dumps(manifest.as_json()))
    elif not options.quiet:
        Console().print(funnel_table(manifest.balance))
        print(f"\n{_damage(manifest.balance.damaged_spans)}everything is in {out}; open {out}/report.html")
    return 0


def _damage(spans: int | None) -> str:
    return f"{counted(spans, 'damaged span')} reported in errors/; " if spans else ""


def _stage(name: str, until: str, about: str, *examples: str) -> Command:
    return Command(name, about, examples, _add_arguments, partial(_handle, until))


COMMANDS = (
    _stage(
        "run",
        "pack",
        "run all stages; an interrupted run continues where it stopped",
        "run configs/demo.yaml --out runs/demo",
        'run configs/fineweb.yaml --workers 8 --set "inputs=[{reader: warc, paths: [crawl/*.warc.gz]}]"',
        "run configs/demo.yaml --set dedup=none --set pack.seq_len=1024 --json",
    ),
    _stage(
        "extract",
        "extract",
        "run the first stage: read the inputs and extract their text",
        "extract configs/wikipedia.yaml --out runs/wikipedia",
    ),
    _stage(
        "filter",
        "filter",
        "run up to the filter stage: apply the steps",
        "filter configs/demo.yaml --set gopher_quality.min_words=100",
    ),
    _stage(
        "dedup",
        "dedup",
        "run up to the dedup stage: remove duplicates",
        "dedup configs/demo.yaml --set dedup.minhash.similarity=0.8",
    ),
    _stage(
        "train-tokenizer",
        "train-tokenizer",
        "run up to the tokenizer stage: train it",
        "train-tokenizer configs/demo.yaml --set tokenizer.vocab_size=2048",
    ),
    _stage(
        "pack",
        "pack",
        "run up to the pack stage, the last one; the same as run",
        "pack configs/demo.yaml --set pack.seq_len=1024",
    ),
)
