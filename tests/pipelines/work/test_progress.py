"""What a person sees while a run works: right sums, lines without a terminal, nothing when quiet."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest
from rich.console import Console

from pipelines.store.storage import Storage
from pipelines.work import progress as following
from pipelines.work.progress import Progress, _Follower, lost_in, record_progress


@dataclass(frozen=True)
class Unit:
    cost: int


def test_rows_count_once_and_losses_are_shares_of_them(tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    work = _Follower(storage, "filter", cost=4_000_000, todo=2)
    work.read()
    assert work.state().startswith("0 documents")
    record_progress(storage, "filter", "a", "ledger", 80, (20, 1))
    record_progress(storage, "filter", "a", "filtered", 59)
    record_progress(storage, "filter", "b", "ledger", 20)
    record_progress(storage, "filter", "a", "done", 1_000_000)
    with storage.path(following.PROGRESS_FILE).open("ab") as file:
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


@pytest.mark.parametrize("quiet", [True, False])
def test_without_a_terminal_there_are_plain_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quiet: bool
) -> None:
    monkeypatch.setattr(following, "LINE_EVERY_S", 0.01)
    storage = Storage(tmp_path)
    progress = Progress(storage, quiet)
    said = io.StringIO()
    progress._console = Console(file=said)
    progress.start("extract", [Unit(5), Unit(6)], 3)
    record_progress(storage, "extract", "a", "extracted", 7)
    record_progress(storage, "extract", "a", "done", 5)
    while not quiet and "1 of 2 units" not in said.getvalue():
        pass
    progress.finish()
    lines = said.getvalue().splitlines()
    assert (lines == []) == quiet
    if not quiet:
        assert lines[0] == "extract: 2 of 3 units to do, 1 already done"
        assert "\x1b" not in said.getvalue()
    assert not storage.exists(following.PROGRESS_FILE)
