"""Crawled text on its way to a terminal: nothing in it may act, everything in it stays visible."""

from __future__ import annotations

import unicodedata

# Marks that turn the reading direction or join letters invisibly; they can make a line show other than it is.
_FORMAT = "Cf"


def escape(text: str) -> str:
    r"""Return text in which control, format and unassigned characters are written out; newlines stay.

    >>> print(escape("a\x1b[31mb"))
    a\x1b[31mb
    """
    return "".join(character if _is_plain(character) else _written(character) for character in text)


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
