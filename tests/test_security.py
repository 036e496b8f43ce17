"""What a hostile page, a careless line of code or a curious reader of the logs must not get."""

from __future__ import annotations

import ast
import gzip
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
OURS = sorted(
    path
    for package in ("filters", "pipelines", "tokenizer_training")
    for path in (ROOT / package).rglob("*.py")
)
CANARY = "hf_canaryTokenThatMustNotShowUp0123"

UNSAFE_MODULES = {"cloudpickle", "dill", "joblib", "marshal", "pickle", "shelve"}
UNSAFE_CALLS = {"eval", "exec", "yaml.load", "yaml.unsafe_load", "torch.load", "os.system", "os.popen"}


def unsafe(path: Path) -> Iterator[str]:
    """Yield the places of a file that load code or run a shell."""
    for node in ast.walk(ast.parse(path.read_text())):
        where = f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
            if any(name.partition(".")[0] in UNSAFE_MODULES for name in names):
                yield f"{where}: imports a module that unpickles"
        if isinstance(node, ast.Call):
            keywords = {word.arg: word.value for word in node.keywords}
            name = ast.unparse(node.func)
            if name in UNSAFE_CALLS:
                yield f"{where}: calls {name}"
            if (
                name.endswith((".extractall", ".extract"))
                and "tar" in name.lower()
                and "filter" not in keywords
            ):
                yield f"{where}: unpacks without a filter"
            for word in ("shell", "allow_pickle", "trust_remote_code"):
                if word in keywords and ast.unparse(keywords[word]) != "False":
                    yield f"{where}: {word}"


