"""One document through the steps of a recipe: what each measured, and which one dropped it, if any."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from numbers import Integral, Real
from typing import Final, NotRequired, TypedDict

from filters.document import Document
from filters.language_codes import is_in
from filters.step import Measure, Measured, Step, Values, find_step, first_fault, versions_of
from filters.text import TextView

_INT64: Final = 2**63


class StepRecord(TypedDict):
    """A step as a run's manifest holds it.

    Attributes:
        name, key, only: see `NamedStep`.
        fields: its recipe keys with their values; a file counts by its sha256.
        versions: of the libraries that shape what it does, by name; missing where it uses none.
        code: sha256 of the file that its class is in; missing for a built-in step.
    """

    name: str
    key: str
    only: Sequence[str] | None
    fields: Values
    versions: NotRequired[Mapping[str, str]]
    code: NotRequired[str]


@dataclass(frozen=True)
class NamedStep:
    """One entry of a recipe's ``steps``.

    Attributes:
        name: how the ledger calls it: its key, or its ``as`` name.
        key: the recipe key, ``gopher_quality`` or ``my_package.rules:MyRule``.
        step: the step, built and checked. Its file fields hold the names that the recipe gives, after `with_files`
            absolute paths, and after `from_dict` the sha256 of the files, as a manifest knows no paths.
        only: languages whose documents it sees; None = all.
        hashes: sha256 of each of its files by field; empty until `with_files`.
    """

    name: str
    key: str
    step: Step
    only: tuple[str, ...] | None = None
    hashes: Mapping[str, str] = field(default_factory=dict)

    def with_files(self, paths: Mapping[str, str], hashes: Mapping[str, str]) -> NamedStep:
        """Return the step with the paths of its files, and their sha256, by field."""
        step = replace(self.step, **paths) if paths else self.step  # type: ignore[type-var]  # a dataclass
        return replace(self, step=step, hashes=hashes)

    def sees(self, language: str | None) -> bool:
        """Return True if the step applies to documents of a language."""
        return self.only is None or is_in(language, self.only)

    def measures(self) -> dict[str, type]:
        """Return the Python type of each of its measures, by its name in the ledger, ``step.measure``."""
        return {f"{self.name}.{measure}": kind for measure, kind in self.step.MEASURES.items()}

    def fields(self) -> Values:
        """Return its recipe keys with their values; a file counts by its sha256."""
        values = asdict(self.step)  # type: ignore[call-overload]  # every step is a dataclass
        return {**values, **self.hashes}

    def as_dict(self) -> StepRecord:
        """Return what identifies the step, for manifests and stage keys.

        Raises:
            ValueError: a library that the step needs is not installed.
        """
        record = StepRecord(name=self.name, key=self.key, only=self.only, fields=self.fields())
        versions = versions_of(self.step)
        return {**record, "versions": versions} if versions else record

    @classmethod
    def from_dict(cls, record: StepRecord) -> NamedStep:
        """Return the step of a manifest; its file fields hold the sha256 of the files.

        Raises:
            LookupError, ImportError: its class is not here.
            TypeError, ValueError: its class takes other fields or values by now.
        """
        fields = {name: _tuples(value) for name, value in record["fields"].items()}
        step = find_step(record["key"])(**fields)
        only = record.get("only")
        return cls(record["name"], record["key"], step, None if only is None else tuple(only))


def _tuples(value: object) -> object:
    """Return a value from JSON as a frozen dataclass holds it: lists as tuples."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of the steps for a document.

    Attributes:
        document: as the steps left it; a dropped one as the dropping step left it.
        step: name of the step that dropped it or failed on it; None = kept.
        reason: why it was dropped, or ``exception``; None = kept.
        error: class name of the exception, if a step failed.
        message: class name and text of the exception.
        applied: how many steps measured it, counted from the first.
        measured: the values of all ``step.measure``.
    """

    document: Document
    step: str | None
    reason: str | None
    error: str | None
    message: str
    applied: int
    measured: Measured


def judge(document: Document, steps: Sequence[NamedStep], full: bool = False) -> Verdict:
    """Apply steps in order until one drops the document.

    Args:
        document: as extracted.
        steps: in order; one with `only` passes documents of other languages on, unmeasured.
        full: after a drop, the later steps still measure the text as the dropping step left it. They decide nothing
            any more, and an exception only ends the measuring.

    Returns:
        The verdict. If a step raises, the document becomes an error of that step: one broken document, or one broken
        step of another package, must not end a run.
    """
    view = TextView(document)
    kept_at: TextView | None = None
    fault: tuple[str, str] | None = None
    measured: Measured = {}
    applied = 0
    for entry in steps:
        try:
            changed, found = entry.step.apply(view) if entry.sees(view.language) else (view, {})
            _check_result(entry.step, changed, found)
            view, reason = changed, first_fault(entry.step, found)
        except Exception as error:
            if fault is not None:
                break
            kind = type(error).__name__
            return Verdict(
                view.document, entry.name, "exception", kind, f"{kind}: {error}", applied, measured
            )
        applied += 1
        measured.update({f"{entry.name}.{measure}": value for measure, value in found.items()})
        if reason is not None and fault is None:
            fault, kept_at = (entry.name, reason), view
            if not full:
                break
    if fault is None or kept_at is None:
        return Verdict(view.document, None, None, None, "", applied, measured)
    return Verdict(kept_at.document, *fault, None, "", applied, measured)


def _check_result(step: Step, view: TextView, measured: Measured) -> None:
    """Raise a TypeError or ValueError if `apply` returned something that no ledger can hold."""
    if not isinstance(view, TextView):
        raise TypeError(f"apply returned a {type(view).__name__} for the TextView")
    for name, value in measured.items():
        kind = step.MEASURES.get(name)
        if kind is None:
            raise ValueError(f"apply measured {name!r}, which MEASURES does not name")
        if value is not None and not _fits(kind, value):
            raise ValueError(f"apply measured {name} as {value!r:.40}, which is no finite {kind.__name__}")


def _fits(kind: type, value: Measure) -> bool:
    """Return True if a ledger column of a kind can hold a value; numpy's numbers count as Python's."""
    if kind is float:
        return isinstance(value, float | Real) and math.isfinite(value)
    if kind is int:
        return isinstance(value, int | Integral) and -_INT64 <= value < _INT64
    return isinstance(value, kind)
