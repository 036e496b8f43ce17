"""Crawled text for a terminal: nothing in it can act, and everything in it stays visible."""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
import sys
import unicodedata
from collections.abc import Iterable

_FORMAT = "Cf"
"""Category of marks that change the reading direction or join letters; they can disguise a line."""


def escape(text: str) -> str:
    r"""Return text in which control, format and unassigned characters are written out; newlines stay.

    >>> print(escape("a\x1b[31mb"))
    a\x1b[31mb
    """
    return "".join(character if _is_plain(character) else _written(character) for character in text)


def counted(number: int, thing: str) -> str:
    """Return a number with what it counts.

    >>> counted(1, "fault"), counted(1200, "damaged span")
    ('1 fault', '1,200 damaged spans')
    """
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def page(texts: Iterable[str]) -> None:
    """Print texts one below the other: on a terminal through a pager, which asks for more as the user reads on.

    Args:
        texts: already escaped. They are not read further when the pager is closed.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        for text in texts:
            print(text)
        return
    command = shlex.split(os.environ.get("PAGER") or "less -F -X")
    # A user who has seen enough closes the pager; the rest of the pipe then has no reader.
    with (
        contextlib.suppress(BrokenPipeError),
        subprocess.Popen(command, stdin=subprocess.PIPE, encoding="utf-8") as pager,  # noqa: S603
    ):
        for text in texts:
            print(text, file=pager.stdin, flush=True)


def _is_plain(character: str) -> bool:
    return character == "\n" or unicodedata.category(character) not in {
        "Cc",
        _FORMAT,
        "Cs",
        "Co",
        "Cn",
        "Zl",
        "Zp",
    }


def _written(character: str) -> str:
    if character == "\t":
        return "    "
    return (
        character.encode("ascii", "backslashreplace").decode()
        if ord(character) > 127
        else repr(character)[1:-1]
    )
