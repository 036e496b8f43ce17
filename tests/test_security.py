"""What a hostile page, a careless line of code or a curious reader of the logs must not get."""

from __future__ import annotations

import ast
import gzip
import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.cli import main

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


class Contacts:
    """Notes every address that this process tries to connect to or look up."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: list[Any] = []
        for name in ("connect", "connect_ex"):
            monkeypatch.setattr(socket.socket, name, self._refuse)
        monkeypatch.setattr(socket, "getaddrinfo", lambda *given, **_: self._refuse(None, given[0]))

    def _refuse(self, _: Any, address: Any) -> Any:
        self.seen.append(address)
        raise OSError(f"no connection to {address} in this test")


HOSTILE = "../../../tmp/x;$(touch pwned)&\u202e\x1b[31m"


@pytest.fixture(scope="module")
def hostile_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Contacts, str]]:
    """A whole run over records full of names that would like to be paths, with a secret in the environment."""
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
        "name: hostile\ninputs: [{reader: jsonl, paths: ['in put*.jsonl.gz']}]\nsteps: [length]\n"
        "tokenizer: {vocab_size: 512}\npack: {seq_len: 64}\n"
    )
    with pytest.MonkeyPatch.context() as monkeypatch:
        for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, CANARY)
        contacts = Contacts(monkeypatch)
        with pytest.raises(SystemExit) as ended:
            main(["run", str(recipe), "--out", str(folder / "out"), "--workers", "1", "--quiet"])
        assert not ended.value.code
        yield folder / "out", contacts, str(ended.value)


def test_names_from_data_never_become_paths(hostile_run: tuple[Path, Contacts, str]) -> None:
    out = hostile_run[0]
    names = [path.relative_to(out).as_posix() for path in out.rglob("*")]
    assert len(names) > 20
    assert [name for name in names if not re.fullmatch(r"[a-z0-9_./-]+", name)] == []
    assert sorted(path.name for path in out.parent.iterdir()) == [
        "in put;$(x)&.jsonl.gz",
        "out",
        "recipe.yaml",
    ]


def test_a_run_connects_to_nobody(hostile_run: tuple[Path, Contacts, str]) -> None:
    assert hostile_run[1].seen == []


def test_no_file_of_a_run_holds_a_secret_of_the_environment(hostile_run: tuple[Path, Contacts, str]) -> None:
    for path in hostile_run[0].rglob("*"):
        if path.is_file():
            assert CANARY.encode() not in path.read_bytes(), path


def test_no_error_shows_a_secret_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HF_TOKEN", CANARY)
    for arguments in (
        ["run", str(tmp_path / "none.yaml")],
        ["verify", str(tmp_path)],
        ["publish", str(tmp_path), "--repo", "a/b"],
    ):
        with pytest.raises(SystemExit):
            main(arguments)
    captured = capsys.readouterr()
    assert captured.err
    assert CANARY not in captured.out + captured.err


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
