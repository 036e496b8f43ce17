"""What a step is: it measures (and may edit) a document; its ordered checks decide.

A step is a frozen dataclass whose fields are its recipe keys (``None`` = off). ``apply`` returns the
view and what it measured; ``CHECKS`` names each fault once, so that the decision for one document and the
re-judging of a whole ledger derive from the same thresholds.

A step is found by name: the key ``gopher_quality`` is the class ``GopherQuality`` in
``filters/gopher_quality.py``; ``my_package.rules:MyRule`` is a class of another package.
"""

from __future__ import annotations

import importlib
import math
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from numbers import Integral, Real
from typing import ClassVar, Protocol, cast, runtime_checkable

from filters.language_codes import is_in, names_of
from filters.text import TextView

Measure = float | int | bool | str | None
Measured = dict[str, Measure]

OPERATORS = ("<", ">", ">=", "not in", "outside", "and")
_ACCEPTED = {float: Real, int: Integral, bool: bool, str: str}
_INT64 = 2**63


@dataclass(frozen=True, slots=True)
class Check:
    """One reason to drop a document: ``measured[measure] op step.field`` is a fault.

    Attributes:
        reason: the fault in snake_case: ``too_few_words``.
        measure: name of the measure it looks at.
        op: ``<``, ``>``, ``>=``, ``not in``, ``outside`` (``not in`` for a list of languages, see
            `filters.language_codes`), or ``and`` (both the measure and the field are true).
        field: name of the step's field that holds the limit; a limit of ``None`` switches the check off.
        by: name of a measure that is a language; where the limit is a mapping, it says which of its limits counts.
    """

    reason: str
    measure: str
    op: str
    field: str
    by: str = ""


@runtime_checkable
class Step(Protocol):
    """The interface of every step; see the module docstring.

    Attributes:
        MEASURES: type of each measure: ``int``, ``float``, ``bool`` or ``str``.
        CHECKS: the reasons to drop, in the order in which they are judged.
        FILES: names of fields that hold a file (model, list); resolved and hashed before a run.
        EDITS: optional, False where it is missing: the step checks and changes the text as well. A step without
            checks counts as an edit whatever it says.

    A step may have a method ``versions()``, which returns the versions of the libraries that shape what it does, by
    name: the stage is done anew where one changes. It raises a ValueError that says how to install what is missing.

    A step may also have a method ``load()``, which is called once before the first document: it reads the step's files,
    and raises a ValueError where they are not what the step needs, so that no run begins that could only fail.
    """

    MEASURES: ClassVar[Mapping[str, type]]
    CHECKS: ClassVar[tuple[Check, ...]]
    FILES: ClassVar[tuple[str, ...]]

    def apply(self, view: TextView) -> tuple[TextView, Measured]:
        """Measure the document, and edit it where the step is an edit."""
        ...


def is_fault(op: str, value: Measure, limit: object) -> bool:
    """Say whether one measured value breaks one limit; a missing value or limit never does."""
    if value is None or limit is None:
        return False
    match op:
        case "<":
            return cast(float, value) < cast(float, limit)
        case ">":
            return cast(float, value) > cast(float, limit)
        case ">=":
            return cast(float, value) >= cast(float, limit)
        case "not in":
            return value not in cast("tuple[object, ...]", limit)
        case "outside":
            return not is_in(cast(str, value), cast("tuple[str, ...]", limit))
        case "and":
            return bool(value) and bool(limit)
    raise ValueError(f"unknown comparison {op!r} in a check; use one of: {', '.join(OPERATORS)}")


def limit_for(check: Check, limit: object, measured: Mapping[str, object]) -> object:
    """Return the limit that counts for a document: of a mapping that of its language, else that of ``default``."""
    if not isinstance(limit, Mapping):
        return limit
    names = names_of(cast("str | None", measured.get(check.by)))
    return next((limit[name] for name in (*names, "default") if name in limit), None)


