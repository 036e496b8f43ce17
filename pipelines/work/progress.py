"""What the user sees while a run works: a bar on a terminal, plain lines elsewhere, nothing when quiet.

Workers append one short line per batch to ``work/progress.jsonl``; a thread of the driver follows that file.
It is a display only: every count that matters comes from the sidecars.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Sequence
from typing import Final, Protocol

import pyarrow as pa
import pyarrow.compute as pc
from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn
from rich.progress import Progress as Bars

from pipelines.store.fate import DROPPED, ERROR
from pipelines.store.storage import Storage
from pipelines.work.log import log

PROGRESS_FILE: Final = "work/progress.jsonl"
POLL_S: Final = 0.5
LINE_EVERY_S: Final = 10.0
STARTING: Final = "starting; the first run on a machine also compiles code"
"""Shown until a batch is written: compiled code is kept in a cache, but on a new machine it takes a while."""

_DONE: Final = "done"


class Sized(Protocol):
    """A unit of work."""

    @property
    def cost(self) -> int:
        """Bytes to work on."""
        ...


def record_rows(
    storage: Storage, stage: str, unit: str, folder: str, rows: int, lost: tuple[int, int] = (0, 0)
) -> None:
    """Append a worker's note: rows written to a folder, and how many of them are dropped, and are errors."""
    _append(storage, stage, unit, folder, rows, *lost)


def record_done(storage: Storage, stage: str, unit: str, cost: int) -> None:
    """Append a worker's note: a unit of so many bytes is done."""
    _append(storage, stage, unit, _DONE, cost)


def _append(
    storage: Storage, stage: str, unit: str, what: str, amount: int, dropped: int = 0, errors: int = 0
) -> None:
    storage.append_line(PROGRESS_FILE, json.dumps([stage, unit, what, amount, dropped, errors]))


def lost_in(table: pa.Table) -> tuple[int, int]:
    """Return how many rows of a table with decisions are dropped, and how many are errors."""
    if "decision" not in table.column_names:
        return 0, 0
    counts = {row["values"]: row["counts"] for row in pc.value_counts(table["decision"]).to_pylist()}
    return counts.get(DROPPED, 0), counts.get(ERROR, 0)


