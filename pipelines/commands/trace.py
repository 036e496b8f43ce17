"""``corpusmill trace OUT``."""

from __future__ import annotations

import argparse
import json

from pipelines.commands.command import Command, add_out


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_out(parser)
    parser.add_argument("--shard", metavar="FILE", help="a file in OUT/shards (default: the first)")
    parser.add_argument("--row", type=int, default=0, metavar="N", help="a row of it (default: 0)")


def _handle(options: argparse.Namespace) -> int:
    from pipelines.store.storage import Storage
    from pipelines.views.trace import as_text, trace

    for piece in trace(Storage(options.out), options.shard, options.row):
        found = {
            **piece.record,
            "packed": piece.text,
            "extracted": piece.extracted,
            "tokens": piece.tokens,
            "flags": piece.flags,
        }
        print(json.dumps(found) if options.json else f"{as_text(piece)}\n{'-' * 80}")
    return 0


COMMAND = Command(
    "trace",
    "go from a training row back to its documents and bytes",
    ("trace runs/demo", "trace runs/demo --shard train-00000-of-00001.parquet --row 3"),
    _add_arguments,
    _handle,
)
