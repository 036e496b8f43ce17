"""The command line: help for everything, exit codes as documented, errors that say what to do, no traceback."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.cli import COMMANDS, main, parser
from pipelines.commands.command import Command
from pipelines.errors import INTERRUPTED

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "tests" / "sample"


def corpusmill(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run the installed command in a process of its own."""
    command = [sys.executable, "-m", "pipelines", *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_has_help_with_examples_that_parse(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command.name, "--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert "usage: corpusmill" in said
    assert command.examples
    for example in command.examples:
        assert f"  corpusmill {example}\n" in said
        assert shlex.split(example)[0] == command.name
        parser().parse_args(shlex.split(example))


@pytest.mark.integration
def test_a_shell_completes_commands_options_and_recipes(tmp_path: Path) -> None:
    (tmp_path / "completion.sh").write_text(corpusmill("--print-completion", "bash").stdout)
    cases = {"ver": "verify", "show runs --dro": "--dropped", "run configs/dem": "configs/demo.yaml"}
    for typed, wanted in cases.items():
        words = typed.split()
        script = (
            f"source {tmp_path}/completion.sh; COMP_WORDS=(corpusmill {typed}); COMP_CWORD={len(words)}; "
            '_shtab_corpusmill; echo "${COMPREPLY[@]}"'
        )
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, cwd=ROOT)
        assert done.stdout.split() == [wanted], done.stderr


INTERRUPTING = """
import os, signal, sys

class Interrupting:
    def find_spec(name, path=None, target=None):
        if name == "pipelines.commands":
            os.kill(os.getpid(), signal.{})

sys.meta_path.insert(0, Interrupting)
"""


@pytest.mark.integration
@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
def test_whoever_interrupts_while_the_program_is_read_gets_one_line(tmp_path: Path, number: str) -> None:
    (tmp_path / "sitecustomize.py").write_text(INTERRUPTING.format(number))
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
    command = [sys.executable, "-m", "pipelines", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 130
    assert done.stderr == f"corpusmill: {INTERRUPTED}\n"


@pytest.mark.integration
def test_a_wrong_recipe_exits_2_with_every_fault(tmp_path: Path) -> None:
    recipe = tmp_path / "r.yaml"
    recipe.write_text("name: x\ninputs: []\nstepz: []\ndedup: {keep: shortest}\n")
    done = corpusmill("check", str(recipe))
    assert done.returncode == 2
    assert "r.yaml:3" in done.stderr
    assert "steps" in done.stderr
    assert "shortest" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.integration
def test_an_unknown_command_exits_2_and_names_the_nearest() -> None:
    done = corpusmill("verfy")
    assert done.returncode == 2
    assert "there is no command 'verfy'; did you mean 'verify'?" in done.stderr


@pytest.mark.integration
def test_an_override_without_quotes_is_explained() -> None:
    done = corpusmill("check", "configs/demo.yaml", "--set", "inputs=[{reader:", "warc}]")
    assert done.returncode == 2
    assert "put quotes around" in done.stderr


@pytest.mark.integration
def test_a_run_that_is_not_there_fails_verification(tmp_path: Path) -> None:
    done = corpusmill("verify", str(tmp_path))
    assert done.returncode == 1
    assert "manifest.json: missing" in done.stdout


@pytest.mark.integration
@pytest.mark.parametrize("command", ["filter", "run"])
def test_nothing_kept_exits_3_with_the_funnel(tmp_path: Path, command: str) -> None:
    inputs = f"inputs=[{{reader: warc, paths: [{SAMPLE}/web.warc.gz], limit: 20}}]"
    done = corpusmill(
        command, "configs/demo.yaml", "--out", str(tmp_path), "--workers", "1", "--set", inputs,
        "--set", "steps=[{length: {min_words: 100000}}]",
    )  # fmt: skip
    assert done.returncode == 3
    assert "too_few_words" in done.stderr
    assert "nothing was kept" in done.stderr
    assert corpusmill("verify", str(tmp_path)).returncode == 0


@pytest.mark.integration
def test_a_wrong_reader_is_told_by_its_first_damage(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "x"}\n')
    inputs = "inputs=[{reader: warc, paths: [a.jsonl], source: web}]"
    recipe = str(ROOT / "configs" / "demo.yaml")
    done = corpusmill("extract", recipe, "--out", "out", "--workers", "1", "--set", inputs, cwd=tmp_path)
    assert done.returncode == 3
    assert "the first is not_a_record in web:a.jsonl: no WARC record starts with" in done.stderr


@pytest.mark.integration
def test_a_folder_with_files_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "mine.parquet").write_text("mine")
    done = corpusmill("extract", "configs/demo.yaml", "--out", str(tmp_path), "--workers", "1")
    assert done.returncode == 2
    assert "is not a run but has documents" in done.stderr
    assert (tmp_path / "documents" / "mine.parquet").read_text() == "mine"


@pytest.mark.integration
def test_a_dry_run_leaves_nothing_in_a_folder_that_is_no_run(tmp_path: Path) -> None:
    done = corpusmill("publish", str(tmp_path), "--repo", "a/b", "--dry-run")
    assert done.returncode == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.integration
def test_a_reader_who_has_seen_enough_is_no_fault(demo: Path) -> None:
    command = [sys.executable, "-m", "pipelines.cli", "show", str(demo), "--limit", "100", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT) as shown:
        assert shown.stdout is not None
        assert shown.stderr is not None
        shown.stdout.readline()
        shown.stdout.close()
        assert shown.stderr.read() == b""
    assert shown.returncode == 0


@pytest.mark.integration
@pytest.mark.parametrize(("skip", "wrong"), [("-5", True), ("99999999999999999999", True), ("0", False)])
def test_only_a_count_can_be_skipped(demo: Path, skip: str, wrong: bool) -> None:
    done = corpusmill("show", str(demo), "--limit", "1", "--skip", skip)
    assert done.returncode == (2 if wrong else 0)
    assert ("--skip" in done.stderr) is wrong


@pytest.mark.integration
def test_extract_after_run_leaves_a_run_that_verifies(demo: Path, tmp_path: Path) -> None:
    shutil.copytree(demo, tmp_path / "run")
    done = corpusmill("extract", "configs/demo.yaml", "--out", str(tmp_path / "run"), "--workers", "1")
    assert done.returncode == 0, done.stderr
    verified = corpusmill("verify", str(tmp_path / "run"))
    assert verified.returncode == 0, verified.stdout


@pytest.mark.integration
def test_more_processes_than_a_machine_has_are_refused() -> None:
    done = corpusmill("extract", "configs/demo.yaml", "--workers", "99999999999999999999")
    assert done.returncode == 2
    assert "more than 1,024 processes" in done.stderr


@pytest.mark.integration
def test_an_error_in_a_worker_process_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"body": "hello"}\n')
    inputs = f"inputs=[{{reader: jsonl, paths: [{tmp_path}/a.jsonl]}}]"
    done = corpusmill(
        "extract", "configs/demo.yaml", "--out", str(tmp_path / "run"), "--workers", "2", "--quiet", "--set", inputs,
    )  # fmt: skip
    assert done.returncode == 3
    (line,) = done.stderr.splitlines()
    assert "there is no column 'text'; the columns are: body" in line