class Progress:
    """Reports the stages of a run, one after another.

    Args:
        storage: the run whose progress file is followed; None before there is one.
        quiet: show nothing.
        console: where to show it; None = stderr.
        line_every_s: seconds between two lines where there is no terminal.
    """

    def __init__(
        self,
        storage: Storage | None = None,
        quiet: bool = False,
        console: Console | None = None,
        line_every_s: float = LINE_EVERY_S,
    ) -> None:
        self._storage = storage
        self._quiet = quiet
        self._console = console or Console(file=sys.stderr)
        self._line_every_s = line_every_s
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def say(self, line: str) -> None:
        """Print one line, and log it."""
        log.info("%s", line)
        if not self._quiet:
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def start(self, stage: str, todo: Sequence[Sized], total: int) -> None:
        """Begin to follow a stage: `todo` are the units to do, `total` counts the finished ones as well."""
        done = f", {total - len(todo)} already done" if len(todo) < total else ""
        self.say(f"{stage}: {len(todo)} of {total} units to do{done}" if todo else f"{stage}: nothing to do")
        if not todo or self._storage is None:
            return
        self._storage.remove(PROGRESS_FILE)
        self._stop.clear()
        work = Follower(self._storage, stage, sum(task.cost for task in todo), len(todo))
        has_bar = self._console.is_terminal and not self._quiet
        follow = self._follow_bar if has_bar else self._follow_lines
        self._thread = threading.Thread(target=follow, args=(work,), daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Stop following; the last state is shown."""
        if self._thread is not None:
            self._stop.set()
            self._thread.join()
            self._thread = None
        if self._storage is not None:
            self._storage.remove(PROGRESS_FILE)

    def _follow_bar(self, work: Follower) -> None:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=28),
            TaskProgressColumn(),
            TextColumn("{task.fields[state]}"),
        )
        with Bars(*columns, console=self._console, transient=True) as bars:
            bar = bars.add_task(work.stage, total=max(work.cost, 1), state="")
            while not self._stop.wait(POLL_S):
                work.read()
                bars.update(bar, completed=work.done, state=work.state())
                if work.age() >= self._line_every_s and (line := work.news()) is not None:
                    log.info("%s", line)

    def _follow_lines(self, work: Follower) -> None:
        while not self._stop.wait(self._line_every_s):
            work.read()
            if (line := work.news()) is not None:
                self.say(line)


class Follower:
    """The sum of the progress lines read so far.

    Args:
        storage: the run.
        stage: name of the stage.
        cost: bytes of all units to do.
        todo: their number.
    """

    def __init__(self, storage: Storage, stage: str, cost: int, todo: int) -> None:
        self.stage, self.cost, self.todo = stage, cost, todo
        self.rows, self.dropped, self.errors, self.done, self.units, self.counted = 0, 0, 0, 0, 0, 0
        self._path = storage.path(PROGRESS_FILE)
        self._position = 0
        self._started = self._shown_at = time.monotonic()
        self._shown = -1
        self._first = ""

    def read(self) -> None:
        """Add up the lines that were appended since the last call."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._position)
                data = file.read()
        except FileNotFoundError:
            return
        complete = data[: data.rfind(b"\n") + 1]
        self._position += len(complete)
        for line in complete.splitlines():
            _, _, what, amount, dropped, errors = json.loads(line)
            self.counted += 1
            if what == _DONE:
                self.done += amount
                self.units += 1
                continue
            self._first = self._first or what
            if what == self._first:  # a document has a row in several folders; it counts in one
                self.rows += amount
                self.dropped += dropped
                self.errors += errors

    def state(self) -> str:
        """Return documents and bytes a second, the losses so far, and the time left."""
        if not self.counted:
            return STARTING
        elapsed = max(time.monotonic() - self._started, 1e-9)
        what = "rows" if self.stage.startswith("pack/") else "documents"
        parts = [f"{self.rows:,} {what}, {self.rows / elapsed:,.0f}/s"]
        if self.done:
            parts.append(_rate(self.done / elapsed))
        if self.dropped:
            parts.append(f"{self.dropped / self.rows:.0%} dropped")
        if self.errors:
            parts.append(f"errors: {self.errors:,}")
        eta = self.eta()
        if eta:  # not when it is unknown, nor when all is done
            parts.append(f"{_duration(eta)} left")
        return ", ".join(parts)

    def news(self) -> str | None:
        """Return the line to show next; None = nothing was counted since the last one."""
        if self.counted == self._shown:
            return None
        self._shown, self._shown_at = self.counted, time.monotonic()
        units = f"{self.units} of {self.todo} units, " if self.counted else ""
        return f"{self.stage}: {units}{self.state()}"

    def age(self) -> float:
        """Return the seconds since the last line, or since the start."""
        return time.monotonic() - self._shown_at

    def eta(self) -> float | None:
        """Return the seconds left at the rate so far, or None before the first unit is done."""
        if not self.done:
            return None
        return (time.monotonic() - self._started) * (self.cost - self.done) / self.done


def _rate(bytes_a_second: float) -> str:
    """Return bytes a second in a unit that does not round them to zero.

    >>> _rate(2_340_000), _rate(46_000)
    ('2.3 MB/s', '46.0 kB/s')
    """
    if bytes_a_second < 1e6:
        return f"{bytes_a_second / 1e3:,.1f} kB/s"
    return f"{bytes_a_second / 1e6:,.1f} MB/s"


def _duration(seconds: float) -> str:
    """Return seconds as people say them.

    >>> _duration(42), _duration(600), _duration(9000)
    ('42 s', '10 min', '2 h 30 min')
    """
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
