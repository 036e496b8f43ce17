"""``corpusmill verify OUT``."""

from __future__ import annotations

import argparse
import json

from pipelines.commands.command import Command, add_out
from pipelines.terminal import counted, escape


def _handle(options: argparse.Namespace) -> int:
    from pipelines.store.storage import Storage
    from pipelines.views.verify import verify

    faults, remarks = verify(Storage(options.out))
    if options.json:
        print(json.dumps({"faults": faults, "remarks": remarks}))
    else:
        for line in [*faults, *remarks]:
            print(escape(line))
        print(f"{options.out}: {'ok' if not faults else counted(len(faults), 'fault')}")
    return 1 if faults else 0


COMMAND = Command(
    "verify",
    "check the balance, hashes and row counts of a run",
    ("verify runs/demo", "verify runs/demo --json"),
    add_out,
    _handle,
)
