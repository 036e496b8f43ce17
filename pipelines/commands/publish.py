"""``corpusmill publish OUT --repo user/name``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from pipelines.commands.command import Command, add_out
from pipelines.terminal import counted, escape

if TYPE_CHECKING:
    from pipelines.publish.publish import Contents


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_out(parser)
    parser.add_argument("--repo", required=True, metavar="USER/NAME", help="dataset repository on the Hub")
    parser.add_argument(
        "--what",
        default="documents,shards,tokenizer",
        metavar="PARTS",
        help="of documents,shards,tokenizer,dropped,ledger (default: the first three)",
    )
    parser.add_argument("--private", action="store_true", help="create new repositories as private")
    parser.add_argument("--branch", default="main", help="branch to publish to, for example run-2026-11")
    parser.add_argument(
        "--tokenizer-repo", metavar="USER/NAME", help="model repository (default: REPO-tokenizer)"
    )
    parser.add_argument(
        "--license", help="licence in the cards (default: that of the inputs, where it is known)"
    )
    parser.add_argument("--dry-run", action="store_true", help="print files, sizes and cards; send nothing")
    parser.add_argument("--quiet", action="store_true", help="show no progress")


def _handle(options: argparse.Namespace) -> int:
    from pipelines.publish.publish import Target, prepare, publish
    from pipelines.store.storage import Storage

    storage = Storage(options.out)
    target = Target(
        repo=options.repo,
        parts=tuple(options.what.split(",")),
        private=options.private,
        branch=options.branch,
        tokenizer_repo=options.tokenizer_repo,
        license=options.license,
    )
    if options.dry_run:
        _print_plan(prepare(storage, target), options.json)
        return 0
    from huggingface_hub import HfApi
    from huggingface_hub.utils.tqdm import disable_progress_bars

    quiet = options.quiet or options.json
    if quiet or not sys.stderr.isatty():
        disable_progress_bars()
    done = publish(storage, target, HfApi(), lambda line: None if quiet else print(line, file=sys.stderr))
    if options.json:
        print(json.dumps([asdict(one) for one in done]))
    else:
        for one in done:
            print(f"{one.kind} {one.repo} at commit {one.commit}: read back and equal")
    return 0


def _print_plan(plan: Sequence[Contents], as_json: bool) -> None:
    for contents in plan:
        if as_json:
            files = [{"path": file.path, "bytes": file.size, "rows": file.rows} for file in contents.files]
            print(
                json.dumps(
                    {"repo": contents.name, "kind": contents.kind, "files": files, "card": contents.card}
                )
            )
            continue
        print(f"{contents.kind} {contents.name}")
        for file in contents.files:
            rows = counted(file.rows, "row") if file.rows is not None else ""
            print(f"  {escape(file.path):<60} {file.size:>15,} bytes  {rows}".rstrip())
        print(f"\nREADME.md\n{'-' * 80}\n{escape(contents.card)}{'-' * 80}\n")


COMMAND = Command(
    "publish",
    "publish a run on the Hugging Face Hub: dataset, card and tokenizer",
    (
        "publish runs/demo --repo user/demo --dry-run",
        "publish runs/demo --repo user/demo --what documents,tokenizer --private",
        "publish runs/demo --repo user/demo --what documents,shards,dropped,ledger --branch run-2026-11",
    ),
    _add_arguments,
    _handle,
)
