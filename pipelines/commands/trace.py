"""``corpusmill trace OUT``."""

from __future__ import annotations

import argparse

from pipelines.commands.command import Command, add_out


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_out(parser)
    parser.add_argument("--shard", metavar="FILE", help="a file in OUT/shards (default: the first)")
    parser.add_argument(
        "--row", type=int, default=0, metavar="N", help="number of the row in it, from 0 (default: 0)"
    )


def _handle(options: argparse.Namespace) -> int:
    from pipelines.store.storage import Storage
    from pipelines.views.trace import trace

    for piece in trace(Storage(options.out), options.shard, options.row):
        print(piece.as_json() if options.json else f"{piece.as_text()}\n{'-' * 80}")
    return 0


COMMAND = Command(
    "trace",
    "trace a training row back to its documents and their bytes",
    ("trace runs/demo", "trace runs/demo --shard train-00000-of-00001.parquet --row 3"),
    _add_arguments,
    _handle,
)
