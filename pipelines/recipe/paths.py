"""From the ``paths`` of an input to files, each with a name that does not depend on the machine.

A path is literal, or a pattern: ``*``, ``?`` and ``[...]`` match within a folder, ``**`` across folders. If a file with
such characters in its name exists, the path is literal. The name of a file is its path relative to the folders before
the first pattern character: ``crawl/2024/*.gz`` names ``a.gz``, ``crawl/*/*.gz`` names ``2024/a.gz``. Document ids are
made from names, so moving a crawl to another disk, or to a bucket, changes nothing.

A path with ``://`` in it is an address (`pipelines.inputs.address`). The network is not used here: a literal address
becomes a file without a pin, a pattern in a bucket becomes a listing, and the run resolves both.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Final

from pipelines.inputs.address import is_remote, parse_address
from pipelines.inputs.bucket_list import BucketPattern
from pipelines.inputs.file import InputFile, Listing
from pipelines.inputs.patterns import MAGIC
from pipelines.recipe.recipe import Input
from pipelines.recipe.tree import Faults, Items, Node, Place, Scalar
from pipelines.recipe.typed import INVALID, convert

_UNSTORABLE: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
"""Characters of a file name that no output can hold."""


@dataclass(frozen=True)
class Paths:
    """A ``paths`` list.

    Attributes:
        patterns: as written.
        files: the files known so far, sorted by name.
        listings: name the other files when the run resolves them.
    """

    patterns: tuple[str, ...] = ()
    files: tuple[InputFile, ...] = ()
    listings: tuple[Listing, ...] = ()


def literal_prefix(pattern: str) -> PurePath:
    """Return the folders before the first pattern character, or the folder of a literal path.

    >>> str(literal_prefix("crawl/2024-*/a.gz")), str(literal_prefix("dumps/b.bz2"))
    ('crawl', 'dumps')
    """
    magic = MAGIC.search(pattern)
    return PurePath(pattern[: magic.start()] + "x" if magic else pattern).parent


def matches(pattern: str, base: Path) -> list[InputFile]:
    """Return the files that one path matches, sorted by name.

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
    """Read a ``paths`` list as `Paths`, or return `INVALID`."""
    patterns = convert(tuple[str, ...], node, path, faults)
    if not isinstance(patterns, tuple):
        return INVALID
    if not patterns:
        faults.add(node.at, path, "the list is empty; name at least one file or pattern")
        return INVALID
    found: list[InputFile | Listing] = []
    complete = True
    items = (item for item in (node.nodes if isinstance(node, Items) else ()) if isinstance(item, Scalar))
    for n, item in enumerate(items):
        read = _read_remote if is_remote(item.text) else _read_path
        more = read(item, f"{path}[{n}]", faults)
        complete = complete and bool(more)
        found.extend(more)
    files = sorted((entry for entry in found if isinstance(entry, InputFile)), key=lambda file: file.name)
    listings = tuple(entry for entry in found if not isinstance(entry, InputFile))
    return Paths(patterns, tuple(files), listings) if complete else INVALID


def _read_remote(item: Scalar, path: str, faults: Faults) -> Sequence[InputFile | Listing]:
    """Return the file or the listing of an address."""
    try:
        address = parse_address(item.text)
    except ValueError as error:
        faults.add(item.at, path, str(error))
        return []
    if MAGIC.search(address.key):
        if address.in_bucket:
            return [BucketPattern(address)]
        faults.add(item.at, path, f"{address.scheme} files cannot be listed; name each one")
        return []
    file = InputFile(address.text, address.path.name)
    return [file] if _storable(file, item, path, faults) else []


def _read_path(item: Scalar, path: str, faults: Faults) -> Sequence[InputFile | Listing]:
    """Return the files of one path; report a path without files, and names that no output can hold."""
    try:
        found = matches(item.text, item.at.base)
    except (OSError, ValueError) as error:
        faults.add(item.at, path, f"cannot look for {item.text!r}: {error}")
        return []
    if not found:
        faults.add(item.at, path, _nothing_at(item.text, item.at.base))
    for file in found:
        _storable(file, item, path, faults)
    return found


def _storable(file: InputFile, item: Scalar, path: str, faults: Faults) -> bool:
    """Report a name that no output can hold; return True if it is right."""
    if _UNSTORABLE.search(file.name):
        faults.add(
            item.at, path, f"the file name {file.name!r} is not UTF-8 or holds control characters; rename it"
        )
    return not _UNSTORABLE.search(file.name)


def _nothing_at(pattern: str, base: Path) -> str:
    """Return why a path matches no file."""
    if (base / pattern).is_dir():
        return (
            f"{pattern!r} is a folder; name its files with a pattern such as {pattern.rstrip('/') + '/*'!r}"
        )
    what = f"no file matches {pattern!r}" if MAGIC.search(pattern) else f"no such file: {pattern!r}"
    if base == Path():
        return f"{what} (looked in the current directory)"
    return f"{what} (looked in {base}); correct the path, or name other files with --set 'inputs=[...]'"


def check_unique(inputs: Iterable[tuple[Input, Place]], faults: Faults) -> None:
    """Report files that would share a (source, name), and so their document ids.

    Args:
        inputs: the inputs and where each was written.
        faults: receives the faults.
    """
    pairs = list(inputs)
    for n, message in clashes(entry for entry, _ in pairs):
        faults.add(pairs[n][1], f"inputs[{n}]", message)


def clashes(inputs: Iterable[Input]) -> Iterator[tuple[int, str]]:
    """Yield the ordinal of each input with a file whose (source, name) is taken, and the message about it."""
    first: dict[tuple[str, str], InputFile] = {}
    for n, entry in enumerate(inputs):
        for file in entry.files:
            other = first.setdefault((entry.source, file.name), file)
            if other is not file:
                yield (
                    n,
                    f"{other.path} and {file.path} have the same source {entry.source!r} and name "
                    f"{file.name!r}, so their documents would share ids; give one input another `source`, "
                    "or shorten the part of the pattern before its first `*`",
                )
