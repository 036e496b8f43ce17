"""The steps of a run as its manifest recorded them, with the checks that their classes define."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from filters.step import Check, find_step, limit_for
from pipelines.views.report.histograms import Limit, numeric_limits
from pipelines.views.report.shown import number
from pipelines.views.run_tables import RunTables


@dataclass(frozen=True)
class RunStep:
    """One step of the run.

    Attributes:
        name: as the ledger calls it.
        fields: its recipe keys.
        checks: the reasons it can drop for; none where its class cannot be imported here.
    """

    name: str
    fields: Mapping[str, Any]
    checks: tuple[Check, ...]

    def check(self, reason: str) -> Check | None:
        """Return the check that gives a reason."""
        return next((check for check in self.checks if check.reason == reason), None)

    def explain(self, row: Mapping[str, Any]) -> str:
        """Return the measure that decided about a row of the ledger, and its limit; '' where none is known."""
        check = self.check(row["reason"]) if row["reason"] else None
        if check is None:
            return ""
        measured = {measure: row.get(f"{self.name}.{measure}") for measure in (check.measure, check.by)}
        value, limit = measured[check.measure], limit_for(check, self.fields.get(check.field), measured)
        return f"{check.measure} {_plain(value)}, {check.field} {_plain(limit)}"

    def limits(self, measure: str) -> tuple[Limit, ...]:
        """Return the numeric limits on one of its measures."""
        return numeric_limits(self.checks, self.fields, measure)


def _plain(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    return number(value) if isinstance(value, (int, float)) else str(value)


def run_steps(tables: RunTables) -> list[RunStep]:
    """Return the steps of a run in order; none before its filter stage is finished."""
    manifest = tables.manifests.get("filter")
    entries = manifest.settings["steps"] if manifest else ()
    return [RunStep(entry["name"], entry["fields"], _checks(entry["key"])) for entry in entries]


def _checks(key: str) -> tuple[Check, ...]:
    """Return the checks of a step; none for one of another package that is not on this machine."""
    try:
        return tuple(find_step(key).CHECKS)
    except (LookupError, ImportError):
        return ()
