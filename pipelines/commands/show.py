"""``corpusmill show OUT``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from typing import Protocol

from pipelines.commands.command import Command, add_out, positive
from pipelines.terminal import page
from pipelines.views.query import Between


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_out(parser)
    parser.add_argument("--dropped", metavar="STEP[.REASON]", help="documents that a step dropped")
    parser.add_argument("--errors", action="store_true", help="damaged spans and records with errors")
    parser.add_argument(
        "--cluster", metavar="ID", help="the documents of a cluster of duplicates and their differences"
    )
    parser.add_argument(
        "--doc", metavar="ID", help="one record with its whole text, by its id or the first characters of it"
    )
    parser.add_argument("--language", metavar="CODE", help="only documents in this language")
    parser.add_argument("--domain", metavar="HOST", help="only documents of this host and its subdomains")
    parser.add_argument(
        "--between",
        type=_between,
        action="append",
        default=[],
        metavar="NAME=LOW:HIGH",
        help="only where a score or measure is in this range; either bound may be left out",
    )
    parser.add_argument("--where", metavar="EXPR", help="""SQL on the ledger: "language" = 'de'""")
    parser.add_argument(
        "--limit", type=positive, metavar="N", help="show at most N (default: all on a terminal, else 10)"
    )
    parser.add_argument("--skip", type=_skip, default=0, metavar="N", help="skip the first N")


def _show_cluster(options: argparse.Namespace) -> int:
    from pipelines.store.storage import Storage
    from pipelines.views.cluster import show_cluster

    members = show_cluster(Storage(options.out), options.cluster, options.limit)
    if options.json:
        _print_json(members)
    else:
        _print_pages(member.as_text() for member in members)
    return 0


class _HasJson(Protocol):
    def as_json(self) -> str: ...


def _print_json(rows: Iterable[_HasJson]) -> None:
    for row in rows:
        print(row.as_json())


def _print_pages(texts: Iterable[str]) -> None:
    page(f"{text}\n{'-' * 80}" for text in texts)


def _skip(text: str) -> int:
    number = int(text)
    if not 0 <= number < 2**32:
        raise argparse.ArgumentTypeError(f"expected 0 to {2**32 - 1:,}, found {text}")
    return number


def _between(text: str) -> Between:
    try:
        return Between.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _handle(options: argparse.Namespace) -> int:
    from pipelines.store.storage import Storage
    from pipelines.views.query import Query
    from pipelines.views.show import show

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
    if options.json:
        _print_json(rows)
    else:
        _print_pages(row.as_text(whole=options.doc is not None) for row in rows)
    return 0


COMMAND = Command(
    "show",
    "show documents and why they were kept or dropped",
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
