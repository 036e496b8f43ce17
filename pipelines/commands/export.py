"""``corpusmill export OUT``."""

from __future__ import annotations

import argparse
import json

from pipelines.commands.command import Command, add_out


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_out(parser)
    parser.add_argument(
        "--format",
        required=True,
        choices=("megatron", "memmap", "gguf"),
        help="megatron: .bin and .idx; memmap: one flat array of ids; gguf: the vocabulary for llama.cpp",
    )
    parser.add_argument("--to", metavar="DIR", help="output folder (default: OUT-<format>)")


def _handle(options: argparse.Namespace) -> int:
    from pipelines.publish.export import export
    from pipelines.store.storage import Storage

    into = Storage(options.to or f"{options.out.rstrip('/')}-{options.format}")
    for fact in export(Storage(options.out), into, options.format):
        print(json.dumps(fact.as_dict()) if options.json else f"{into.path(fact.path)}: {fact.bytes:,} bytes")
    return 0


COMMAND = Command(
    "export",
    "write the token shards or the tokenizer in the format of another program",
    ("export runs/demo --format megatron", "export runs/demo --format memmap --to /data/demo"),
    _add_arguments,
    _handle,
)
