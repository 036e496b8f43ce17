"""The log of a run: each call adds what it said and how it ended, with times, and no more than that."""

from __future__ import annotations

import io
import re
import time
from pathlib import Path

import pytest
from rich.console import Console

from pipelines.errors import InputError
from pipelines.store.folders import LOG
from pipelines.store.storage import Storage
from pipelines.work.log import log, logged
from pipelines.work.progress import Progress, record_done, record_rows
from tests.pipelines.work.test_progress import WAIT_S, Unit


def lines(storage: Storage) -> list[str]:
    """The lines of a log without their times, which are checked."""
    found = storage.path(LOG).read_text().splitlines()
    at = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ "
    return [re.sub(at, "", line) for line in found]


def test_each_call_adds_what_it_said(tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    for call in ("first", "second"):
        with logged(storage, call):
            Progress(storage, quiet=True).say(f"{call}: nothing to do")
    log.info("nobody listens now")
    found = lines(storage)
    assert [re.sub("; process .*", "", line) for line in found] == [
        *("INFO first", "INFO first: nothing to do", "INFO done"),
        *("INFO second", "INFO second: nothing to do", "INFO done"),
    ]
    assert not lines(storage)[0].startswith("20")


def test_an_error_has_its_traceback_and_goes_on(tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    with pytest.raises(InputError), logged(storage, "run"):
        raise InputError("a.warc.gz: \x1b[31mgone")
    found = lines(storage)
    assert found[1] == "ERROR a.warc.gz: \\x1b[31mgone"
    assert found[2] == "Traceback (most recent call last):"
    assert "done" not in found[-1]


def test_an_interruption_is_a_line(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), logged(Storage(tmp_path), "run"):
        raise KeyboardInterrupt
    assert lines(Storage(tmp_path))[1:] == ["WARNING interrupted"]


@pytest.mark.parametrize(("quiet", "terminal"), [(True, False), (False, False), (False, True)])
def test_progress_is_logged_whatever_is_shown(tmp_path: Path, quiet: bool, terminal: bool) -> None:
    storage = Storage(tmp_path)
    console = Console(file=io.StringIO(), force_terminal=terminal)
    progress = Progress(storage, quiet, console, line_every_s=0.01)
    with logged(storage, "run"):
        progress.start("extract", [Unit(5)], 1)
        record_rows(storage, "extract", "a", "extracted", 7)
        record_done(storage, "extract", "a", 5)
        until = time.monotonic() + WAIT_S
        while not any("1 of 1 units, 7 documents" in line for line in lines(storage)):
            assert time.monotonic() < until, lines(storage)
            time.sleep(0.01)
        progress.finish()


def test_a_log_that_cannot_be_written_ends_nothing(tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    storage.path(LOG).mkdir(parents=True)
    with logged(storage, "run"):
        log.info("said")
