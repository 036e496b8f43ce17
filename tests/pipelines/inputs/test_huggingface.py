"""Datasets of the Hub, from a small hub of our own, and the same in a folder: same files, same rows, same offsets."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest
from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub import _commit_api as client_uploads

from pipelines.errors import CorpusmillError, InputError
from pipelines.readers.record import Damaged, Record, Rejected, Span
from pipelines.recipe.load import load, resolved
from pipelines.run import run_recipe
from tests.hub.server import TOKEN, running

ROOT = Path(__file__).resolve().parents[3]
COMMIT = "0123456789abcdef0123456789abcdef01234567"
TEXTS = [f"Text number {n} says something that is long enough to be kept." for n in range(30)]
CARD = """---
license: cc0-1.0
configs:
- config_name: big
  default: true
  data_files:
  - split: train
    path: big/*.parquet
  - split: test
    path: [big/test/*.parquet]
- config_name: small
  data_dir: small
---
# A dataset
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A dataset with two configurations, and files that are none of it."""
    home = tmp_path / "set"
    for name in ("big/test", "small/data"):
        (home / name).mkdir(parents=True)
    table = pa.table({"content": TEXTS, "meta": [{"url": f"https://x.example/{n}"} for n in range(30)]})
    pq.write_table(table.slice(0, 20), home / "big" / "a.parquet", row_group_size=5)
    pq.write_table(table.slice(20), home / "big" / "b.parquet")
    pq.write_table(table.slice(0, 3), home / "big" / "test" / "t.parquet")
    pq.write_table(table, home / "small" / "data" / "train-00000-of-00001.parquet")
    pq.write_table(table.slice(0, 1), home / "small" / "data" / "validation-00000-of-00001.parquet")
    (home / "README.md").write_text(CARD)
    (home / "LICENSE.txt").write_text("free")
    (home / ".gitattributes").write_text("x")
    return home


@pytest.fixture
def hub(server: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A hub that serves the dataset as ``me/set``: the read-only part of its interface that is needed."""
    paths = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    api = "/api/datasets/me/set"
    server.files[f"{api}/revision/main"] = json.dumps({"id": "me/set", "sha": COMMIT}).encode()
    tree = [{"type": "file", "path": path, "size": 1, "oid": "x"} for path in paths]
    tree += [{"type": "directory", "path": "big"}]
    server.files[f"{api}/tree/{COMMIT}?recursive=true"] = json.dumps(tree).encode()
    for path in paths:
        server.files[f"/datasets/me/set/resolve/{COMMIT}/{path}"] = (folder / path).read_bytes()
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
    return server


Extract = Callable[..., dict[str, Any]]


@pytest.fixture
def extract(tmp_path: Path) -> Extract:
    """Extract what an input of the reader holds; return the manifest and the rows."""

    def run(keys: str, out: str) -> dict[str, Any]:
        path = tmp_path / "r.yaml"
        path.write_text(f"name: r\ninputs: [{{reader: huggingface, {keys}}}]\n")
        manifest = run_recipe(load(path), str(tmp_path / out), 1, until="extract", quiet=True)
        tables = [pq.read_table(part) for part in sorted((tmp_path / out / "extracted").glob("*.parquet"))]
        return {"manifest": manifest, "rows": pa.concat_tables(tables).sort_by("id")}

    return run


@pytest.mark.integration
def test_the_hub_and_a_folder_give_the_same_rows(hub: Any, extract: Extract) -> None:
    keys = "text: content, url: meta.url"
    there = extract(f"dataset: me/set, {keys}", "there")
    here = extract(f"dataset: ./set, {keys}", "here")
    assert there["rows"].equals(here["rows"])
    rows = there["rows"].to_pylist()
    assert sorted(row["text"] for row in rows) == sorted(TEXTS)
    assert {row["file"] for row in rows} == {"big/a.parquet", "big/b.parquet"}
    assert len({row["offset"] for row in rows if row["file"] == "big/a.parquet"}) == 4, (
        "a row group is a span"
    )
    assert {row["url"] for row in rows} == {f"https://x.example/{n}" for n in range(30)}
    entry = there["manifest"].recipe["inputs"][0]
    assert entry["listed"] == [{"commit": COMMIT}]
    assert entry["files"][0]["path"] == f"hf://datasets/me/set@{COMMIT}/big/a.parquet"


@pytest.mark.integration
def test_a_private_dataset_that_the_hubs_own_client_uploaded_is_read(
    folder: Path, extract: Extract, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against the strict Hub that publishing is tested with: large files redirected or not, a token asked for."""
    monkeypatch.setattr(client_uploads, "is_xet_available", lambda: False)
    with running() as strict:
        api = HfApi(endpoint=strict.url, token=TOKEN)
        api.create_repo("me/set", repo_type="dataset", private=True)
        files = [path for path in folder.rglob("*") if path.is_file()]
        adds = [CommitOperationAdd(path.relative_to(folder).as_posix(), path) for path in files]
        api.create_commit("me/set", adds, commit_message="Add", repo_type="dataset")
        monkeypatch.setenv("HF_ENDPOINT", strict.url)
        with pytest.raises(InputError, match="401"):
            extract("dataset: me/set, text: content", "out")
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        there = extract("dataset: me/set, text: content", "out")
    assert there["rows"].equals(extract("dataset: ./set, text: content", "here")["rows"])
    assert not [
        path
        for path in folder.parent.rglob("out/**/*")
        if path.is_file() and TOKEN.encode() in path.read_bytes()
    ]


