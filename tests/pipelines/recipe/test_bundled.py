"""A recipe that comes with the program is found by its name from any folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.cli import parser
from pipelines.recipe.bundled import FOLDER, bundled_names, find_recipe
from pipelines.recipe.load import load

ROOT = Path(__file__).resolve().parents[3]


def test_all_recipes_come_with_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert bundled_names() == sorted(path.stem for path in (ROOT / "configs").glob("*.yaml"))
    for name in bundled_names():
        assert find_recipe(name).read_text() == (ROOT / "configs" / f"{name}.yaml").read_text()


def test_the_demo_brings_its_inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    files = [file.name for entry in load(find_recipe("demo")).inputs for file in entry.files]
    assert files == ["web.warc.gz", "wiki.xml.bz2"]


def test_a_file_on_disk_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "demo").mkdir()  # a folder is no recipe
    assert find_recipe("demo") == FOLDER / "demo.yaml"
    (tmp_path / "fineweb").write_text("name: mine\n")
    assert find_recipe("fineweb") == Path("fineweb")


@pytest.mark.parametrize("path", ["demo.yaml", "./demo", "configs/demo", "/demo"])
def test_a_path_is_never_one_of_ours(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_recipe(path) == Path(path)


@pytest.mark.parametrize("command", [["check"], ["whatif", "runs/demo", "--recipe"]])
def test_an_unknown_name_exits_2_with_the_nearest(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        parser().parse_args([*command, "finweb"])
    assert ended.value.code == 2
    assert "no file 'finweb'" in capsys.readouterr().err.replace("\n", " ")


def test_the_message_names_the_nearest_or_all() -> None:
    with pytest.raises(ValueError, match=r"did you mean 'fineweb'\?"):
        find_recipe("finweb")
    with pytest.raises(ValueError, match="recipes: c4, demo, fineweb, gopher, wikipedia"):
        find_recipe("x")
