"""What a person sees while a run works: right sums, lines without a terminal, nothing when quiet."""

from __future__ import annotations

import io
import time
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from rich.console import Console

from pipelines.store.storage import Storage
from pipelines.work.progress import (
    PROGRESS_FILE,
    STARTING,
    Follower,
    Progress,
    lost_in,
    record_done,
    record_rows,
)

WAIT_S = 20.0


@dataclass(frozen=True)
class Unit:
    cost: int


def test_rows_count_once_and_losses_are_shares_of_them(tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    work = Follower(storage, "filter", cost=4_000_000, todo=2)
    work.read()
    assert work.state() == STARTING
    record_rows(storage, "filter", "a", "ledger", 80, (20, 1))
    record_rows(storage, "filter", "a", "filtered", 59)
    record_rows(storage, "filter", "b", "ledger", 20)
    record_done(storage, "filter", "a", 1_000_000)
    with storage.path(PROGRESS_FILE).open("ab") as file:
        file.write(b'["filter", "b", "led')  # a worker is in the middle of a line
    work.read()
    assert (work.rows, work.dropped, work.errors, work.done, work.units) == (100, 20, 1, 1_000_000, 1)
    state = work.state()
    assert state.startswith("100 documents, ")
    for part in ("/s", "MB/s", "20% dropped", "errors: 1", " left"):
        assert part in state


def test_losses_of_a_table() -> None:
    table = pa.table({"decision": ["kept", "dropped", "error", "dropped"]})
    assert lost_in(table) == (2, 1)
    assert lost_in(pa.table({"id": ["a"]})) == (0, 0)


def await_text(said: io.StringIO, text: str) -> None:
    until = time.monotonic() + WAIT_S
    while text not in said.getvalue():
        assert time.monotonic() < until, said.getvalue()
        time.sleep(0.001)


def test_without_a_terminal_there_are_plain_lines(tmp_path: Path) -> None:
    storage, said = Storage(tmp_path), io.StringIO()
    progress = Progress(storage, console=Console(file=said), line_every_s=0.01)
    progress.start("extract", [Unit(5), Unit(6)], 3)
    record_rows(storage, "extract", "a", "extracted", 7)
    record_done(storage, "extract", "a", 5)
    await_text(said, "1 of 2 units")
    progress.finish()
    assert said.getvalue().splitlines()[0] == "extract: 2 of 3 units to do, 1 already done"
    assert "\x1b" not in said.getvalue()
    assert not storage.exists(PROGRESS_FILE)


def test_without_a_terminal_no_line_is_repeated(tmp_path: Path) -> None:
    storage, said = Storage(tmp_path), io.StringIO()
    progress = Progress(storage, console=Console(file=said), line_every_s=0.01)
    progress.start("extract", [Unit(5)], 1)
    await_text(said, STARTING)
    time.sleep(0.1)
    record_rows(storage, "extract", "a", "extracted", 7)
    await_text(said, "7 documents")
    time.sleep(0.1)
    progress.finish()
    lines = said.getvalue().splitlines()
    assert lines[:2] == ["extract: 1 of 1 units to do", f"extract: {STARTING}"]
    assert len(lines) == 3, lines


def test_quiet_says_nothing(tmp_path: Path) -> None:
    storage, said = Storage(tmp_path), io.StringIO()
    progress = Progress(storage, quiet=True, console=Console(file=said), line_every_s=0.001)
    progress.start("extract", [Unit(5)], 1)
    record_rows(storage, "extract", "a", "extracted", 7)
    time.sleep(0.05)
    progress.finish()
    assert said.getvalue() == ""
