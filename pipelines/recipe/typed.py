"""From a YAML tree to dataclasses: the type hint of a field decides how its value is read.

=============  =======================================================================================
hint           what a recipe may write
=============  =======================================================================================
``str``        any scalar, as written: ``no``, ``1e3`` and ``010`` are text here
``int``        decimal digits, ``_`` between digits allowed; no leading zero, no exponent
``float``      the same, with a fraction or an exponent; not ``nan``, not infinite
``bool``       ``true`` or ``false`` without quotes; ``yes``, ``no``, ``on``, ``off`` are refused
``Literal``    one of its words
``Path``       text that names an existing file or folder, relative to the place where it was written
``tuple``      a list; ``tuple[X, ...]`` of any length, ``tuple[X, Y]`` of exactly two
dataclass      a mapping of its fields
``Mapping``    a mapping of any names to values
``X | None``   ``none``, ``null`` or ``~`` without quotes means None
``X | Y``      one of two types, of which one is a mapping: a Literal or a dataclass, a number or a Mapping
=============  =======================================================================================

A value in quotes is always text. An empty value is a fault, because it could mean either off or the default.
"""

from __future__ import annotations

import math
import re
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from typing import Any, Final, Literal, Union, get_args, get_origin

from filters.step import FieldFault
from pipelines.errors import nearest
from pipelines.recipe.tree import Broken, Faults, Items, Node, Scalar, Table, join

INVALID: Final = object()
"""In place of a value whose fault has been reported."""

OFF: Final = ("none", "null", "~")
"""Words that mean None if they are written without quotes."""

_INT: Final = re.compile(r"[-+]?(0|[1-9][0-9]*(_[0-9]+)*)")
_FLOAT: Final = re.compile(r"[-+]?((0|[1-9][0-9]*(_[0-9]+)*)(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")

Converters = Mapping[str, Callable[[Node, str, Faults], object]]
"""For some fields by name: reads a node at a key path, and returns the value or `INVALID`."""

Json = bool | int | float | str | list["Json"] | dict[str, "Json"] | None


def is_off(node: Node) -> bool:
    """Return True if a node is an unquoted ``none``, ``null`` or ``~``."""
    return isinstance(node, Scalar) and node.plain and node.text.lower() in OFF


def keys_of(cls: type) -> list[str]:
    """Return the recipe keys of a dataclass: its fields, but not those with ``metadata={"key": False}``."""
    return [item.name for item in _fields(cls)]


def build(
    cls: type,
    node: Node,
    path: str,
    faults: Faults,
    special: Converters | None = None,
    other_keys: Iterable[str] = (),
) -> Any:
    """Build a dataclass from a mapping, or return `INVALID` after reporting all that is wrong.

    Args:
        cls: the dataclass; its ``__post_init__`` may raise a `FieldFault`, or any ValueError.
        node: the mapping.
        path: key path of the mapping, for messages.
        faults: receives the faults.
        special: converters of the fields that need more than their hint.
        other_keys: valid keys of the mapping that are read elsewhere, for suggestions.
    """
    table = _as_table(node, path, faults)
    if table is None:
        return INVALID
    names = keys_of(cls)
    for key, (at, _) in table.entries.items():
        if key not in names:
            faults.add(at, path, f"unknown key {key!r}; {nearest(key, [*names, *other_keys])}")
    hints = typing.get_type_hints(cls)
    values: dict[str, object] = {}
    for name in names:
        if name in table.entries:
            child = table.entries[name][1]
            read = (special or {}).get(name)
            where = join(path, name)
            values[name] = read(child, where, faults) if read else convert(hints[name], child, where, faults)
    missing = {item.name for item in _fields(cls) if _required(item) and item.name not in values}
    for name in names:
        if name in missing:
            faults.add(table.at, path, f"missing key {name!r}")
    broken = missing | {name for name, value in values.items() if value is INVALID}
    return _construct(cls, table, path, faults, values, broken)


def _construct(
    cls: type, table: Table, path: str, faults: Faults, values: Mapping[str, object], broken: Set[str]
) -> object:
    """Build the class; report each `FieldFault` and build again without its fields, to find further faults.

    A plain ValueError does not say which field is at fault, so it is reported only if all fields have their values:
    the default in place of a broken value could be its cause.
    """
    hints = typing.get_type_hints(cls)
    required = {item.name for item in _fields(cls) if _required(item)}
    is_sound = not broken
    while True:
        good = {name: value for name, value in values.items() if name not in broken}
        good.update({name: _stand_in(hints[name]) for name in required & broken})
        if INVALID in good.values():
            return INVALID
        try:
            built = cls(**good)
        except FieldFault as error:
            given = [name for name in error.fields if name in values and name not in broken]
            if broken.isdisjoint(error.fields):
                faults.add(table.entries[given[0]][0] if given else table.at, path, str(error))
            if not given:
                return INVALID
            is_sound, broken = False, broken | set(given)
        except ValueError as error:
            if not broken:
                faults.add(table.at, path, str(error))
            return INVALID
        else:
            return built if is_sound else INVALID


def _stand_in(hint: Any) -> object:
    """Return a harmless value for a required field without one, so that the other fields can be checked."""
    empty = () if get_origin(hint) is tuple else INVALID
    return {str: "x", int: 1, float: 0.5, bool: False}.get(hint, empty)


def _fields(cls: type) -> list[Field[Any]]:
    return [item for item in fields(cls) if item.init and item.metadata.get("key", True)]


def _required(item: Field[Any]) -> bool:
    return item.default is MISSING and item.default_factory is MISSING


