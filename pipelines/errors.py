"""The errors that a user is meant to read, by the exit code that each ends the program with."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Final

INTERRUPTED: Final = "interrupted; the same command goes on from the last finished unit"
"""What Ctrl-C and SIGTERM are answered with."""
INTERRUPTED_CODE: Final = 130
"""Exit code then, as shells have it: 128 + SIGINT."""


class CorpusmillError(Exception):
    """A fault with a message for the user: what, where, why, and what to do next."""

    exit_code = 3


class RecipeError(CorpusmillError):
    """The recipe or the command line is wrong. The message lists every fault, one a line."""

    exit_code = 2


class VerificationError(CorpusmillError):
    """What is on disk is not what the manifests say, or the balance is broken."""

    exit_code = 1


class InputError(CorpusmillError):
    """An input cannot be opened or read at all."""


class OutputError(CorpusmillError):
    """An output cannot be written."""


def what_to_mend(error: OSError) -> str:
    """Return the message for a person about a file that cannot be read or written."""
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror}; mend it and run the same command again: what is finished is kept"


def nearest(name: str, names: Iterable[str], what: str = "known keys") -> str:
    """Return the end of a message: the closest valid name, or all of them.

    >>> nearest("min_word", ["min_words", "max_words"])
    "did you mean 'min_words'?"
    >>> nearest("x", ["min_words", "max_words"])
    'known keys: max_words, min_words'
    """
    choices = sorted(set(names))
    close = difflib.get_close_matches(name, choices, n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else f"{what}: {', '.join(choices) or 'none'}"
