"""Fixtures that every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with measuring data beside the checkout; the test is skipped where there is none."""
    folder = ROOT.parent / "shared"
    if not (folder / "data").is_dir():
        pytest.skip("the measuring data is not on this machine")
    return folder


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run of the demo recipe with one worker. Read only: copy it to change it."""
    from pipelines.config_load import load
    from pipelines.run import run_recipe

    out = tmp_path_factory.mktemp("demo") / "run"
    run_recipe(load(ROOT / "configs" / "demo.yaml"), str(out), workers=1, quiet=True)
    return out
