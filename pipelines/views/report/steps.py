"""The steps of a run as its manifest recorded them, with the checks that their classes define."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from filters.judge import StepRecord
from filters.step import Check, find_step, limit_for
from pipelines.views.report.histograms import Limit, numeric_limits
from pipelines.views.report.shown import number
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

    def explain(self, row: Mapping[str, Any]) -> str:
        """Return the measure that decided about a row of the ledger, and its limit; '' where none is known."""
        check = self.check(row["reason"]) if row["reason"] else None
        if check is None:
            return ""
        measured = {measure: row.get(f"{self.name}.{measure}") for measure in (check.measure, check.by)}
        value, limit = measured[check.measure], limit_for(check, self.limit(check), measured)
        return f"{check.measure} {_plain(value)}, {check.field} {_plain(limit)}"

    def limits(self, measure: str) -> tuple[Limit, ...]:
        """Return the numeric limits on one of its measures."""
        return numeric_limits(self.checks, self.record["fields"], measure)

    def limit(self, check: Check) -> object:
        """Return what a check compares with; None where it is off."""
        return self.record["fields"].get(check.field)


def _plain(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    return number(value) if isinstance(value, (int, float)) else str(value)


def run_steps(tables: RunTables) -> list[RunStep]:
    """Return the steps of a run in order; none before its filter stage is finished."""
    manifest = tables.manifests.get("filter")
    records: Sequence[StepRecord] = manifest.settings["steps"] if manifest else ()
    return [RunStep(record, _checks(record["key"])) for record in records]


def _checks(key: str) -> tuple[Check, ...]:
    """Return the checks of a step; none for one of another package that is not on this machine."""
    try:
        return tuple(find_step(key).CHECKS)
    except (LookupError, ImportError):
        return ()
