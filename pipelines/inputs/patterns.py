"""Patterns in the addresses of buckets and Hub datasets, with the meaning they have in local paths."""

from __future__ import annotations

import fnmatch
import re
from pathlib import PurePosixPath
from typing import Final

MAGIC: Final = re.compile(r"[*?[]")

_TOKEN: Final = re.compile(r"\*\*/|\*\*|\*|\?|\[!?\]?[^\]/]*\]|.", re.DOTALL)
_END: Final = r"\Z"
"""End of the expressions that `fnmatch.translate` returns."""


def fixed_start(pattern: str) -> str:
    """Return the common start of all matches, up to the last slash before the first pattern character.

    >>> fixed_start("crawl/2024-*/a.gz"), fixed_start("a.gz")
    ('crawl/', '')
    """
    magic = MAGIC.search(pattern)
    head = pattern[: magic.start()] if magic else pattern
    return head[: head.rfind("/") + 1]


def matcher(pattern: str) -> re.Pattern[str]:
    """Return the expression that a whole path must match.

    ``*``, ``?`` and ``[...]`` stay within a folder; ``**/`` stands for any number of folders.

    >>> bool(matcher("a/**/*.gz").fullmatch("a/b/c/d.gz")), bool(matcher("a/*.gz").fullmatch("a/b/c.gz"))
    (True, False)
    """
    return re.compile("".join(map(_expression, _TOKEN.findall(pattern))), re.DOTALL)


def _expression(token: str) -> str:
    known = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    if token in known:
        return known[token]
    if len(token) > 2 and token[0] == "[":
        return f"(?!/){fnmatch.translate(token).removesuffix(_END)}"
    return re.escape(token)


def name_below(pattern: str, path: str) -> str:
    """Return the name of a matching file: its path below the folders before the first pattern character.

    >>> name_below("crawl/*/*.gz", "crawl/2024/a.gz"), name_below("crawl/a.gz", "crawl/a.gz")
    ('2024/a.gz', 'a.gz')
    """
    return PurePosixPath(path.removeprefix(fixed_start(pattern))).as_posix()
