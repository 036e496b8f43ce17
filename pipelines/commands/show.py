"""``corpusmill show OUT``."""

from __future__ import annotations

import argparse
import json

from pipelines.commands.command import Command, add_out, positive


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_out(parser)
    parser.add_argument("--dropped", metavar="STEP[.REASON]", help="documents that a step dropped")
    parser.add_argument("--errors", action="store_true", help="records that are errors")
    parser.add_argument("--cluster", metavar="ID", help="the members of a duplicate cluster")
    parser.add_argument(
        "--doc", metavar="ID", help="one record, by its id or how it begins; shows all its text"
    )
    parser.add_argument("--where", metavar="EXPR", help="""SQL on the ledger: "language" = 'de'""")
    parser.add_argument("--limit", type=positive, default=10, help="show at most so many (default: 10)")


def _handle(options: argparse.Namespace) -> int:
    from pipelines.show import Query, as_text, show
    from pipelines.storage import Storage

    query = Query(options.dropped, options.errors, options.cluster, options.doc, options.where, options.limit)
    for row in show(Storage(options.out), query):
        print(
            json.dumps(row) if options.json else f"{as_text(row, whole=options.doc is not None)}\n{'-' * 80}"
        )
    return 0


COMMAND = Command(
    "show",
    "look at documents and why they stayed or went",
    (
        "show runs/demo",
        "show runs/demo --dropped gopher_quality.too_few_words --limit 3",
        "show runs/demo --where 'language_score < 0.7 AND bytes > 10000'",
    ),
    _add_arguments,
    _handle,
)
