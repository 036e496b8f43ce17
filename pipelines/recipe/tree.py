"""The part of YAML that a recipe may use, read into a small tree that remembers where everything stands.

A recipe needs mappings, lists and scalars. Anchors, aliases, tags, merge keys, repeated keys and second documents
are faults: each of them can make a file mean something else than it says, and aliases can make a short
file huge. The tree is built from PyYAML's event stream, so nothing is ever constructed or expanded, and all
faults of a file are found in one pass.

Scalars stay text here. YAML 1.1 would read ``no`` as false and ``010`` as 8; what a scalar is, the field decides
that it is written for (see `pipelines.recipe.typed`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml

MAX_CHARACTERS = 1 << 16
"""A recipe is a page or two; PyYAML needs at most about 2 s for so much."""

MAX_DEPTH = 32


@dataclass(frozen=True)
class Place:
    """Where a node was written.

    Attributes:
        label: the recipe's file name as given, or the override (``--set pack.seq_len=1024``).
        line: line in the file, from 1; 0 for an override.
        base: folder that relative paths written here refer to.
        order: 0 for the file, then the ordinal of the override; faults are listed in this order.
    """

    label: str
    base: Path = Path()
    line: int = 0
    order: int = 0

    def __str__(self) -> str:
        return f"{self.label}:{self.line}" if self.line else self.label

    def at_line(self, line: int) -> Place:
        """Return this place at another line; an override has no lines."""
        return Place(self.label, self.base, 0 if self.order else line, self.order)


@dataclass(frozen=True)
class Scalar:
    """One value, as text; `plain` = written without quotes."""

    text: str
    plain: bool
    at: Place


@dataclass(frozen=True)
class Items:
    """A list."""

    nodes: tuple[Node, ...]
    at: Place


@dataclass(frozen=True)
class Table:
    """A mapping: key -> (where the key stands, value), in the order written."""

    entries: dict[str, tuple[Place, Node]]
    at: Place

    def without(self, names: Iterable[str]) -> Table:
        """Return a copy without some keys."""
        dropped = set(names)
        return Table({key: entry for key, entry in self.entries.items() if key not in dropped}, self.at)

    def only(self, names: Iterable[str]) -> Table:
        """Return a copy with some keys only."""
        kept = set(names)
        return Table({key: entry for key, entry in self.entries.items() if key in kept}, self.at)


@dataclass(frozen=True)
class Broken:
    """A node whose fault is already reported."""

    at: Place


Node = Scalar | Items | Table | Broken


@dataclass
class Faults:
    """All that is wrong, collected so that one run shows everything."""

    found: list[tuple[Place, str, str]] = field(default_factory=list)

    def add(self, at: Place, path: str, what: str) -> None:
        """Note one fault; `path` is the key in the form that ``--set`` takes, empty for the whole file."""
        self.found.append((at, path, what))

    def lines(self) -> list[str]:
        """Return one line per fault: the file's by line number, then the overrides'."""
        ordered = sorted(self.found, key=lambda fault: (fault[0].order, fault[0].line))
        lines = (": ".join(part for part in (str(at), path, what) if part) for at, path, what in ordered)
        return list(dict.fromkeys(lines))


def join(path: str, key: str) -> str:
    """Return the path of a key under a path, as ``--set`` takes it; awkward characters are escaped.

    >>> join("pack", "seq_len")
    'pack.seq_len'
    """
    key = key if key.isprintable() else ascii(key)[1:-1]
    return f"{path}.{key}" if path else key


def parse(text: str, place: Place, faults: Faults) -> Node:
    """Read YAML text into a tree; what is wrong goes to `faults`.

    Args:
        text: the YAML.
        place: label and base folder of the text; lines are filled in.
        faults: receives the faults; a broken or empty text yields a `Broken` or an empty `Scalar`.
    """
    if len(text) > MAX_CHARACTERS:
        faults.add(
            place, "", f"longer than {MAX_CHARACTERS:,} characters; use glob patterns for long lists of files"
        )
        return Broken(place)
    builder = _Builder(place, faults)
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            builder.take(event)
            if builder.hopeless:
                return Broken(place)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = place.at_line(mark.line + 1) if mark else place
        faults.add(at, "", f"not valid YAML: {error.problem or error.context}")
        return Broken(place)
    except yaml.YAMLError as error:
        faults.add(_line_of(error, text, place), "", f"not valid YAML: {' '.join(str(error).split())[:200]}")
        return Broken(place)
    return builder.root if builder.root is not None else Scalar("", True, place)


def _line_of(error: yaml.YAMLError, text: str, place: Place) -> Place:
    """Return the line of an error that states a character position only."""
    position = getattr(error, "position", None)
    return place if position is None else place.at_line(text.count("\n", 0, position) + 1)


@dataclass
class _Open:
    """A list or mapping whose end has not come yet."""

    at: Place
    path: str
    table: bool
    nodes: list[Node] = field(default_factory=list)

    def child_path(self) -> str:
        """Return the key path of the node that comes next; a key has the path of its mapping."""
        if not self.table:
            return f"{self.path}[{len(self.nodes)}]"
        key = self.nodes[-1] if len(self.nodes) % 2 else None
        return join(self.path, key.text) if isinstance(key, Scalar) else self.path


class _Builder:
    """Turns parser events into nodes with its own stack, so that depth cannot exhaust Python's."""

    def __init__(self, place: Place, faults: Faults) -> None:
        self.place = place
        self.faults = faults
        self.root: Node | None = None
        self.hopeless = False
        self._open: list[_Open] = []

    def take(self, event: yaml.Event) -> None:
        """Take the next event of the parser."""
        mark = event.start_mark
        at = self.place.at_line(mark.line + 1) if mark else self.place
        if isinstance(event, yaml.DocumentStartEvent) and self.root is not None:
            self._stop(at, "a second document; a recipe is one document")
        elif isinstance(event, yaml.AliasEvent):
            self.faults.add(at, self._path(), f"alias *{event.anchor} is not allowed; write the value out")
            self._place(Broken(at))
        elif isinstance(event, yaml.NodeEvent):
            self._start(event, at)
        elif isinstance(event, yaml.CollectionEndEvent):
            closed = self._open.pop()
            self._place(self._table(closed) if closed.table else Items(tuple(closed.nodes), closed.at))

    def _start(self, event: yaml.NodeEvent, at: Place) -> None:
        if event.anchor is not None:
            self.faults.add(
                at,
                self._path(),
                f"anchor &{event.anchor} is not allowed; write the value out where it is used",
            )
        tag = getattr(event, "tag", None)
        if tag is not None:
            self.faults.add(at, self._path(), f"tag {tag!r} is not allowed; write the plain value")
        if isinstance(event, yaml.ScalarEvent):
            whole = tag is None and self._is_text(event.value, at)
            self._place(Scalar(event.value, event.style is None, at) if whole else Broken(at))
        elif len(self._open) >= MAX_DEPTH:
            self._stop(at, f"nested deeper than {MAX_DEPTH} levels")
        else:
            self._open.append(_Open(at, self._path(), isinstance(event, yaml.MappingStartEvent)))

    def _is_text(self, text: str, at: Place) -> bool:
        """Report what an escape can make, but no file name and no output can hold."""
        lone = any("\ud800" <= character <= "\udfff" for character in text)
        if lone or "\x00" in text:
            what = "half of a surrogate pair" if lone else "a NUL"
            self.faults.add(at, self._path(), f"{ascii(text)[:60]} holds {what}")
        return not lone and "\x00" not in text

    def _path(self) -> str:
        return self._open[-1].child_path() if self._open else ""

    def _stop(self, at: Place, what: str) -> None:
        self.faults.add(at, "", what)
        self.hopeless = True

    def _place(self, node: Node) -> None:
        if self._open:
            self._open[-1].nodes.append(node)
        else:
            self.root = node

    def _table(self, closed: _Open) -> Table:
        entries: dict[str, tuple[Place, Node]] = {}
        for key, value in _pairs(closed.nodes):
            if not isinstance(key, Scalar):
                if not isinstance(key, Broken):
                    self.faults.add(key.at, closed.path, "a key must be plain text, not a list or a mapping")
            elif key.text in entries:
                first = entries[key.text][0]
                self.faults.add(key.at, join(closed.path, key.text), f"key stands twice; first at {first}")
            else:
                entries[key.text] = (key.at, value)
        return Table(entries, closed.at)


def _pairs(nodes: list[Node]) -> Iterator[tuple[Node, Node]]:
    return zip(nodes[::2], nodes[1::2], strict=True)