def contract_fault(cls: type) -> str | None:
    """Return what keeps a class from being a step, or None; see `Step`."""
    if not is_dataclass(cls):
        return "is not a dataclass; a step is a frozen dataclass of its fields"
    missing = [name for name in ("MEASURES", "CHECKS", "FILES", "apply") if not hasattr(cls, name)]
    if missing:
        return f"has no {' and no '.join(missing)}; every step has MEASURES, CHECKS, FILES and apply"
    step = cast("type[Step]", cls)
    keys = {item.name for item in fields(cls)}
    for name, kind in step.MEASURES.items():
        if kind not in _ACCEPTED:
            return f"declares the measure {name!r} as {kind!r}; a measure is float, int, bool or str"
    for check in step.CHECKS:
        if check.measure not in step.MEASURES:
            return f"checks the measure {check.measure!r}, which its MEASURES do not name"
        if check.field not in keys:
            return f"checks {check.measure!r} against {check.field!r}, which is none of its fields"
        if check.op not in OPERATORS:
            return f"checks {check.measure!r} with {check.op!r}; use one of: {', '.join(OPERATORS)}"
    return None


def check_result(step: Step, view: TextView, measured: Measured) -> None:
    """Raise a TypeError or ValueError where `apply` returned what no ledger can hold."""
    if not isinstance(view, TextView):
        raise TypeError(f"apply returned a {type(view).__name__} for the TextView")
    for name, value in measured.items():
        kind = step.MEASURES.get(name)
        if kind is None:
            raise ValueError(f"apply measured {name!r}, which MEASURES does not name")
        if value is not None and not _fits(kind, value):
            raise ValueError(f"apply measured {name} as {value!r:.40}, which is no finite {kind.__name__}")


def _fits(kind: type, value: Measure) -> bool:
    if type(value) is not kind and not isinstance(value, _ACCEPTED[kind]):
        return False
    if kind is float:
        return math.isfinite(cast(float, value))
    return kind is not int or -_INT64 <= cast(int, value) < _INT64


def first_fault(step: Step, measured: Measured) -> str | None:
    """Return the reason of the first check that fails, or None when the document stays."""
    for check in step.CHECKS:
        limit = limit_for(check, getattr(step, check.field), measured)
        if is_fault(check.op, measured.get(check.measure), limit):
            return check.reason
    return None


def is_edit(step: Step) -> bool:
    """Say whether what a step leaves may differ from what it got: its text, or its label."""
    return not step.CHECKS or bool(getattr(step, "EDITS", False))


def versions_of(step: Step) -> dict[str, str]:
    """Return the versions of the libraries that shape what a step does, by name.

    Raises:
        ValueError: one is not installed; the message says how to install it.
    """
    versions = getattr(step, "versions", None)
    return dict(versions()) if versions is not None else {}


def limits(step: Step) -> list[str]:
    """Return the fields that only decide, and shape neither text nor measures: those of its checks but files."""
    return [field for field in dict.fromkeys(check.field for check in step.CHECKS) if field not in step.FILES]


def class_name(key: str) -> str:
    """Return the class name of a file name: ``gopher_quality`` -> ``GopherQuality``."""
    return "".join(part.capitalize() for part in key.split("_"))


def step_names() -> list[str]:
    """Return the keys of all built-in steps: the files of this package that define a step."""
    import filters

    names = [info.name for info in pkgutil.iter_modules(filters.__path__) if not info.ispkg]
    return sorted(name for name in names if hasattr(class_in(f"filters.{name}", class_name(name)), "CHECKS"))


def find_step(key: str) -> type[Step]:
    """Return the class behind a recipe key.

    Raises:
        LookupError: there is no such step; the message says what was looked for.
    """
    if ":" in key:
        module, _, name = key.partition(":")
    else:
        module, name = f"filters.{key}", class_name(key)
    found = class_in(module, name)
    if found is None or not hasattr(found, "CHECKS"):
        raise LookupError(f"there is no step {key!r} (looked for class {name} in {module})")
    return cast("type[Step]", found)


def class_in(module: str, name: str) -> object | None:
    """Return an attribute of a module, or None if the module itself does not exist."""
    try:
        return getattr(importlib.import_module(module), name, None)
    except ModuleNotFoundError as error:
        if error.name is not None and (module == error.name or module.startswith(error.name + ".")):
            return None
        raise
