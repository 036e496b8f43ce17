"""The hostile suite and the malformed archives, each through reader and extraction, against the golden file."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench" / "hostile.py"


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    """The bench as a module; it is a script, and no package."""
    spec = importlib.util.spec_from_file_location("hostile_bench", BENCH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.shared
@pytest.mark.slow
def test_every_hostile_file_does_what_it_should(bench: ModuleType, shared: Path, tmp_path: Path) -> None:
    """All 125 files of the suite and all malformed archives; memory is left to the bench."""
    golden = bench.expectations()
    found = bench.files()
    assert set(found) == set(golden)
    wrong = {}
    for name, path in found.items():
        outcome = bench.consume(path, bench.PINNED_ENGINE, tmp_path)
        if list(golden[name].faults(outcome, strict=True)) or outcome.broken:
            wrong[name] = bench.verdict(outcome, golden[name], True)
    assert wrong == {}