def convert(hint: Any, node: Node, path: str, faults: Faults) -> object:
    """Read a node as a type; see the table in the module docstring.

    Returns:
        The value, or `INVALID` after reporting the fault.
    """
    if isinstance(node, Broken):
        return INVALID
    inner, optional = _unwrap(hint)
    if optional and is_off(node):
        return None
    if get_origin(inner) in (Union, types.UnionType):
        single, table = sorted(get_args(inner), key=_is_table)
        inner = table if isinstance(node, Table) else single
    if get_origin(inner) is Mapping:
        return _mapping(get_args(inner)[1], node, path, faults)
    if get_origin(inner) is tuple:
        return _tuple(get_args(inner), node, path, faults)
    if is_dataclass(inner) and isinstance(inner, type):
        return build(inner, node, path, faults)
    if get_origin(inner) is Literal:
        return _literal(get_args(inner), optional, node, path, faults)
    if inner not in _SCALARS:
        faults.add(node.at, path, f"this key cannot be set from a recipe: its type is {hint}")
        return INVALID
    expected, read = _SCALARS[inner]
    value = read(node) if isinstance(node, Scalar) else INVALID
    if value is INVALID:
        expected = f"{expected}, or none" if optional else expected
        faults.add(node.at, path, f"expected {expected}; found {describe(node)}")
    return value


def _is_table(hint: Any) -> bool:
    return is_dataclass(hint) or get_origin(hint) is Mapping


def _mapping(hint: Any, node: Node, path: str, faults: Faults) -> object:
    table = _as_table(node, path, faults)
    if table is None:
        return INVALID
    values = {
        name: convert(hint, child, join(path, name), faults) for name, (_, child) in table.entries.items()
    }
    return INVALID if INVALID in values.values() else values


def _unwrap(hint: Any) -> tuple[Any, bool]:
    """Split ``X | None`` into (X, True); any other hint into (hint, False)."""
    if get_origin(hint) in (Union, types.UnionType):
        rest = [item for item in get_args(hint) if item is not type(None)]
        return Union[tuple(rest)], len(rest) < len(get_args(hint))  # noqa: UP007 - made at run time
    return hint, False


def describe(node: Node) -> str:
    """Describe a node for a message."""
    if isinstance(node, Table):
        return "a mapping"
    if isinstance(node, Items):
        return "a list"
    if isinstance(node, Scalar) and node.text:
        text = node.text if len(node.text) <= 60 else node.text[:57] + "..."
        return repr(text) if node.plain else f"the quoted text {text!r}"
    return "nothing" if isinstance(node, Broken) or node.plain else "an empty text"


def _as_table(node: Node, path: str, faults: Faults) -> Table | None:
    if isinstance(node, Table):
        return node
    if not isinstance(node, Broken):
        faults.add(node.at, path, f"expected a mapping of keys to values; found {describe(node)}")
    return None


def _tuple(hints: tuple[Any, ...], node: Node, path: str, faults: Faults) -> object:
    if not isinstance(node, Items):
        hint = f": write [{node.text}]" if isinstance(node, Scalar) and node.text else ""
        faults.add(node.at, path, f"expected a list; found {describe(node)}{hint}")
        return INVALID
    endless = len(hints) == 2 and hints[1] is Ellipsis
    wanted = hints[:1] * len(node.nodes) if endless else hints
    if len(wanted) != len(node.nodes):
        faults.add(node.at, path, f"expected a list of {len(wanted)}; found {len(node.nodes)}")
        return INVALID
    pairs = enumerate(zip(wanted, node.nodes, strict=True))
    values = tuple(convert(hint, child, f"{path}[{n}]", faults) for n, (hint, child) in pairs)
    return INVALID if INVALID in values else values


def _literal(choices: tuple[Any, ...], optional: bool, node: Node, path: str, faults: Faults) -> object:
    by_text = {str(choice): choice for choice in choices}
    if isinstance(node, Scalar) and node.text in by_text:
        return by_text[node.text]
    allowed = ", ".join([*by_text, "none"] if optional else by_text)
    faults.add(node.at, path, f"expected one of: {allowed}; found {describe(node)}")
    return INVALID


def _text(node: Scalar) -> object:
    return node.text if node.text else INVALID


def _int(node: Scalar) -> object:
    if not node.plain or not _INT.fullmatch(node.text) or len(node.text) > 19:
        return INVALID
    return int(node.text)


def _float(node: Scalar) -> object:
    if not node.plain or not _FLOAT.fullmatch(node.text):
        return INVALID
    value = float(node.text)
    return value if math.isfinite(value) else INVALID


def _bool(node: Scalar) -> object:
    return {"true": True, "false": False}.get(node.text, INVALID) if node.plain else INVALID


def exists(path: Path) -> bool:
    """Return True if a path can be used; False if its name is too long or its folder is closed."""
    try:
        return path.exists()
    except OSError:
        return False


def _path(node: Scalar) -> object:
    path = node.at.base / node.text
    return path if node.text and exists(path) else INVALID


_SCALARS: dict[Any, tuple[str, Callable[[Scalar], object]]] = {
    str: ("text", _text),
    int: ("a whole number such as 1000", _int),
    float: ("a number such as 0.5", _float),
    bool: ("true or false", _bool),
    Path: ("an existing file or folder", _path),
}


def plain(value: object) -> Json:
    """Return a value as JSON holds it: dataclasses as mappings, tuples as lists, paths as text.

    Raises:
        TypeError: JSON has no such value.
    """
    if is_dataclass(value) and not isinstance(value, type):
        return {name: plain(getattr(value, name)) for name in keys_of(type(value))}
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, Path):
        return value.as_posix()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{value!r} is no value of a recipe")