@pytest.mark.integration
def test_a_run_stays_with_its_commit(hub: Any, extract: Extract) -> None:
    first = extract("dataset: me/set, text: content", "out")
    moved = {"id": "me/set", "sha": "f" * 40}
    hub.files["/api/datasets/me/set/revision/main"] = json.dumps(moved).encode()
    assert extract("dataset: me/set, text: content", "out")["manifest"] == first["manifest"]


@pytest.mark.integration
@pytest.mark.parametrize(
    ("keys", "files"),
    [
        ("split: test", ["big/test/t.parquet"]),
        ("config: small", ["data/train-00000-of-00001.parquet"]),
        ("config: small, split: validation", ["data/validation-00000-of-00001.parquet"]),
    ],
)
def test_configurations_and_splits_are_those_of_datasets(
    hub: Any, folder: Path, extract: Extract, keys: str, files: list[str]
) -> None:
    """What `datasets` itself finds in the folder is the reference."""
    found = extract(f"dataset: me/set, text: content, {keys}", "out")
    options = dict(part.split(": ") for part in keys.split(", "))
    rows = datasets.load_dataset(
        str(folder),
        options.get("config", "big"),
        split=options.get("split", "train"),
        streaming=True,
    )
    assert sorted(found["rows"]["text"].to_pylist()) == sorted(row["content"] for row in rows)
    assert {name.removeprefix("small/") for name in found["rows"]["file"].to_pylist()} == set(files)


@pytest.mark.integration
@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ("dataset: me/set", "there is no column 'text'; the columns are: content, meta, meta.url"),
        ("dataset: me/set, text: content, split: dev", "its splits are: train, test"),
        ("dataset: me/set, text: content, config: huge", "one of its configurations: big, small"),
        ("dataset: me/other, text: content", "there is no such file"),
        ("dataset: me/set, text: content, revision: v2", "there is no such file"),
    ],
)
def test_what_is_not_on_the_hub_is_said(hub: Any, extract: Extract, keys: str, says: str) -> None:
    with pytest.raises(InputError, match=re.escape(says)):
        extract(keys, "out")


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ("dataset: ./nowhere", "there is no such folder"),
        ("dataset: set", "OWNER/NAME on the Hub or a folder"),
        ("dataset: ./set, revision: v1", "a folder has none"),
        ("dataset: ./set, paths: [a]", "this reader finds its files itself"),
        ("split: test", "missing key 'dataset'"),
    ],
)
def test_a_wrong_dataset_is_a_fault_of_the_recipe(
    folder: Path, extract: Extract, keys: str, says: str
) -> None:
    with pytest.raises(CorpusmillError, match=re.escape(says)):
        extract(keys, "out")


def test_checking_a_recipe_asks_no_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    path = tmp_path / "r.yaml"
    path.write_text("name: r\ninputs: [{reader: huggingface, dataset: me/set, revision: v1}]\n")
    shown = resolved(load(path))["inputs"][0]  # type: ignore[index]
    assert (shown["dataset"], shown["revision"], shown["split"]) == ("me/set", "v1", "train")


def csv(path: Path) -> None:
    pc.write_csv(pa.table({"id": range(30), "text": TEXTS}), path)


def arrow(path: Path) -> None:
    with pa.ipc.new_stream(path, pa.schema({"id": pa.int64(), "text": pa.string()})) as sink:
        sink.write_table(pa.table({"id": range(30), "text": TEXTS}))


def array(path: Path) -> None:
    path.write_text(json.dumps([{"id": n, "text": text} for n, text in enumerate(TEXTS)], indent=1))


