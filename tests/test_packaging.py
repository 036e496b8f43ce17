"""What is installed is what the checkout holds."""

from __future__ import annotations

import tomllib
from importlib import metadata
from pathlib import Path

import filters
import pipelines
import tokenizer_training

ROOT = Path(__file__).resolve().parents[1]


def test_import_names_are_our_folders() -> None:
    """Other distributions install packages of the same names; ours must be the ones that are found."""
    for package in (filters, pipelines, tokenizer_training):
        assert Path(str(package.__file__)).parent.parent == ROOT


def test_pinned_versions_are_the_installed_ones() -> None:
    """Tests speak for the versions in constraints.txt only if those are what they ran with."""
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, _, version = line.partition("==")
            try:
                installed = metadata.version(name)
            except metadata.PackageNotFoundError:
                continue  # pinned for an extra that is not installed here
            assert installed.partition("+")[0] == version, name


def test_every_dependency_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["dev"]
    names = {line.partition(">")[0].partition("=")[0].lower() for line in wanted}
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = {line.partition("==")[0].lower() for line in lines}
    assert not names - pinned
