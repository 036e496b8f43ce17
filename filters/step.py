"""What a step is: it measures (and may edit) a document, and its ordered checks decide.

A step is a frozen dataclass whose fields are its recipe keys (``None`` = off). ``apply`` returns the view and what it
measured. ``CHECKS`` names each fault once, so the decision for one document and a second look at a whole ledger use
the same thresholds.

A step is found by name: the key ``gopher_quality`` is the class ``GopherQuality`` in ``filters/gopher_quality.py``;
``my_package.rules:MyRule`` is a class of another package.
"""

from __future__ import annotations

import importlib
import operator
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Protocol, cast, get_args, runtime_checkable

from filters.language_codes import is_in, names_of

if TYPE_CHECKING:  # so that a recipe's reader loads neither Numba nor SciPy
    from filters.text import TextView

Measure = float | int | bool | str | None
Measured = dict[str, Measure]

Operator = Literal["<", ">", ">=", "not in", "outside", "and"]
"""How a measure is compared with a limit; the first four as in Python. ``outside`` is ``not in`` for a list of
languages, see `filters.language_codes`; ``and`` is a fault if both the measure and the limit are true."""

OPERATORS: Final[tuple[Operator, ...]] = get_args(Operator)

# Any: a measure and its limit have the type that the step's author gave them; nothing here depends on it.
_COMPARE: Final[Mapping[Operator, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    ">": operator.gt,
    ">=": operator.ge,
    "not in": lambda value, allowed: value not in allowed,
    "outside": lambda label, languages: not is_in(label, languages),
    "and": lambda value, is_on: bool(value) and bool(is_on),
}

_KINDS: Final = (float, int, bool, str)


class FieldFault(ValueError):  # noqa: N818 - a fault of a recipe, not of the program
    """A value that a field of a step or a recipe section cannot have.

    A class may raise any ValueError; with this one a recipe's reader knows which lines are at fault.

    Attributes:
        fields: the names of the fields.
    """

    def __init__(self, message: str, *fields: str) -> None:
        """Say what is wrong.

        Args:
            message: a whole sentence for people: the field, the rule, and the value found.
            fields: names of the fields that it is about.
        """
        super().__init__(message)
        self.fields = fields


def check_order(low: str, least: float | None, high: str, most: float | None) -> None:
    """Raise a `FieldFault` if a lower limit is above its upper limit; None = there is no limit."""
    if least is not None and most is not None and least > most:
        raise FieldFault(f"{low} {least} is above {high} {most}", low, high)


@dataclass(frozen=True, slots=True)
class Check:
    """One reason to drop a document: ``measured[measure] op step.field`` is a fault.

    Attributes:
        reason: the fault in snake_case: ``too_few_words``.
        measure: name of the measure.
        op: how it is compared with the limit, see `Operator`.
        field: name of the step's field that holds the limit; a limit of ``None`` switches the check off.
        by: name of a measure that is a language, for a limit that is a mapping from languages to numbers.
        meaning: the reason in a few words for people, without a full stop; see `filters.reasons`.
    """

    reason: str
    measure: str
    op: Operator
    field: str
    by: str = ""
    meaning: str = ""


@runtime_checkable
class Step(Protocol):
    """The interface of every step; see the module docstring.

    Attributes:
        MEASURES: type of each measure: ``int``, ``float``, ``bool`` or ``str``.
        CHECKS: the reasons to drop, in the order in which they are judged.
        FILES: names of fields that hold a file (model, list); the files are found and hashed before a run.
        EDITS: optional: True if the step has checks and changes the text as well. A step without checks always
            counts as an edit.

    A step may have a method ``versions()``, which returns the versions of the libraries that shape what it does, by
    name; the stage is redone when one changes. It raises a ValueError that says how to install what is missing.

    A step may also have a method ``load()``, which is called once before the first document. It reads the step's files
    and raises a ValueError if they are not what the step needs, so that the run fails at its start.
    """

    MEASURES: ClassVar[Mapping[str, type]]
    CHECKS: ClassVar[tuple[Check, ...]]
    FILES: ClassVar[tuple[str, ...]]

    def apply(self, view: TextView) -> tuple[TextView, Measured]:
        """Measure the document, and edit it if the step is an edit."""
        ...


def is_fault(op: Operator, value: Measure, limit: object) -> bool:
    """Return True if a measured value breaks a limit; a missing value or limit never does.

    >>> is_fault("<", 12, 50), is_fault("outside", "deu_Latn", ("deu",)), is_fault(">", None, 1)
    (True, False, False)
    """
    return value is not None and limit is not None and _COMPARE[op](value, limit)


def limit_for(check: Check, limit: object, measured: Mapping[str, object]) -> object:
    """Return the limit for a document: from a mapping that of its language, else that of ``default``."""
    if not isinstance(limit, Mapping):
        return limit
    label = measured.get(check.by)
    names = names_of(label if isinstance(label, str) else None)
    return next((limit[name] for name in (*names, "default") if name in limit), None)


def contract_fault(cls: type) -> str | None:
    """Return why a class is not a step, or None if it is one; see `Step`."""
    if not is_dataclass(cls):
        return "is not a dataclass; a step is a frozen dataclass of its fields"
    missing = [name for name in ("MEASURES", "CHECKS", "FILES", "apply") if not hasattr(cls, name)]
    if missing:
        return f"has no {' and no '.join(missing)}; every step has MEASURES, CHECKS, FILES and apply"
    step = cast("type[Step]", cls)
    keys = {item.name for item in fields(cls)}
    for name, kind in step.MEASURES.items():
        if kind not in _KINDS:
            return f"declares the measure {name!r} as {kind!r}; a measure is float, int, bool or str"
    for check in step.CHECKS:
        if check.measure not in step.MEASURES:
            return f"checks the measure {check.measure!r}, which its MEASURES do not name"
        if check.field not in keys:
            return f"checks {check.measure!r} against {check.field!r}, which is none of its fields"
        if check.op not in OPERATORS:
            return f"checks {check.measure!r} with {check.op!r}; use one of: {', '.join(OPERATORS)}"
    return None


def first_fault(step: Step, measured: Measured) -> str | None:
    """Return the reason of the first check that fails, or None if the document stays."""
    for check in step.CHECKS:
        limit = limit_for(check, getattr(step, check.field), measured)
        if is_fault(check.op, measured.get(check.measure), limit):
            return check.reason
    return None


def is_edit(step: Step) -> bool:
    """Return True if a step may change the document: its text, or its label."""
    return not step.CHECKS or bool(getattr(step, "EDITS", False))


def versions_of(step: Step) -> dict[str, str]:
    """Return the versions of the libraries that shape what a step does, by name.

    Raises:
        ValueError: one is not installed; the message says how to install it.
    """
    versions = getattr(step, "versions", None)
    return dict(versions()) if versions is not None else {}


def limits(step: Step) -> list[str]:
    """Return the fields that only decide, and shape neither text nor measures: those of its checks except files."""
    return [field for field in dict.fromkeys(check.field for check in step.CHECKS) if field not in step.FILES]


def class_name(key: str) -> str:
    """Return the class name of a file name.

    >>> class_name("gopher_quality")
    'GopherQuality'
    """
    return "".join(part.capitalize() for part in key.split("_"))


def step_names() -> list[str]:
    """Return the keys of all built-in steps, sorted: the files of this package that define a step."""
    names = [info.name for info in pkgutil.iter_modules([str(Path(__file__).parent)]) if not info.ispkg]
    return sorted(name for name in names if hasattr(class_in(f"filters.{name}", class_name(name)), "CHECKS"))


def find_step(key: str) -> type[Step]:
    """Return the class behind a recipe key.

    Raises:
        LookupError: there is no such step; the message names the class and module.
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
