"""The part of YAML that a recipe may use, read into a small tree in which every node knows its line.

A recipe needs mappings, lists and scalars. Anchors, aliases, tags, merge keys, repeated keys and second documents
are faults: each of them can make a file mean something else than it says, and aliases can make a short file huge.
The tree is read from PyYAML's parser events, so nothing is ever constructed or expanded, and reading goes on after
such a fault, so that all faults of a file are found in one pass.

Scalars stay text here. YAML 1.1 would read ``no`` as false and ``010`` as 8; here the type of the field that a scalar
is written for decides what it is (see `pipelines.recipe.typed`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import yaml

MAX_CHARACTERS: Final = 1 << 16
"""Longest recipe, about 20 pages; PyYAML needs at most about 2 s for that."""

MAX_DEPTH: Final = 32
"""Deepest nesting of lists and mappings; a recipe needs about six levels."""


@dataclass(frozen=True)
class Place:
    """Where a node is written.

    Attributes:
        label: the recipe's file name as given, or the override (``--set pack.seq_len=1024``).
        line: line in the file, from 1; 0 for an override.
        base: folder that relative paths written here refer to.
        order: 0 for the file, n for the n-th override; faults are listed in this order.
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
    """A mapping: key -> (where the key is written, value), in the order of the file."""

    entries: dict[str, tuple[Place, Node]]
    at: Place

    def without(self, names: Iterable[str]) -> Table:
        """Return a copy without some keys."""
        dropped = set(names)
        return Table({key: entry for key, entry in self.entries.items() if key not in dropped}, self.at)

    def only(self, names: Iterable[str]) -> Table:
        """Return a copy with only some of the keys."""
        kept = set(names)
        return Table({key: entry for key, entry in self.entries.items() if key in kept}, self.at)


@dataclass(frozen=True)
class Broken:
    """A node whose fault has been reported."""

    at: Place


Node = Scalar | Items | Table | Broken


@dataclass
class Faults:
    """Everything that is wrong with a recipe, collected so that one run shows it all."""

    found: list[tuple[Place, str, str]] = field(default_factory=list)

    def add(self, at: Place, path: str, what: str) -> None:
        """Add one fault; `path` is the key as ``--set`` takes it, empty for the whole file."""
        self.found.append((at, path, what))

    def lines(self) -> list[str]:
        """Return one line per fault: those of the file by line number, then those of the overrides."""
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
    """Read YAML text into a tree.

    Args:
        text: the YAML.
        place: label and base folder of the text; lines are filled in.
        faults: receives the faults.

    Returns:
        The tree; a `Broken` where the text is not one document of valid YAML, an empty `Scalar` for an empty text.
    """
    if len(text) > MAX_CHARACTERS:
        faults.add(
            place, "", f"longer than {MAX_CHARACTERS:,} characters; use glob patterns for long lists of files"
        )
        return Broken(place)
    try:
        return _Reader(text, place, faults).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = place.at_line(mark.line + 1) if mark else place
        faults.add(at, "", f"not valid YAML: {error.problem or error.context}")
    except yaml.YAMLError as error:
        position = getattr(error, "position", None)
        at = place if position is None else place.at_line(text.count("\n", 0, position) + 1)
        faults.add(at, "", f"not valid YAML: {' '.join(str(error).split())[:200]}")
    except _UnreadableError as error:
        faults.add(error.at, "", str(error))
    return Broken(place)


class _UnreadableError(Exception):
    """The rest of the text is not worth reading."""

    def __init__(self, at: Place, what: str) -> None:
        super().__init__(what)
        self.at = at


class _Reader:
    """Reads a tree from PyYAML's events; what a recipe may not use is reported, and passed over."""

    def __init__(self, text: str, place: Place, faults: Faults) -> None:
        self._events = yaml.parse(text, Loader=yaml.SafeLoader)
        self._place = place
        self._faults = faults

    def document(self) -> Node:
        """Return the root of the only document."""
        root: Node | None = None
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    raise _UnreadableError(self._at(event), "a second document; a recipe is one document")
                root = self._node(next(self._events), "", 0)
        return Scalar("", True, self._place) if root is None else root

    def _node(self, event: yaml.Event, path: str, depth: int) -> Node:
        """Return the node that begins with an event, `depth` lists and mappings below the root."""
        at = self._at(event)
        if isinstance(event, yaml.AliasEvent):
            self._faults.add(at, path, f"alias *{event.anchor} is not allowed; write the value out")
            return Broken(at)
        if isinstance(event, yaml.ScalarEvent):
            is_usable = self._check(event, path, at, event.value)
            return Scalar(event.value, event.style is None, at) if is_usable else Broken(at)
        if not isinstance(event, yaml.CollectionStartEvent):
            raise TypeError(f"PyYAML's parser yields {event} where a node begins")
        self._check(event, path, at, "")
        if depth == MAX_DEPTH:
            raise _UnreadableError(at, f"nested deeper than {MAX_DEPTH} levels")
        if isinstance(event, yaml.MappingStartEvent):
            return Table(self._entries(path, depth + 1), at)
        items = enumerate(self._until(yaml.SequenceEndEvent))
        return Items(tuple(self._node(item, f"{path}[{n}]", depth + 1) for n, item in items), at)

    def _entries(self, path: str, depth: int) -> dict[str, tuple[Place, Node]]:
        """Return the entries of a mapping; of two equal keys the first counts."""
        entries: dict[str, tuple[Place, Node]] = {}
        for event in self._until(yaml.MappingEndEvent):
            key = self._node(event, path, depth)
            value_path = join(path, key.text) if isinstance(key, Scalar) else path
            value = self._node(next(self._events), value_path, depth)
            if isinstance(key, Items | Table):
                self._faults.add(key.at, path, "a key must be plain text, not a list or a mapping")
            elif isinstance(key, Scalar) and key.text in entries:
                self._faults.add(key.at, value_path, f"key stands twice; first at {entries[key.text][0]}")
            elif isinstance(key, Scalar):
                entries[key.text] = (key.at, value)
        return entries

    def _until(self, end: type[yaml.Event]) -> Iterator[yaml.Event]:
        """Yield the first event of each node of a list or mapping; the caller reads the others."""
        while not isinstance(event := next(self._events), end):
            yield event

    def _check(
        self, event: yaml.ScalarEvent | yaml.CollectionStartEvent, path: str, at: Place, text: str
    ) -> bool:
        """Report what a node must not have; return True if its text can be used."""
        if event.anchor is not None:
            what = f"anchor &{event.anchor} is not allowed; write the value out where it is used"
            self._faults.add(at, path, what)
        if event.tag is not None:
            self._faults.add(at, path, f"tag {event.tag!r} is not allowed; write the plain value")
        fault = _text_fault(text)
        if fault is not None:
            self._faults.add(at, path, f"{ascii(text)[:60]} holds {fault}")
        return event.tag is None and fault is None

    def _at(self, event: yaml.Event) -> Place:
        return self._place.at_line(event.start_mark.line + 1) if event.start_mark else self._place


def _text_fault(text: str) -> str | None:
    """Return what an escape has put into a text that no file name and no output can hold."""
    if any("\ud800" <= character <= "\udfff" for character in text):
        return "half of a surrogate pair"
    return "a NUL" if "\x00" in text else None
