"""Publishing to a Hub on this machine with the real clients: complete, repeatable, resumable, and read back."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import HfApi
from huggingface_hub import _commit_api as client_uploads
from huggingface_hub.utils import _http as client_http

from pipelines.errors import CorpusmillError, InputError, RecipeError, VerificationError
from pipelines.inputs.retry import Retry
from pipelines.publish import hub as publishing
from pipelines.publish.publish import PARTS, Target, prepare, publish
from pipelines.recipe.load import load
from pipelines.run import run_recipe
from pipelines.store.storage import Storage
from tests.hub.server import TOKEN, running
from tests.hub.state import Hub

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[3]
ALL = Target("me/demo", PARTS)
SMALL = Target("me/demo", ("shards", "tokenizer"))


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A Hub; the clients speak the protocol that it knows and do not really wait."""
    monkeypatch.setattr(client_uploads, "is_xet_available", lambda: False)
    monkeypatch.setattr(client_http.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(publishing, "RETRY", Retry(attempts=6, base_s=0.0))
    with running() as started:
        yield started


@pytest.fixture
def run(demo: Path, tmp_path: Path) -> Storage:
    shutil.copytree(demo, tmp_path / "run")
    return Storage(tmp_path / "run")


def send(
    run: Storage, hub: Hub, target: Target = ALL, token: str = TOKEN, file_bytes: int = 60_000
) -> list[Any]:
    return publish(run, target, HfApi(endpoint=hub.url, token=token), lambda line: None, file_bytes)


def in_a_process(hub: Hub, code: str, tmp_path: Path) -> Any:
    """Run code as a user of the Hub would, in a process whose clients know only its address."""
    environment = os.environ | {
        "HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, "HF_HUB_DISABLE_XET": "1", "HF_HOME": str(tmp_path / "hf"),
        "HF_HUB_DISABLE_PROGRESS_BARS": "1", "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_what_is_loaded_is_what_the_run_wrote(run: Storage, hub: Hub, tmp_path: Path) -> None:
    """Every configuration, whole and streamed, gives the rows of the run; the tokenizer gives its ids."""
    send(run, hub)
    code = """
import json
from datasets import get_dataset_config_names, load_dataset
from transformers import AutoTokenizer
found = {}
for name in get_dataset_config_names("me/demo"):
    for split, rows in load_dataset("me/demo", name).items():
        streamed = list(load_dataset("me/demo", name, split=split, streaming=True))
        assert streamed == list(rows), (name, split)
        key = "id" if "id" in rows.column_names else "input_ids"
        found[f"{name}/{split}"] = [row[key] for row in rows]
tokenizer = AutoTokenizer.from_pretrained("me/demo-tokenizer")
found["ids"] = tokenizer("Grüße, world 日本", split_special_tokens=True)["input_ids"]
print(json.dumps(found))
"""
    found = in_a_process(hub, code, tmp_path)
    import duckdb

    from tokenizer_training.model.tokenizer import Tokenizer

    def ids(sql: str) -> list[str]:
        return sorted(row[0] for row in duckdb.sql(sql.replace("@", str(run.root))).fetchall())

    tokenizer = Tokenizer.load(run.path("tokenizer"))
    assert found.pop("ids") == tokenizer.encode("Grüße, world 日本").tolist()
    documents = ids("SELECT id FROM read_parquet('@/documents/*.parquet')")
    named = {name.partition("/")[0] for name in found} - {"sample", "dropped", "ledger", "shards"}
    assert named == set(ids("SELECT DISTINCT language FROM read_parquet('@/documents/*.parquet')"))
    assert (
        sorted(i for name, rows in found.items() if name.partition("/")[0] in named for i in rows)
        == documents
    )
    assert sorted(found["ledger/train"]) == ids("SELECT id FROM read_parquet('@/ledger/*.parquet')")
    assert set(found["sample/train"]) <= set(documents)
    removed = ids("SELECT id FROM read_parquet('@/duplicates/*.parquet') WHERE NOT kept")
    dropped = ids(
        "SELECT l.id FROM read_parquet('@/ledger/*.parquet') l JOIN read_parquet('@/extracted/*.parquet') e USING (id) "
        "WHERE l.decision = 'dropped' AND e.text IS NOT NULL"
    )
    assert sorted(found["dropped/train"]) == sorted([*removed, *dropped])
    for split in ("train", "validation"):
        rows = duckdb.sql(
            f"SELECT input_ids FROM read_parquet('{run.root}/shards/{split}-*.parquet')"
        ).fetchall()
        assert found[f"shards/{split}"] == [list(row[0]) for row in rows]


def test_the_splits_are_those_of_the_shards(run: Storage, hub: Hub) -> None:
    (contents, _) = prepare(run, ALL)
    import pyarrow.parquet as pq

    def published(split: str) -> set[str]:
        files = [f for f in contents.files if f.split == split and f.path.startswith("data/")]
        return {i for file in files for i in pq.read_table(file.content, columns=["id"])["id"].to_pylist()}

    def packed(split: str) -> set[str]:
        paths = run.path("shards").glob(f"{split}-*.parquet")
        lists = [
            row for path in paths for row in pq.read_table(path, columns=["doc_ids"])["doc_ids"].to_pylist()
        ]
        return {identity.hex() for row in lists for identity in row}

    for split in ("train", "validation"):
        assert published(split) == packed(split) != set()


def test_again_unchanged_makes_no_commit_and_sends_nothing(run: Storage, hub: Hub) -> None:
    first = send(run, hub)
    hub.requests.clear()
    assert send(run, hub) == first
    assert hub.commits("datasets", "me/demo") == hub.commits("models", "me/demo-tokenizer") == 1
    assert not [request for request in hub.requests if "preupload" in request or "/lfs" in request]


def test_a_changed_run_replaces_what_is_no_more(run: Storage, hub: Hub) -> None:
    send(run, hub)
    before = hub.files("datasets", "me/demo")
    HfApi(endpoint=hub.url, token=TOKEN).upload_file(
        path_or_fileobj=b"mine", path_in_repo="NOTES.md", repo_id="me/demo", repo_type="dataset"
    )
    recipe = load(ROOT / "configs" / "demo.yaml", ["gopher_quality.min_words=200", "language.keep=[en]"])
    run_recipe(recipe, str(run.root), workers=1, quiet=True)
    send(run, hub)
    after = hub.files("datasets", "me/demo")
    assert any(path.startswith("data/de/") for path in before)
    assert {path.split("/")[1] for path in after if path.startswith("data/")} == {"en"}
    assert after["NOTES.md"] == b"mine"
    assert hub.commits("datasets", "me/demo") == 3


def test_a_branch_leaves_main_as_it_was(run: Storage, hub: Hub) -> None:
    send(run, hub, SMALL)
    before = hub.files("datasets", "me/demo")
    target = Target("me/demo", ("documents",), branch="run-2")
    send(run, hub, target)
    assert hub.files("datasets", "me/demo") == before
    assert any(path.startswith("data/") for path in hub.files("datasets", "me/demo", "run-2"))


def test_it_is_private_until_it_was_read_back(
    run: Storage, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    read_back = publishing.read_back

    def watch(repo: Any, *rest: Any) -> None:
        seen.append(hub.repos[f"{repo.kind}s", repo.name].private)
        read_back(repo, *rest)

    monkeypatch.setattr(publishing, "read_back", watch)
    send(run, hub, SMALL)
    assert seen == [True, True]
    assert not any(repo.private for repo in hub.repos.values())


def test_private_stays_private_and_a_repository_of_others_is_left_alone(run: Storage, hub: Hub) -> None:
    send(run, hub, Target("me/closed", ("tokenizer",), private=True))
    assert hub.repos["models", "me/closed-tokenizer"].private
    HfApi(endpoint=hub.url, token=TOKEN).create_repo("me/old-tokenizer", private=True)
    send(run, hub, Target("me/old", ("tokenizer",)))
    assert hub.repos["models", "me/old-tokenizer"].private


@pytest.mark.slow
def test_interrupted_at_each_request_it_goes_on_to_the_same(run: Storage, hub: Hub) -> None:
    """From request n on the Hub is gone: publishing fails; when it is back, the same command finishes."""
    send(run, hub, SMALL)
    number = len(hub.requests)
    want = hub.files("datasets", "me/demo"), hub.files("models", "me/demo-tokenizer")
    assert number > 20
    for n in range(number):
        hub.forget()
        run.remove("work/publish/created.json")
        hub.down_from = n
        with pytest.raises(CorpusmillError, match="publish again"):
            send(run, hub, SMALL)
        for (kind, name), repo in hub.repos.items():  # nothing half is ever seen
            assert repo.private or hub.files(kind, name) in want
        hub.down_from = None
        send(run, hub, SMALL)
        assert (hub.files("datasets", "me/demo"), hub.files("models", "me/demo-tokenizer")) == want
        assert hub.commits("datasets", "me/demo") == hub.commits("models", "me/demo-tokenizer") == 1
        assert not any(repo.private for repo in hub.repos.values()), f"interrupted at {n}"


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_hub_is_asked_again(run: Storage, hub: Hub, status: int) -> None:
    """Each request is refused the first time it is made."""
    hub.first_status = status
    done = send(run, hub, SMALL)
    hub.first_status = None
    assert send(run, hub, SMALL) == done
    assert hub.commits("datasets", "me/demo") == hub.commits("models", "me/demo-tokenizer") == 1


def test_a_commit_whose_answer_got_lost_is_not_made_twice(run: Storage, hub: Hub) -> None:
    send(run, hub, SMALL)
    commits = [n for n, request in enumerate(hub.requests) if "/commit/" in request]
    for n in commits:
        hub.forget()
        hub.lose_answer_of = n
        send(run, hub, SMALL)
        assert hub.commits("datasets", "me/demo") == hub.commits("models", "me/demo-tokenizer") == 1


def test_bytes_that_changed_on_the_hub_are_named(
    run: Storage, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_back = publishing.read_back

    def spoil(repo: Any, commit: str, *rest: Any) -> None:
        files = hub.repos[f"{repo.kind}s", repo.name].commits[commit]
        path = next(path for path in files if path.endswith((".parquet", ".model")))
        files[path] = type(files[path])(files[path].data[:-1] + b"?", True)
        read_back(repo, commit, *rest)

    monkeypatch.setattr(publishing, "read_back", spoil)
    with pytest.raises(
        VerificationError, match=r"shards/train-00000-of-00001\.parquet: the Hub has other bytes"
    ):
        send(run, hub, SMALL)
    assert hub.repos["datasets", "me/demo"].private


def test_someone_elses_commit_in_between_is_not_overwritten(
    run: Storage, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = HfApi(endpoint=hub.url, token=TOKEN)
    upload, done = HfApi.preupload_lfs_files, []

    def meddle(self: HfApi, repo_id: str, *rest: Any, **named: Any) -> Any:
        result = upload(self, repo_id, *rest, **named)
        if not done:
            done.append(repo_id)
            api.upload_file(path_or_fileobj=b"x", path_in_repo="x.txt", repo_id=repo_id, repo_type="dataset")
        return result

    monkeypatch.setattr(HfApi, "preupload_lfs_files", meddle)
    with pytest.raises(CorpusmillError, match="somebody else changed main"):
        send(run, hub, SMALL)


def test_without_a_right_the_error_says_how_to_log_in(run: Storage, hub: Hub) -> None:
    with pytest.raises(InputError, match="hf auth login"):
        send(run, hub, SMALL, token="hf_of_a_stranger")


def test_a_run_with_faults_is_not_published(run: Storage, hub: Hub) -> None:
    next(run.path("documents").glob("*.parquet")).write_bytes(b"")
    with pytest.raises(VerificationError, match="nothing was published, because the run has faults"):
        send(run, hub)
    assert hub.requests == []


@pytest.mark.parametrize(
    ("target", "fault"),
    [
        (Target("demo"), "user/name"),
        (Target("me/demo", ("documents", "jam")), "unknown part"),
    ],
)
def test_a_wrong_wish_is_refused(run: Storage, target: Target, fault: str) -> None:
    with pytest.raises(RecipeError, match=fault):
        prepare(run, target)


def test_a_part_the_run_has_not_got_is_refused(tmp_path: Path) -> None:
    inputs = f"inputs=[{{reader: warc, paths: [{ROOT}/tests/sample/web.warc.gz], limit: 30}}]"
    run_recipe(load(ROOT / "configs" / "demo.yaml", [inputs]), str(tmp_path), 1, until="dedup", quiet=True)
    with pytest.raises(RecipeError, match="no finished stage pack"):
        prepare(Storage(tmp_path), Target("me/demo", ("shards",)))


def test_a_dry_run_sends_nothing_and_shows_the_card(demo: Path, tmp_path: Path) -> None:
    shutil.copytree(demo, tmp_path / "run")
    command = [
        sys.executable,
        "-m",
        "pipelines.cli",
        "publish",
        str(tmp_path / "run"),
        "--repo",
        "me/demo",
        "--dry-run",
    ]
    environment = os.environ | {"HF_ENDPOINT": "http://127.0.0.1:9", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert "data/en/train-00000-of-00001.parquet" in done.stdout
    assert "config_name: sample" in done.stdout


def test_the_same_run_gives_the_same_repository(run: Storage) -> None:
    first = [[(f.path, f.sha256) for f in contents.files] for contents in prepare(run, ALL)]
    assert [[(f.path, f.sha256) for f in contents.files] for contents in prepare(run, ALL)] == first
