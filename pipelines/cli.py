"""The command line: ``corpusmill COMMAND``. Parses, calls one function, prints, and sets the exit code.

Exit codes: 0 done, 1 verification failed or too many errors, 2 usage or recipe error, 3 input or output
error, 130 interrupted.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from pipelines.config import Recipe
from pipelines.config_load import load, resolved
from pipelines.errors import CorpusmillError, InputError
from pipelines.terminal import escape

STAGE_COMMANDS = {
    "run": ("pack", "do all stages; a run that was interrupted goes on where it stopped"),
    "extract": ("extract", "read the inputs and extract their text"),
    "filter": ("filter", "… and apply the steps"),
    "dedup": ("dedup", "… and remove duplicates"),
    "train-tokenizer": ("train-tokenizer", "… and train the tokenizer"),
    "pack": ("pack", "… and pack token shards; the same as run"),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit."""
    options = _parser().parse_args(_before_beam_flags(arguments))
    options.beam_flags = _beam_flags(arguments)
    sys.path.append(str(Path.cwd()))  # steps of one's own: my_rules:MyRule; worker processes see it likewise
    # Beam warns about optional parts that are not installed; what fails reaches the user as an error.
    logging.basicConfig(level=logging.INFO if options.debug else logging.ERROR)
    try:
        sys.exit(options.handler(options))
    except CorpusmillError as error:
        if options.debug:
            raise
        print(f"corpusmill: {escape(str(error))}", file=sys.stderr)
        sys.exit(error.exit_code)
    except OSError as error:
        if options.debug:
            raise
        where = f"{error.filename}: " if error.filename else ""
        print(
            f"corpusmill: {escape(where)}{error.strerror}; mend it and run the same command again",
            file=sys.stderr,
        )
        sys.exit(3)
    except KeyboardInterrupt:
        print(
            "corpusmill: interrupted; the same command goes on from the last finished unit", file=sys.stderr
        )
        sys.exit(130)


def _given(arguments: Sequence[str] | None) -> list[str]:
    return list(sys.argv[1:] if arguments is None else arguments)


def _before_beam_flags(arguments: Sequence[str] | None) -> list[str]:
    given = _given(arguments)
    return given[: given.index("--")] if "--" in given else given


def _beam_flags(arguments: Sequence[str] | None) -> tuple[str, ...]:
    given = _given(arguments)
    return tuple(given[given.index("--") + 1 :]) if "--" in given else ()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="corpusmill",
        description="Raw web crawls and Wikipedia dumps in, packed training tokens out.",
        epilog="Flags for the Beam runner go after a lone --, for example: -- --runner=DataflowRunner",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (until, about) in STAGE_COMMANDS.items():
        command = _command(commands, name, about, _run)
        command.set_defaults(until=until)
        _add_recipe(command)
        command.add_argument("--out", help="output folder (default: runs/<name of the recipe>)")
        command.add_argument(
            "--workers", type=_positive, default=os.cpu_count() or 1, help="processes (default: one per core)"
        )
        command.add_argument("--quiet", action="store_true", help="no progress, no funnel")
    _add_recipe(_command(commands, "check", "print the resolved recipe, or every fault in it", _check))
    command = _command(commands, "verify", "check balance, hashes and row counts of a run", _verify)
    command.add_argument("out", metavar="OUT")
    _add_show(_command(commands, "show", "look at documents and why they stayed or went", _show))
    _add_trace(_command(commands, "trace", "go from a training row back to its documents and bytes", _trace))
    return parser


def _command(commands: Any, name: str, about: str, handler: Any) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=about, description=about)
    command.set_defaults(handler=handler)
    command.add_argument("--json", action="store_true", help="print JSON for machines")
    command.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return command


def _add_recipe(command: argparse.ArgumentParser) -> None:
    command.add_argument("recipe", type=Path, metavar="RECIPE")
    command.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="override a key of the recipe, for example --set gopher_quality.min_words=100",
    )


