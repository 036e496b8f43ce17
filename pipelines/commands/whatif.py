"""``corpusmill whatif OUT``."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from pipelines.commands.command import Command, add_out, positive, recipe_path
from pipelines.errors import RecipeError
from pipelines.store.fate import DROPPED, ERROR, KEPT, UNKNOWN, Fate
from pipelines.store.manifest import read_manifest
from pipelines.terminal import counted, escape

if TYPE_CHECKING:
    from rich.table import Table

    from pipelines.views.whatif import Answer


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_out(parser)
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="STEP.LIMIT=VALUE",
        help="change a limit, for example --set gopher_quality.min_words=100; none = off",
    )
    parser.add_argument(
        "--recipe",
        type=recipe_path,
        metavar="RECIPE",
        help="take the limits from the steps of another recipe",
    )
    parser.add_argument(
        "--limit", type=positive, default=10, metavar="N", help="list at most N documents (default: 10)"
    )


def _handle(options: argparse.Namespace) -> int:
    from rich.console import Console

    from pipelines.store.storage import Storage
    from pipelines.views.whatif import as_json, changes, whatif
    from pipelines.views.whatif_steps import ledger_steps, with_overrides, with_recipe

    if not options.set and options.recipe is None:
        raise RecipeError("nothing to change: give --set STEP.LIMIT=VALUE, or --recipe RECIPE")
    storage = Storage(options.out)
    steps = ledger_steps(read_manifest(storage, "filtered"))
    if options.recipe is not None:
        steps = with_recipe(steps, options.recipe)
    steps = with_overrides(steps, options.set)
    answer = whatif(storage, steps, options.limit)
    if options.json:
        print(json.dumps(as_json(answer, steps)))
        return 0
    print("\n".join(changes(steps)) or "no limit is different")
    Console().print(_funnels(answer))
    for line in _sides(answer):
        print(line)
    for document in answer.examples:
        print(escape(f"  {document.id}  {document.old} -> {document.new}  {document.url or '-'}"))
    return 0


def _funnels(answer: Answer) -> Table:
    """Return both funnels side by side; kept documents come last."""
    from rich.table import Table

    now, then = answer.now, answer.then
    table = Table("", "now", "then", "change", box=None, pad_edge=False)
    table.columns[0].no_wrap = True
    for column in table.columns[1:]:
        column.justify, column.min_width = "right", 6
    fates = sorted({*now, *then}, key=lambda fate: (-now[fate], fate.name))
    for decision in (DROPPED, ERROR, UNKNOWN, KEPT):
        found = [fate for fate in fates if fate.decision == decision]
        if found:
            _add_row(table, decision, sum(now[fate] for fate in found), sum(then[fate] for fate in found))
        for fate in found:
            if fate.reason:
                _add_row(table, f"  {fate.name}", now[fate], then[fate])
    return table


def _add_row(table: Table, name: str, before: int, after: int) -> None:
    table.add_row(name, f"{before:,}", f"{after:,}", f"{after - before:+,}" if after != before else "")


def _sides(answer: Answer) -> list[str]:
    """Return the sentences below the funnels."""
    source = "a guess, nothing is packed yet" if answer.estimated else "as packed"
    note = f"at {answer.bytes_per_token:.2f} bytes a token, {source}"
    lines = []
    for verb, (documents, size) in (("kept", answer.gained()), ("dropped", answer.lost())):
        tokens = round(size / answer.bytes_per_token)
        lines.append(
            f"would be {verb}: {counted(documents, 'document')}, {counted(size, 'byte')}, "
            f"about {counted(tokens, 'token')} ({note})"
        )
    unknown = answer.then[Fate(UNKNOWN)]
    if unknown:
        why = "later steps did not measure them; with `ledger: full` in the recipe they do"
        lines.append(f"unknown: {counted(unknown, 'document')}; {why}")
    return lines


COMMAND = Command(
    "whatif",
    "show the funnel under other limits, in seconds, from the ledger",
    (
        "whatif runs/demo --set gopher_quality.min_words=100",
        "whatif runs/demo --set gopher_quality.min_stop_words=none --set fineweb_quality.max_short_lines=0.5",
        "whatif runs/mine --recipe configs/fineweb.yaml",
    ),
    _add_arguments,
    _handle,
)
