"""``corpusmill show OUT``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from pipelines.commands.command import Command, add_out, positive
from pipelines.terminal import page
from pipelines.views.query import Between


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_out(parser)
    parser.add_argument("--dropped", metavar="STEP[.REASON]", help="documents that a step dropped")
    parser.add_argument("--errors", action="store_true", help="damaged spans, and records that are errors")
    parser.add_argument(
        "--cluster", metavar="ID", help="the members of a cluster of duplicates, with their differences"
    )
    parser.add_argument(
        "--doc", metavar="ID", help="one record, by its id or how it begins; shows all its text"
    )
    parser.add_argument("--language", metavar="CODE", help="only documents in this language")
    parser.add_argument("--domain", metavar="HOST", help="only documents of this host and those below it")
    parser.add_argument(
        "--between",
        type=_between,
        action="append",
        default=[],
        metavar="NAME=LOW:HIGH",
        help="only where a score or measure lies between; either bound may be left out",
    )
    parser.add_argument("--where", metavar="EXPR", help="""SQL on the ledger: "language" = 'de'""")
    parser.add_argument(
        "--limit", type=positive, help="show at most so many (default: all on a terminal, else 10)"
    )
    parser.add_argument("--skip", type=_skip, default=0, metavar="N", help="leave out the first N")


def _show_cluster(options: argparse.Namespace) -> int:
    from pipelines.store.storage import Storage
    from pipelines.views.cluster import as_text, show_cluster

    _print(show_cluster(Storage(options.out), options.cluster, options.limit), as_text, options.json)
    return 0


def _print(rows: Iterable[Mapping[str, Any]], as_text: Callable[..., str], as_json: bool) -> None:
    """Print rows as JSON lines, or as text a page at a time."""
    if as_json:
        for row in rows:
            print(json.dumps(row))
    else:
        page(f"{as_text(row)}\n{'-' * 80}" for row in rows)


def _skip(text: str) -> int:
    number = int(text)
    if not 0 <= number < 2**32:
        raise argparse.ArgumentTypeError(f"{text} is not from 0 to {2**32 - 1:,}")
    return number


def _between(text: str) -> Between:
    try:
        return Between.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _handle(options: argparse.Namespace) -> int:
    from pipelines.store.storage import Storage
    from pipelines.views.query import Query
    from pipelines.views.show import as_text, show

    if options.cluster is not None:
        return _show_cluster(options)
    on_terminal = sys.stdin.isatty() and sys.stdout.isatty() and not options.json
    query = Query(
        dropped=options.dropped,
        errors=options.errors,
        doc=options.doc,
        where=options.where,
        limit=options.limit or (None if on_terminal else 10),
        language=options.language,
        domain=options.domain,
        between=tuple(options.between),
        skip=options.skip,
    )
    rows = show(Storage(options.out), query)
    _print(rows, partial(as_text, whole=options.doc is not None), options.json)
    return 0


COMMAND = Command(
    "show",
    "look at documents and why they stayed or went",
    (
        "show runs/demo",
        "show runs/demo --dropped gopher_quality.too_few_words --limit 3",
        "show runs/demo --language de --between language_score=:0.8",
        "show runs/demo --domain wikipedia.org --between gopher_quality.words=500:",
        "show runs/demo --where 'language_score < 0.7 AND bytes > 10000' --json",
    ),
    _add_arguments,
    _handle,
)
