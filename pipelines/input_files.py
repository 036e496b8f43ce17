"""From the ``paths`` of an input to files, each with a name that does not depend on the machine.

A path is literal, or a pattern: ``*`` and ``?`` and ``[...]`` within a folder, ``**`` across folders. A file that
carries such characters in its name is literal too if it exists. The name of a file is its path relative to the
folders before the first pattern character: ``crawl/2024/*.gz`` names ``a.gz``, ``crawl/*/*.gz`` names ``2024/a.gz``.
Names make document ids, so moving a crawl to another disk changes nothing.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable
from pathlib import Path, PurePath

from pipelines.config import Input, InputFile
from pipelines.strict_yaml import Faults, Node, Place, Scalar
from pipelines.typed import INVALID, convert

_MAGIC = re.compile(r"[*?[]")
_UNSTORABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


def literal_prefix(pattern: str) -> PurePath:
    """Return the folders before the first pattern character, or the folder of a literal path.

    >>> str(literal_prefix("crawl/2024-*/a.gz")), str(literal_prefix("dumps/b.bz2"))
    ('crawl', 'dumps')
    """
    magic = _MAGIC.search(pattern)
    return PurePath(pattern[: magic.start()] + "x" if magic else pattern).parent


def matches(pattern: str, base: Path) -> list[InputFile]:
    """Return the files behind one path, sorted by name; an empty list if there are none.

    Args:
        pattern: the path as written.
        base: folder that a relative path refers to.
    """
    if (base / pattern).is_file():
        return [InputFile(base / pattern, PurePath(pattern).name)]
    found = glob.glob(pattern, root_dir=base, recursive=True)  # noqa: PTH207 - Path.glob takes no absolute pattern
    prefix = literal_prefix(pattern)
    files = [
        InputFile(base / path, PurePath(path).relative_to(prefix).as_posix())
        for path in dict.fromkeys(found)
        if (base / path).is_file()
    ]
    return sorted(files, key=lambda file: file.name)


def read_paths(node: Node, path: str, faults: Faults) -> object:
    """Read a ``paths`` list: ``(patterns, files)``, files sorted by name, or `INVALID`."""
    patterns = convert(tuple[str, ...], node, path, faults)
    if not isinstance(patterns, tuple):
        return INVALID
    if not patterns:
        faults.add(node.at, path, "the list is empty; name at least one file or pattern")
        return INVALID
    files: list[InputFile] = []
    complete = True
    for n, item in enumerate(getattr(node, "nodes", ())):
        found = _read_path(item, f"{path}[{n}]", faults)
        complete = complete and bool(found)
        files.extend(found)
    return (patterns, tuple(sorted(files, key=lambda file: file.name))) if complete else INVALID


def _read_path(item: Scalar, path: str, faults: Faults) -> list[InputFile]:
    """Return the files of one path; reports a path without files and names that no output could hold."""
    try:
        found = matches(item.text, item.at.base)
    except (OSError, ValueError) as error:
        faults.add(item.at, path, f"cannot look for {item.text!r}: {error}")
        return []
    if not found:
        faults.add(item.at, path, _nothing_at(item.text, item.at.base))
    for file in found:
        if _UNSTORABLE.search(file.name):
            faults.add(
                item.at,
                path,
                f"the file name {file.name!r} is not UTF-8 or holds control characters; rename it",
            )
    return found


def _nothing_at(pattern: str, base: Path) -> str:
    """Say why a path yields no file."""
    if (base / pattern).is_dir():
        return (
            f"{pattern!r} is a folder; name its files with a pattern such as {pattern.rstrip('/') + '/*'!r}"
        )
    what = f"no file matches {pattern!r}" if _MAGIC.search(pattern) else f"no such file: {pattern!r}"
    return f"{what} (looked in {'the current directory' if base == Path() else base})"


def check_unique(inputs: Iterable[tuple[Input, Place]], faults: Faults) -> None:
    """Report files that would share a (source, name), and so their document ids.

    Args:
        inputs: the inputs and where each was written.
        faults: receives the faults.
    """
    first: dict[tuple[str, str], InputFile] = {}
    for n, (entry, at) in enumerate(inputs):
        for file in entry.files:
            other = first.setdefault((entry.source, file.name), file)
            if other is not file:
                faults.add(
                    at,
                    f"inputs[{n}]",
                    f"{other.path} and {file.path} have the same source {entry.source!r} and name "
                    f"{file.name!r}, so their documents would share ids; give one input another `source`, "
                    "or shorten the part of the pattern before its first `*`",
                )