def lines(path: Path) -> None:
    path.write_text("\n".join(TEXTS))


@pytest.mark.integration
@pytest.mark.parametrize(
    ("name", "write"),
    [("train.csv", csv), ("train.arrow", arrow), ("train.json", array), ("train.txt", lines)],
)
def test_other_formats_are_streamed_as_a_whole(
    tmp_path: Path, extract: Extract, server: Any, monkeypatch: pytest.MonkeyPatch, name: str, write: Any
) -> None:
    """From a folder and from the Hub alike; each row has the file as its span, and its ordinal as index."""
    home = tmp_path / "plain"
    home.mkdir()
    write(home / name)
    here = extract("dataset: ./plain", "here")
    assert sorted(here["rows"]["text"].to_pylist()) == sorted(TEXTS)
    assert sorted(here["rows"]["index"].to_pylist()) == list(range(30))
    assert set(here["rows"]["length"].to_pylist()) == {(home / name).stat().st_size}
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    server.files["/api/datasets/me/plain/revision/main"] = json.dumps({"sha": COMMIT}).encode()
    tree = [{"type": "file", "path": name}]
    server.files[f"/api/datasets/me/plain/tree/{COMMIT}?recursive=true"] = json.dumps(tree).encode()
    server.files[f"/datasets/me/plain/resolve/{COMMIT}/{name}"] = (home / name).read_bytes()
    assert extract("dataset: me/plain", "there")["rows"].equals(here["rows"])


@pytest.mark.integration
def test_a_saved_dataset_is_read(tmp_path: Path, extract: Extract) -> None:
    saved = datasets.DatasetDict({"train": datasets.Dataset.from_dict({"text": TEXTS})})
    saved.save_to_disk(str(tmp_path / "saved"))
    assert sorted(extract("dataset: ./saved", "out")["rows"]["text"].to_pylist()) == sorted(TEXTS)


@pytest.mark.integration
def test_json_lines_keep_their_spans(tmp_path: Path, extract: Extract) -> None:
    home = tmp_path / "plain"
    home.mkdir()
    (home / "train.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS))
    rows = extract("dataset: ./plain", "out")["rows"]
    assert sorted(rows["text"].to_pylist()) == sorted(TEXTS)
    assert len(set(rows["offset"].to_pylist())) == len(TEXTS)


@pytest.mark.integration
def test_no_host_is_contacted_for_a_local_file(tmp_path: Path) -> None:
    """`datasets` would count the load on a server; in a process of its own, where nobody has told it not to."""
    (tmp_path / "train.csv").write_text("id,text\n1,hello\n")
    script = """
import pathlib, socket, sys
def refuse(*args, **more):
    sys.exit(f"asked for {args}")
socket.getaddrinfo = socket.socket.connect = refuse
from pipelines.readers.huggingface import Huggingface
from pipelines.inputs.hub_dataset import local_files
(file,) = local_files(pathlib.Path(sys.argv[1]), None, "train")
with file.path.open("rb") as stream:
    print([type(event).__name__ for event in Huggingface("./x").read(stream, 0, 99)])
"""
    command = [sys.executable, "-c", script, str(tmp_path)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment)
    assert done.stdout.strip() == "['Record', 'Span']", done.stderr


def test_damage_in_a_streamed_file_is_reported(tmp_path: Path) -> None:
    from pipelines.readers.huggingface import Huggingface

    path = tmp_path / "a.arrow"
    arrow(path)
    data = path.read_bytes()
    reader = Huggingface("./x")
    for cut in (len(data) // 2, 10):
        path.write_bytes(data[:cut])
        with path.open("rb") as stream:
            events = list(reader.read(stream, 0, cut))
        assert [event.length for event in events if isinstance(event, Span | Damaged)] == [cut]
        assert isinstance(events[-1], Damaged)
        assert all(isinstance(event, Record | Rejected | Damaged) for event in events)


@pytest.mark.integration
def test_a_listing_may_have_pages(hub: Any, extract: Extract, fault: Any) -> None:
    tree = f"/api/datasets/me/set/tree/{COMMIT}?recursive=true"
    entries = json.loads(hub.files[tree])
    hub.files[tree] = json.dumps(entries[:4]).encode()
    hub.files[f"{tree}&cursor=x"] = json.dumps(entries[4:]).encode()
    link = (("Link", f'<{hub.url}{tree}&cursor=x>; rel="next"'),)
    hub.fault = lambda n, path: fault(headers=link) if path == tree else None
    found = extract("dataset: me/set, text: content", "out")
    assert len(found["rows"]) == 30
