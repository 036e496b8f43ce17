"""``corpusmill evaluate-tokenizer PATH …``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from rich.console import Console

from pipelines.commands.command import Command


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths",
        type=Path,
        nargs="+",
        metavar="PATH",
        help="a run, a SentencePiece model, a tokenizer.json, or a folder with one of these",
    )
    parser.add_argument(
        "--texts",
        type=Path,
        metavar="FILE",
        help="lines of language, tab, text (default: texts of the first run)",
    )
    parser.add_argument(
        "--parallel",
        action="store_true",
        help="the texts are translations of each other, as in FLORES or UDHR",
    )


def _handle(options: argparse.Namespace) -> int:
    from pipelines.stages.tokenizer.compare import (
        compare,
        comparison_table,
        legend,
        texts_of_file,
        texts_of_run,
    )
    from pipelines.store.storage import Storage

    texts = texts_of_file(options.texts) if options.texts else texts_of_run(Storage(options.paths[0]))
    found = compare(options.paths, texts, options.parallel)
    if options.json:
        print(json.dumps(found))
    else:
        print("\n".join(legend(found)))
        Console().print(comparison_table(found))
    return 0


COMMAND = Command(
    "evaluate-tokenizer",
    "compare tokenizers: bytes per token, fertility, byte fallback, parity, vocabulary use",
    (
        "evaluate-tokenizer runs/demo",
        "evaluate-tokenizer runs/demo other/tokenizer.json --texts flores.tsv --parallel",
    ),
    _add_arguments,
    _handle,
)
