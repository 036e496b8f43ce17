"""Stage extract: the bytes of a unit become one row per content record, with its text if it has one."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import BinaryIO, ClassVar, Final

from filters.document import Place, document_id
from pipelines.errors import mapped
from pipelines.extraction.blocks import MODEL_SHA256
from pipelines.extraction.extractor import Extracted, Extractor
from pipelines.inputs.allowed_hosts import NO_HOSTS, AllowedHosts
from pipelines.inputs.streams import open_input
from pipelines.readers.record import MESSAGE_CHARACTERS, Damaged, Event, Reader, Record, Rejected, Span
from pipelines.recipe.recipe import Extract
from pipelines.stages.extract.pins import access_of
from pipelines.stages.extract.units import Unit, plan_units
from pipelines.store.fate import DROPPED, ERROR, KEPT, Fate
from pipelines.store.folders import Folder
from pipelines.store.manifest import Manifest, Totals
from pipelines.store.stage_key import StageKey, stage_key
from pipelines.store.tables import ERRORS, EXTRACTED, Row, to_table
from pipelines.work.loop import finish_stage, run_units
from pipelines.work.marks import QUARANTINE_ERROR, QUARANTINE_MESSAGE, QUARANTINE_REASON, UNWATCHED, Watch
from pipelines.work.stage import Run, Stage
from pipelines.work.task import Batch, Counts, Task, UnitWork, pending

NAME: Final = "extract"
HOME: Final = "extracted"
FOLDERS: Final = (Folder("extracted", EXTRACTED), Folder("errors", ERRORS, "-extract"))
LIBRARIES: Final = ("resiliparse", "selectolax", "trafilatura", "warcio", "lxml")

BATCH_RECORDS: Final = 512
BATCH_BYTES: Final = 32 << 20
"""Enough that the pipe to the child and the row groups cost little; little enough to bound memory."""


@dataclass(frozen=True)
class Settings:
    """What a worker needs besides the unit.

    Attributes:
        readers: by the ordinal of their input in the recipe.
        extract: the recipe's section.
        access: hosts that it may contact.
    """

    readers: tuple[Reader, ...]
    extract: Extract
    access: AllowedHosts = NO_HOSTS


@dataclass(frozen=True)
class ExtractStage(Stage):
    """The extract stage of a run.

    Attributes:
        run: the run.
    """

    run: Run
    name: ClassVar[str] = NAME
    home: ClassVar[str] = HOME
    reads: ClassVar[tuple[str, ...]] = ()

    def key(self, upstream: Sequence[StageKey]) -> StageKey:
        """Return the stage key. Reader settings are part of each unit's fingerprint."""
        extract = self.run.recipe.extract
        settings = asdict(extract)
        if extract.engine in ("blocks", "union"):
            settings["model"] = MODEL_SHA256
        return stage_key(NAME, settings, [key.sha256 for key in upstream], LIBRARIES)

    def is_current(self, known: Manifest | None, key: StageKey) -> bool:
        """Return True if no unit is new, changed or gone. Inputs are looked at first: one that is gone is an error.

        Raises:
            InputError: a file cannot be opened.
        """
        tasks = self._tasks
        return (
            known is not None
            and [unit.unit for unit in known.units] == [task.unit for task in tasks]
            and not pending(self.run.storage, self._work(key), tasks)
        )

    def make(self, upstream: Sequence[Manifest], key: StageKey) -> Manifest:
        """Extract the units that are not finished; return the manifest."""
        sidecars = run_units(self.run, self._work(key), self._tasks)
        extractor_of(self.run.recipe.extract).close()  # this process may have been the worker
        return finish_stage(self.run, key, FOLDERS, upstream, sidecars, HOME)

    @functools.cached_property
    def _access(self) -> AllowedHosts:
        return access_of(self.run.storage.root, self.run.recipe.inputs)

    @functools.cached_property
    def _tasks(self) -> list[Task[Unit]]:
        inputs = self.run.recipe.inputs
        return [
            Task(unit.name, unit.fingerprint(inputs[unit.input].reader), unit.end - unit.start, unit)
            for unit in plan_units(self.run.recipe, self._access)
        ]

    def _work(self, key: StageKey) -> UnitWork[Unit, Settings]:
        recipe, root = self.run.recipe, str(self.run.storage.root)
        settings = Settings(tuple(entry.reader for entry in recipe.inputs), recipe.extract, self._access)
        return UnitWork(NAME, key.sha256, root, FOLDERS, process_unit, settings, Unit)


def process_unit(unit: Unit, settings: Settings, watch: Watch = UNWATCHED) -> Iterator[Batch | Counts]:
    """Read one unit, extract its records in batches, and account for every byte and record of it."""
    reader = settings.readers[unit.input]
    tally = _Tally(unit)
    with (
        mapped(OSError, where=unit.path, advice="restore the file and run again"),
        open_input(unit.path, unit.stamp, settings.access, unit.end) as stream,
    ):
        events = _within_limit(_read(reader, stream, unit), unit.limit)
        while batch := _take(events, tally):
            yield from _extract_batch(batch, unit, settings.extract, tally, watch)
    yield Counts(tally.counts())


