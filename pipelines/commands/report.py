"""``corpusmill report OUT``."""

from __future__ import annotations

import argparse
import json

import shtab

from pipelines.commands.command import Command, add_out, complete


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_out(parser)
    other = parser.add_argument("--against", metavar="OTHER", help="folder of another run to compare it with")
    complete(other, shtab.DIRECTORY)


def _handle(options: argparse.Namespace) -> int:
    from pipelines.store.storage import Storage
    from pipelines.views.report.page import write_report

    against = Storage(options.against) if options.against else None
    fact = write_report(Storage(options.out), against)
    print(json.dumps(fact.as_dict()) if options.json else f"{options.out}/{fact.path}: {fact.bytes:,} bytes")
    return 0


COMMAND = Command(
    "report",
    "write report.html: the whole run on one page for a browser",
    ("report runs/demo", "report runs/strict --against runs/demo"),
    _add_arguments,
    _handle,
)
