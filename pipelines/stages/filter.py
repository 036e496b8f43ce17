"""Stage filter: every extracted record gets a row in the ledger; documents that all steps keep go to ``filtered/``."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, cast

import pyarrow as pa

from filters.judge import NamedStep, Verdict, judge
from pipelines.errors import mapped
from pipelines.recipe.user_code import code_of
from pipelines.store.fate import DROPPED, ERROR, KEPT, Fate
from pipelines.store.folders import Folder
from pipelines.store.manifest import Manifest
from pipelines.store.sealed import JsonObject
from pipelines.store.stage_key import StageKey, stage_key
from pipelines.store.tables import (
    ERRORS,
    FILTERED,
    Row,
    batches,
    document_row,
    ledger_schema,
    row_document,
    to_table,
)
from pipelines.work.loop import finish_stage, run_units
from pipelines.work.marks import QUARANTINE_ERROR, QUARANTINE_MESSAGE, QUARANTINE_REASON, UNWATCHED, Watch
from pipelines.work.stage import Run, Stage
from pipelines.work.task import Batch, Counts, Part, Task, UnitWork

NAME: Final = "filter"
HOME: Final = "filtered"
LIBRARIES: Final = ("fasttext-community", "spacy", "numpy")
MESSAGE_CHARACTERS: Final = 200


@dataclass(frozen=True)
class Settings:
    """What a worker needs besides the unit.

    Attributes:
        steps: in order.
        full: whether later steps measure a dropped document too.
    """

    steps: tuple[NamedStep, ...]
    full: bool


def folders(steps: Sequence[NamedStep]) -> tuple[Folder, ...]:
    """Return the folders that the stage writes; the ledger's columns depend on the steps."""
    return (
        Folder("ledger", _ledger_schema(steps)),
        Folder("filtered", FILTERED),
        Folder("errors", ERRORS, "-filter"),
    )


def _ledger_schema(steps: Sequence[NamedStep]) -> pa.Schema:
    return ledger_schema({column: kind for step in steps for column, kind in step.measures().items()})


@dataclass(frozen=True)
class FilterStage(Stage):
    """The filter stage of a run.

    Attributes:
        run: the run.
    """

    run: Run
    name: ClassVar[str] = NAME
    home: ClassVar[str] = HOME
    reads: ClassVar[tuple[str, ...]] = ("extract",)

    def key(self, upstream: Sequence[StageKey]) -> StageKey:
        """Return the stage key: the steps with their fields and libraries; files count by their content."""
        steps = [
            # The fields of a step come from YAML, so JSON can hold them.
            {
                **cast("JsonObject", entry.as_dict()),
                **({"code": code} if (code := code_of(type(entry.step))) else {}),
            }
            for entry in self.run.recipe.steps
        ]
        settings = {"steps": steps, "ledger": self.run.recipe.ledger}
        return stage_key(NAME, settings, [key.sha256 for key in upstream], LIBRARIES)

    def make(self, upstream: Sequence[Manifest], key: StageKey) -> Manifest:
        """Judge the records; return the manifest.

        Args:
            upstream: manifest of ``extracted/``.
            key: key of this stage.

        Raises:
            InputError: a step cannot use one of its files.
            CorpusmillError: a unit did not finish.
        """
        (extracted,), storage, steps = upstream, self.run.storage, self.run.recipe.steps
        _load(steps)
        tasks = [
            Task(part.unit, part.sha256, part.bytes, Part(str(storage.path(part.path))))
            for part in extracted.folder("extracted")
        ]
        settings, root = Settings(steps, self.run.recipe.ledger == "full"), str(storage.root)
        work = UnitWork(NAME, key.sha256, root, folders(steps), process_unit, settings, Part)
        sidecars = run_units(self.run, work, tasks)
        return finish_stage(self.run, key, work.folders, upstream, sidecars, HOME)


def _load(steps: Sequence[NamedStep]) -> None:
    """Let steps read their files before the first document; an InputError says which step cannot use which file."""
    for entry in steps:
        load = getattr(entry.step, "load", None)
        if load is not None:
            with mapped(ValueError, where=f"step {entry.name}"):
                load()


def process_unit(part: Part, settings: Settings, watch: Watch = UNWATCHED) -> Iterator[Batch | Counts]:
    """Judge the rows of one part of ``extracted/``, in order."""
    schema = _ledger_schema(settings.steps)
    records: Counter[str] = Counter()
    number = itertools.count()
    for batch in batches(part.path):
        judged = [_judge_row(row, settings, next(number), watch) for row in batch.to_pylist()]
        ledger = [row for row, _ in judged]
        kept = [v.document for row, v in judged if v is not None and row["decision"] == KEPT]
        errors = [_error_row(row, v) for row, v in judged if v is not None and v.error is not None]
        records.update(str(Fate(row["decision"], row["step"], row["reason"])) for row in ledger)
        yield Batch("ledger", to_table(ledger, schema))
        if kept:
            yield Batch("filtered", to_table([document_row(document) for document in kept], FILTERED))
        if errors:
            yield Batch("errors", to_table(errors, ERRORS))
    records["seen"] = sum(records.values())
    yield Counts({"records": dict(sorted(records.items()))})


def _judge_row(row: Row, settings: Settings, number: int, watch: Watch) -> tuple[Row, Verdict | None]:
    """Return a record's ledger row, and the verdict if there was a text to judge."""
    if row["decision"] != KEPT:
        return {**row, "bytes": None}, None
    document = row_document(row)
    if number in watch.quarantined:
        verdict = Verdict(document, NAME, QUARANTINE_REASON, QUARANTINE_ERROR, QUARANTINE_MESSAGE, 0, {})
    else:
        watch.at(number)
        verdict = judge(document, settings.steps, settings.full)
    decision = ERROR if verdict.error is not None else KEPT if verdict.step is None else DROPPED
    ledger = {
        **row,
        "bytes": len(document.text.encode()),
        "language": verdict.document.language,
        "language_score": verdict.document.language_score,
        "decision": decision,
        "step": verdict.step,
        "reason": verdict.reason,
        "applied": verdict.applied,
        **verdict.measured,
    }
    return ledger, verdict


def _error_row(row: Row, verdict: Verdict) -> Row:
    message = verdict.message[:MESSAGE_CHARACTERS]
    return {**row, "error": verdict.error, "message": message}
