"""The steps of a run as its manifest records them, with the checks of their classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from filters.judge import StepRecord
from filters.step import Check, find_step, limit_for
from pipelines.views.report.histograms import Limit
from pipelines.views.report.shown import number
from pipelines.views.rows import LedgerRow
from pipelines.views.run_tables import RunTables


@dataclass(frozen=True)
class RunStep:
    """One step of the run: its record, and the checks of its class.

    It is not built as `filters.judge.NamedStep` is: a report shows a run whose own steps are not on this machine.

    Attributes:
        record: the step as the manifest holds it.
        checks: the reasons it can drop for; empty if its class cannot be imported here.
    """

    record: StepRecord
    checks: tuple[Check, ...]

    @property
    def name(self) -> str:
        """How the ledger calls it."""
        return self.record["name"]

    def check(self, reason: str) -> Check | None:
        """Return the check that gives a reason."""
        return next((check for check in self.checks if check.reason == reason), None)

    def explain(self, row: LedgerRow) -> str:
        """Return the measure that decided about a record, and its limit; empty if no check did."""
        check = self.check(row.reason) if row.reason else None
        if check is None:
            return ""
        measured = {name: row.measures.get(f"{self.name}.{name}") for name in (check.measure, check.by)}
        value, limit = measured[check.measure], limit_for(check, self.limit(check), measured)
        return f"{check.measure} {_plain(value)}, {check.field} {_plain(limit)}"

    def limits(self, measure: str) -> tuple[Limit, ...]:
        """Return its limits on one measure that are numbers; those that are off are left out."""
        checks = [check for check in self.checks if check.measure == measure and check.op in "<>"]
        values = [(check, self.limit(check)) for check in checks]
        return tuple(
            Limit(check.field, check.op, float(value), check.reason)
            for check, value in values
            if isinstance(value, int | float)
        )

    def limit(self, check: Check) -> object:
        """Return what a check compares with; None where it is off."""
        return self.record["fields"].get(check.field)


def _plain(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return number(value) if isinstance(value, (int, float)) else str(value)


def run_steps(tables: RunTables) -> list[RunStep]:
    """Return the steps of a run in order; an empty list before its filter stage is finished."""
    manifest = tables.manifests.get("filter")
    records: Sequence[StepRecord] = manifest.settings["steps"] if manifest else ()
    return [RunStep(record, _checks(record["key"])) for record in records]


def _checks(key: str) -> tuple[Check, ...]:
    """Return the checks of a step; of a step of another package that is not on this machine, no checks."""
    try:
        return tuple(find_step(key).CHECKS)
    except (LookupError, ImportError):
        return ()
