"""A sample of the fault matrix: each kind of fault in each stage. ``python -m tests.faults`` does all of it."""

from __future__ import annotations

import pytest

from tests.faults import scenarios
from tests.faults.harness import Bench, Cell, do_cell

pytestmark = pytest.mark.integration

SAMPLE = [
    Cell("extract", "write", 37, "ENOSPC"),
    Cell("extract", "extract.batch", 1, "kill"),
    Cell("extract", "extract.record.*", 5, "term"),
    Cell("filter", "rename", 4, "EIO"),
    Cell("filter", "filter.record.*", 20, "segv"),
    Cell("filter", "filtered.manifest", 1, "kill"),
    Cell("dedup", "fsync", 9, "EIO"),
    Cell("dedup", "create", 9, "ENOSPC"),
    Cell("dedup", "dedup.parts", 1, "kill"),
    Cell("train-tokenizer", "create", 30, "EROFS"),
    Cell("train-tokenizer", "rename", 38, "kill"),
    Cell("pack", "fsync_folder", 3, "ENOSPC"),
    Cell("pack", "run.manifest", 1, "int"),
]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    bench = Bench(tmp_path_factory.mktemp("faults"))
    bench.prepare()
    return bench


@pytest.mark.parametrize("cell", SAMPLE, ids=str)
def test_a_broken_run_says_why_and_ends_with_the_same_bytes(bench: Bench, cell: Cell) -> None:
    outcome = do_cell(bench, cell)
    assert outcome.fault == ""
    assert outcome.first != 0, "the fault was not met"


def test_replayed_bundles_change_nothing(bench: Bench) -> None:
    assert scenarios.bundles_replayed(bench) == ""


def test_a_killed_server_of_workers_costs_a_restart(bench: Bench) -> None:
    assert scenarios.server_killed(bench) == ""


def test_a_second_run_is_refused_and_the_first_undisturbed(bench: Bench) -> None:
    assert scenarios.duplicate_run(bench) == ""


def test_a_full_disk_is_one_line_and_more_room_is_all_it_takes(bench: Bench) -> None:
    try:
        assert scenarios.full_disk(bench) == ""
    except PermissionError as error:
        pytest.skip(str(error))


def test_a_folder_of_somebody_else_is_refused_in_one_line(bench: Bench) -> None:
    try:
        assert scenarios.forbidden_folder(bench) == ""
    except PermissionError as error:
        pytest.skip(str(error))