@dataclass
class _Tally:
    """Bytes and number of spans by kind, records by fate, characters for undecodable bytes, of one unit."""

    unit: Unit
    bytes: Counter[str] = field(default_factory=Counter)
    spans: Counter[str] = field(default_factory=Counter)
    records: Counter[str] = field(default_factory=Counter)
    damaged: list[Damaged] = field(default_factory=list)
    replaced: int = 0
    first: int | None = None

    def add_span(self, event: Span | Damaged) -> None:
        self.first = event.offset if self.first is None else self.first
        if isinstance(event, Damaged):
            self.damaged.append(event)
            self.bytes["damaged"] += event.length
        else:
            self.bytes[event.kind] += event.length
            self.spans[event.kind] += 1

    def counts(self) -> Totals:
        unit = self.unit
        first = unit.start if self.first is None else self.first
        found = Counter(self.bytes)
        if unit.limit is not None and self.records["seen"] == unit.limit:
            found["beyond_limit"] += unit.end - first - sum(found.values())
        return {
            "source": unit.source,
            "file": unit.file,
            "size": int(unit.stamp.partition(":")[0]),
            "first_byte": first,
            "bytes": dict(sorted(found.items())),
            "spans": dict(sorted(self.spans.items())),
            "records": dict(sorted(self.records.items())),
            "damaged_spans": len(self.damaged),
            "replaced_characters": self.replaced,
        }


def _read(reader: Reader, stream: BinaryIO, unit: Unit) -> Iterator[Event]:
    """Yield the events of a unit; an empty file is reported, because most often a transfer failed."""
    if unit.start == unit.end:
        yield Damaged(unit.start, 0, "empty_file", "the file is empty; fetch it again if it should not be")
    yield from reader.read(stream, unit.start, unit.end)


def _within_limit(events: Iterator[Event], limit: int | None) -> Iterator[Event]:
    """Yield events up to and including the limit-th content record."""
    content = 0
    for event in events:
        yield event
        content += isinstance(event, Record | Rejected)
        if content == limit:
            return


def _take(events: Iterator[Event], tally: _Tally) -> list[Record | Rejected | Damaged]:
    """Return the next batch of records and damaged spans; count the other spans on the way."""
    batch: list[Record | Rejected | Damaged] = []
    size = 0
    for event in events:
        if isinstance(event, Span | Damaged):
            tally.add_span(event)
        if not isinstance(event, Span):
            batch.append(event)
            size += len(event.payload) if isinstance(event, Record) else 0
        if len(batch) >= BATCH_RECORDS or size >= BATCH_BYTES:
            break
    return batch


def _extract_batch(
    batch: list[Record | Rejected | Damaged], unit: Unit, settings: Extract, tally: _Tally, watch: Watch
) -> Iterator[Batch]:
    content = [event for event in batch if not isinstance(event, Damaged)]
    results = _results(content, tally.records["seen"], settings, watch)
    rows, errors = [], []
    for event in batch:
        if isinstance(event, Damaged):
            place = Place(event.offset, event.length, 0)
            errors.append(_error_row(None, unit, place, "read", event.reason, "damaged", event.message))
            continue
        result = next(results)
        row = _row(unit, event, result)
        rows.append(row)
        tally.records["seen"] += 1
        tally.records[str(Fate(row["decision"], row["step"], row["reason"]))] += 1
        tally.replaced += (row["text"] or "").count("\ufffd")
        error = _error(result)
        if error is not None:
            step, reason = str(row["step"]), str(row["reason"])
            errors.append(_error_row(row["id"], unit, event.place, step, reason, error, result.message))
    if rows:
        yield Batch("extracted", to_table(rows, EXTRACTED))
    if errors:
        yield Batch("errors", to_table(errors, ERRORS))


def _results(
    content: list[Record | Rejected], first: int, settings: Extract, watch: Watch
) -> Iterator[Rejected | Extracted]:
    """Yield the result of each event of a batch, the first of which is the unit's record number `first`."""
    at_once = 1 if watch.one_by_one else BATCH_RECORDS
    for start in range(0, len(content), at_once):
        numbered = list(enumerate(content[start : start + at_once], first + start))
        extracted = extractor_of(settings).extract(_to_extract(numbered, watch))
        for number, event in numbered:
            if isinstance(event, Rejected):
                yield event
            elif number in watch.quarantined:
                yield Extracted(event, None, QUARANTINE_REASON, QUARANTINE_ERROR, QUARANTINE_MESSAGE)
            else:
                yield next(extracted)


def _to_extract(numbered: list[tuple[int, Record | Rejected]], watch: Watch) -> Iterator[Record]:
    """Yield the records that are not in quarantine; report each to the watch."""
    for number, event in numbered:
        if isinstance(event, Record) and number not in watch.quarantined:
            watch.at(number)
            yield event


def _error(result: Rejected | Extracted) -> str | None:
    """Return the kind of error; None = the record is kept or dropped."""
    if isinstance(result, Extracted):
        return result.error
    return result.reason if result.error else None


def _row(unit: Unit, event: Record | Rejected, result: Rejected | Extracted) -> Row:
    text = result.text if isinstance(result, Extracted) else None
    kept = text is not None
    return {
        "id": document_id(unit.source, unit.file, event.place.offset, event.place.index),
        "record_id": event.record_id,
        "url": event.url,
        "source": unit.source,
        "language": event.language if isinstance(event, Record) else None,
        "date": event.date,
        "file": unit.file,
        "offset": event.place.offset,
        "length": event.place.length,
        "index": event.place.index,
        "text": text,
        "decision": KEPT if kept else ERROR if _error(result) is not None else DROPPED,
        "step": None if kept else "read" if isinstance(result, Rejected) else "extract",
        "reason": None if kept else result.reason,
    }


def _error_row(
    identity: str | None, unit: Unit, place: Place, step: str, reason: str, error: str, message: str
) -> Row:
    return {
        "id": identity,
        "source": unit.source,
        "file": unit.file,
        "offset": place.offset,
        "length": place.length,
        "step": step,
        "reason": reason,
        "error": error,
        "message": message[:MESSAGE_CHARACTERS],
    }


@functools.cache
def extractor_of(settings: Extract) -> Extractor:
    """Return this process's extractor: its child process serves all units of this worker."""
    return Extractor(settings)