@pytest.mark.integration
def test_the_version_is_told() -> None:
    assert corpusmill("--version").stdout.startswith("corpusmill 0.")


@pytest.mark.integration
def test_an_output_that_cannot_be_written_exits_3(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = corpusmill("run", "configs/demo.yaml", "--out", str(tmp_path / "file"), "--workers", "1")
    assert done.returncode == 3
    assert "Traceback" not in done.stderr


@pytest.mark.integration
def test_an_object_store_is_refused() -> None:
    done = corpusmill("run", "configs/demo.yaml", "--out", "gs://bucket/run")
    assert done.returncode == 3
    assert "object stores are not supported yet" in done.stderr


@pytest.mark.integration
def test_a_step_from_a_file_in_the_current_folder_works(tmp_path: Path) -> None:
    (tmp_path / "my_rules.py").write_text(
        "from dataclasses import dataclass\n"
        "from filters.step import Check\n"
        "@dataclass(frozen=True)\n"
        "class MyRule:\n"
        "    max_letters_e: int | None = 0\n"
        "    MEASURES = {'letters_e': int}\n"
        "    CHECKS = (Check('too_many_e', 'letters_e', '>', 'max_letters_e'),)\n"
        "    FILES = ()\n"
        "    def apply(self, view):\n"
        "        return view, {'letters_e': view.text.count('e')}\n"
    )
    done = corpusmill(
        "filter", str(ROOT / "configs" / "demo.yaml"), "--out", "out", "--workers", "2",
        "--set", f"inputs=[{{reader: warc, paths: [{SAMPLE}/web.warc.gz], limit: 30}}]",
        "--set", "steps=['my_rules:MyRule': {max_letters_e: 50}]", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "too_many_e" in done.stdout
