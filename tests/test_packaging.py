"""What a user installs: everything of the three packages, nothing else, and a line where something is missing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from pipelines.installed import EXTRAS, PACKAGES

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PINS = dict(
    line.lower().split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line
)
ELSEWHERE = {"docs", "fuzz", "gcp"}
"""Extras that no test installs."""


def tracked() -> set[str]:
    """Return the files that git knows, those not yet added included."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout.splitlines()
    return {path for path in listed if (ROOT / path).is_file()}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of the working tree, built in a copy of it."""
    copy = tmp_path_factory.mktemp("copy")
    for name in (*PACKAGES, "configs"):
        shutil.copytree(ROOT / name, copy / name, symlinks=True)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    code = "from setuptools.build_meta import build_wheel; build_wheel('dist')"
    subprocess.run([sys.executable, "-c", code], cwd=copy, check=True, capture_output=True)
    (built,) = (copy / "dist").glob("*.whl")
    return built


@pytest.fixture
def site(wheel: Path, tmp_path: Path) -> Path:
    """A folder with the wheel's files, as pip lays them out, and nothing else."""
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    return tmp_path / "site"


def corpusmill(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command from what is installed in a folder; libraries come from this environment."""
    code = "from pipelines.__main__ import main; main()"
    command = [sys.executable, "-c", code, *arguments]
    environment = os.environ | {"PYTHONPATH": str(site)}
    return subprocess.run(command, capture_output=True, text=True, cwd=site.parent, env=environment)


@pytest.mark.integration
def test_the_wheel_holds_what_git_holds(wheel: Path) -> None:
    """A folder without __init__.py or a file that package-data forgets is missing here; editable installs hide it."""
    found = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    own = {path for path in tracked() if path.startswith(tuple(f"{name}/" for name in PACKAGES))}
    recipes = {f"pipelines/{path}" for path in tracked() if path.startswith("configs/")}
    assert found == own | recipes


@pytest.mark.integration
def test_the_installed_command_is_the_wheel_s(site: Path) -> None:
    done = corpusmill(site, "check", "demo", "--json")
    assert done.returncode == 0, done.stderr
    code = "import filters, pipelines, tokenizer_training as t; print(filters.__file__, pipelines.__file__, t.__file__)"
    environment = os.environ | {"PYTHONPATH": str(site)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=site.parent,
        env=environment,
    )
    assert done.stdout.split() == [str(site / name / "__init__.py") for name in PACKAGES]


@pytest.mark.integration
@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_that_another_distribution_has_overwritten_is_named(site: Path, package: str) -> None:
    (site / package / "__init__.py").write_text("__version__ = '1.3.2'\n")
    info = site / "other-1.3.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.3.2\n")
    (info / "top_level.txt").write_text(f"{package}\n")
    done = corpusmill(site, "--version")
    assert done.returncode == 3
    (line,) = done.stderr.splitlines()
    assert f"the package {package!r} of this program is shadowed by another" in line
    assert f"{package}/__init__.py of other;" in line
    assert "pip install 'corpusmill[pipeline]'" in line


@pytest.mark.integration
def test_a_package_that_is_found_before_ours_is_named(site: Path, tmp_path: Path) -> None:
    (tmp_path / "filters.py").write_text("raise SystemExit('imported')\n")
    done = corpusmill(site, "--version")  # -c finds modules in the current folder first
    assert done.returncode == 3
    assert f"shadowed by another: {tmp_path / 'filters.py'}" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.integration
def test_a_package_without_its_init_is_named(site: Path) -> None:
    (site / "filters" / "__init__.py").unlink()
    done = corpusmill(site, "--version")
    assert done.returncode == 3
    assert "'filters' of this program is shadowed by another: missing" in done.stderr


@pytest.mark.integration
@pytest.mark.parametrize(
    ("module", "extra"), [("yaml", "pipeline"), ("numba", "pipeline"), ("datasets", "hub")]
)
def test_a_missing_library_is_one_line(site: Path, tmp_path: Path, module: str, extra: str) -> None:
    (site / "sitecustomize.py").write_text(f"import sys; sys.modules[{module!r}] = None\n")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.csv").write_text("text\nx\n")
    inputs = "inputs=[{reader: huggingface, dataset: ./data}]"
    done = corpusmill(site, "filter", "demo", "--out", "out", "--workers", "1", "--set", inputs)
    assert done.returncode == 3
    assert (
        done.stderr
        == f"corpusmill: the library {module!r} is not installed; run: pip install 'corpusmill[{extra}]'\n"
    )


def test_each_extra_that_a_message_names_has_the_library() -> None:
    for module, extra in EXTRAS.items():
        names = {requirement(line) for line in PROJECT["optional-dependencies"][extra]}
        assert module.replace("_", "-") in {name.replace("_", "-") for name in names}


def test_pinned_versions_are_the_installed_ones() -> None:
    """Tests speak for the versions in constraints.txt only if those are what they ran with."""
    for name, version in PINS.items():
        try:
            installed = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue  # pinned for an extra that is not installed here
        assert installed.partition("+")[0] == version, name


def test_every_dependency_is_pinned() -> None:
    extras = PROJECT["optional-dependencies"]
    wanted = [
        *PROJECT["dependencies"],
        *(line for name in extras.keys() - ELSEWHERE for line in extras[name]),
    ]
    assert {requirement(line) for line in wanted} - {"corpusmill"} - PINS.keys() == set()


def requirement(line: str) -> str:
    """Return the name of the distribution that a requirement asks for."""
    return re.split(r"[^\w.-]", line, maxsplit=1)[0].lower()
