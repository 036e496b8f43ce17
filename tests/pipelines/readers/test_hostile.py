"""The hostile suite and the malformed archives, each through reader and extraction, against the golden file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench import hostile

pytestmark = pytest.mark.integration


@pytest.mark.shared
@pytest.mark.slow
def test_every_hostile_file_does_what_it_should(shared: Path, tmp_path: Path) -> None:
    """All 125 files of the suite and all malformed archives; memory is left to the bench."""
    golden = hostile.expectations()
    found = hostile.files()
    assert set(found) == set(golden)
    wrong = {}
    for name, path in found.items():
        outcome = hostile.consume(path, hostile.PINNED_ENGINE, tmp_path)
        if list(golden[name].faults(outcome, strict=True)) or outcome.broken:
            wrong[name] = hostile.verdict(outcome, golden[name], True)
    assert wrong == {}