def _add_show(command: argparse.ArgumentParser) -> None:
    command.add_argument("out", metavar="OUT")
    command.add_argument("--dropped", metavar="STEP[.REASON]", help="documents that a step dropped")
    command.add_argument("--errors", action="store_true", help="records that are errors")
    command.add_argument("--cluster", metavar="ID", help="the members of a duplicate cluster")
    command.add_argument(
        "--doc", metavar="ID", help="one record, by its id or how it begins; shows all its text"
    )
    command.add_argument("--where", metavar="EXPR", help="""SQL on the ledger: "language" = 'de'""")
    command.add_argument("--limit", type=_positive, default=10, help="show at most so many (default: 10)")


def _add_trace(command: argparse.ArgumentParser) -> None:
    command.add_argument("out", metavar="OUT")
    command.add_argument("--shard", metavar="FILE", help="a file in OUT/shards (default: the first)")
    command.add_argument("--row", type=int, default=0, metavar="N", help="a row of it (default: 0)")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return number


def _load(options: argparse.Namespace) -> Recipe:
    return load(options.recipe, options.set)


def _run(options: argparse.Namespace) -> int:
    from pipelines.funnel import funnel_table
    from pipelines.manifest import RUN_MANIFEST
    from pipelines.run import run_recipe  # reads the fast libraries and Beam only when there is work
    from pipelines.storage import Storage

    recipe = _load(options)
    out = options.out or f"runs/{recipe.name}"
    quiet = options.quiet or options.json
    try:
        manifest = run_recipe(recipe, out, options.workers, options.beam_flags, options.until, quiet)
    except InputError:
        known = Storage(out).read_json(RUN_MANIFEST)
        if known is not None and not options.json:
            Console(stderr=True).print(funnel_table(known["balance"]))
        raise
    if options.json:
        print(json.dumps(manifest))
    elif not options.quiet:
        Console().print(funnel_table(manifest["balance"]))
        print(f"\n{_damage(manifest['balance'])}everything is in {out}")
    return 0


def _damage(counted: dict[str, Any]) -> str:
    spans = counted.get("damaged_spans", 0)
    return f"{spans} damaged spans were reported in errors/; " if spans else ""


def _check(options: argparse.Namespace) -> int:
    recipe = resolved(_load(options))
    print(
        json.dumps(recipe)
        if options.json
        else yaml.safe_dump(recipe, sort_keys=False, allow_unicode=True).rstrip()
    )
    return 0


def _verify(options: argparse.Namespace) -> int:
    from pipelines.storage import Storage
    from pipelines.verify import verify

    faults, remarks = verify(Storage(options.out))
    if options.json:
        print(json.dumps({"faults": faults, "remarks": remarks}))
    else:
        for line in [*faults, *remarks]:
            print(escape(line))
        print(f"{options.out}: {'ok' if not faults else f'{len(faults)} faults'}")
    return 1 if faults else 0


def _show(options: argparse.Namespace) -> int:
    from pipelines.show import Query, as_text, show
    from pipelines.storage import Storage

    query = Query(options.dropped, options.errors, options.cluster, options.doc, options.where, options.limit)
    for row in show(Storage(options.out), query):
        print(
            json.dumps(row) if options.json else f"{as_text(row, whole=options.doc is not None)}\n{'-' * 80}"
        )
    return 0


def _trace(options: argparse.Namespace) -> int:
    from pipelines.storage import Storage
    from pipelines.trace import as_text, trace

    for piece in trace(Storage(options.out), options.shard, options.row):
        if options.json:
            print(
                json.dumps(
                    {**piece.record, "packed": piece.text, "tokens": piece.tokens, "flags": piece.flags}
                )
            )
        else:
            print(f"{as_text(piece)}\n{'-' * 80}")
    return 0


if __name__ == "__main__":
    main()