@pytest.mark.slow
@pytest.mark.parametrize("path", OURS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_code_of_ours_loads_code_from_data(path: Path) -> None:
    assert list(unsafe(path)) == []


def test_the_gate_sees_what_it_is_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    bad = tmp_path / "bad.py"
    bad.write_text(
        "import pickle\nyaml.load(x)\ntar.extractall(p)\nnumpy.load(f, allow_pickle=True)\nrun(c, shell=True)\n"
    )
    assert len(list(unsafe(bad))) == 5


GUARD = """
import os, sys

def note(*words):
    with open(__file__ + ".notes", "a") as file:
        print(*map(repr, words), file=file)

def guard(event, given):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        note("contact", *given)

note("process", *sys.orig_argv[1:5])
sys.addaudithook(guard)
"""
"""Read by every Python that a run starts: notes that it is there, and whom it tries to contact or to look up."""


@dataclass(frozen=True)
class Watched:
    """A run with all that it left behind.

    Attributes:
        out: its folder.
        said: its log, with ``--debug``.
        notes: what the guards in its processes noted.
    """

    out: Path
    said: str
    notes: list[str]


def watched(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line with a guard in every process, and with secrets in the environment."""
    (folder / "guard").mkdir(exist_ok=True)
    (folder / "guard" / "sitecustomize.py").write_text(GUARD)
    secrets = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "AWS_SECRET_ACCESS_KEY")
    environment = {**os.environ, **dict.fromkeys(secrets, CANARY)}
    environment["PYTHONPATH"] = f"{folder / 'guard'}:{ROOT}"
    command = [sys.executable, "-m", "pipelines", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment)


HOSTILE = "../../../tmp/x;$(touch pwned)&\u202e\x1b[31m"


@pytest.fixture(scope="module")
def hostile_run(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    """A run with two workers over records full of names that would like to be paths, and some web pages."""
    folder = tmp_path_factory.mktemp("hostile")
    text = (
        "The mill at the river has ground the corn of the whole valley since it was built, and of others. "
        * 40
    )
    rows = [
        {"id": f"{HOSTILE}{n}", "url": f"http://{HOSTILE}/{n}", "text": f"{text} {n} {HOSTILE}"}
        for n in range(40)
    ]
    data = "\n".join(json.dumps(row) for row in rows).encode()
    (folder / "in put;$(x)&.jsonl.gz").write_bytes(gzip.compress(data, mtime=0))
    recipe = folder / "recipe.yaml"
    recipe.write_text(
        "name: hostile\ninputs:\n  - {reader: jsonl, paths: ['in put*.jsonl.gz']}\n"
        f"  - {{reader: warc, paths: [{ROOT}/tests/sample/web.warc.gz], limit: 4}}\n"
        "steps: [length]\ntokenizer: {vocab_size: 512}\npack: {seq_len: 64}\n"
    )
    done = watched(folder, "run", str(recipe), "--out", str(folder / "out"), "--workers", "2", "--debug")
    assert done.returncode == 0, done.stderr
    notes = (folder / "guard" / "sitecustomize.py.notes").read_text().splitlines()
    return Watched(folder / "out", done.stdout + done.stderr, notes)


@pytest.mark.integration
def test_names_from_data_never_become_paths(hostile_run: Watched) -> None:
    out = hostile_run.out
    names = [path.relative_to(out).as_posix() for path in out.rglob("*")]
    assert len(names) > 20
    assert [name for name in names if not re.fullmatch(r"[a-z0-9_./-]+", name)] == []
    assert sorted(path.name for path in out.parent.iterdir()) == [
        "guard",
        "in put;$(x)&.jsonl.gz",
        "out",
        "recipe.yaml",
    ]


@pytest.mark.integration
def test_no_process_of_a_run_connects_to_anybody(hostile_run: Watched) -> None:
    processes = "\n".join(note for note in hostile_run.notes if note.startswith("'process'"))
    for kind in ("'pipelines'", "pipelines.beam.worker", "pipelines.extraction.child", "'-c'"):
        assert kind in processes, "the guard is not there"
    assert [note for note in hostile_run.notes if note.startswith("'contact'")] == []


@pytest.mark.integration
def test_the_guard_notes_whoever_is_looked_up_or_contacted(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(GUARD)
    code = "import socket; socket.getaddrinfo('localhost', 80); socket.socket().connect_ex(('127.0.0.1', 9))"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    notes = (tmp_path / "sitecustomize.py.notes").read_text().splitlines()
    assert [note.split()[0] for note in notes] == ["'process'", "'contact'", "'contact'"]
    assert "'localhost'" in notes[1]
    assert "('127.0.0.1', 9)" in notes[2]


@pytest.mark.integration
def test_nothing_of_a_run_holds_a_secret_of_the_environment(hostile_run: Watched) -> None:
    assert CANARY not in hostile_run.said
    for path in hostile_run.out.rglob("*"):
        if path.is_file():
            assert CANARY.encode() not in path.read_bytes(), path


@pytest.mark.integration
def test_no_error_shows_a_secret_of_the_environment(tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text("{}")
    (tmp_path / "r.yaml").write_text("name: x\ninputs: [{reader: jsonl, paths: [bad.jsonl]}]\n")
    for arguments in (
        ["run", str(tmp_path / "none.yaml")],
        ["run", str(tmp_path / "r.yaml"), "--out", str(tmp_path / "out"), "--workers", "1"],
        ["verify", str(tmp_path)],
        ["publish", str(tmp_path), "--repo", "a/b"],
    ):
        for more in ([], ["--debug"]):
            done = watched(tmp_path, *arguments, *more)
            assert done.returncode
            assert done.stdout + done.stderr
            assert CANARY not in done.stdout + done.stderr


def test_every_locked_dependency_has_its_hash_and_the_tested_version() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    entries = re.split(r"^(?=[A-Za-z0-9])", lock, flags=re.MULTILINE)[1:]
    assert len(entries) > 100
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    tested = dict(
        re.findall(r"^([A-Za-z0-9_.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    )
    wanted = {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in tested.items()}
    locked = dict(entry.split()[0].split("==") for entry in entries)
    assert {name: version for name, version in locked.items() if wanted.get(name, version) != version} == {}


def test_everything_that_is_installed_for_work_is_locked() -> None:
    """Else `make lock` was forgotten when a dependency came in."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = [
        *project["dependencies"],
        *(entry for name in ("dev", "gguf", "notebooks") for entry in extras[name]),
    ]
    names = {re.sub(r"[-_.]+", "-", re.split(r"[\s\[<>=!~;]", entry)[0]).lower() for entry in wanted}
    lock = (ROOT / "requirements.lock").read_text()
    assert names - set(re.findall(r"^([a-z0-9-]+)(?:\[.*\])?==", lock, re.MULTILINE)) == set()
