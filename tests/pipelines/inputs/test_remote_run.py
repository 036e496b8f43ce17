"""Whole runs over the network: the documents of local files, whatever the server does; resumed after a kill."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import InputError
from pipelines.inputs.crawl_list import choose
from pipelines.publish.public_recipe import public_recipe
from pipelines.recipe.load import load, resolved
from pipelines.run import run_recipe
from pipelines.store.manifest import RunManifest
from pipelines.store.storage import Storage, sha256_of
from pipelines.views.verify import verify

ROOT = Path(__file__).resolve().parents[3]
SAMPLE = ROOT / "tests" / "sample"
WEB = (SAMPLE / "web.warc.gz").read_bytes()


def data_files(out: Path) -> dict[str, str]:
    """Hash of every table and shard of a run."""
    files = [
        path for path in out.rglob("*") if path.suffix in (".parquet", ".model") and "work" not in path.parts
    ]
    return {path.relative_to(out).as_posix(): sha256_of(path) for path in files}


def recipe(folder: Path, inputs: str, *more: str) -> Path:
    """Write a recipe that stops after extraction."""
    path = folder / "r.yaml"
    path.write_text("\n".join([f"name: r\ninputs: [{inputs}]", *more]))
    return path


def extract(folder: Path, inputs: str, out: str = "out", *more: str) -> RunManifest:
    return run_recipe(load(recipe(folder, inputs, *more)), str(folder / out), 1, until="extract", quiet=True)


@pytest.mark.integration
@pytest.mark.usefixtures("quick")
def test_a_run_from_a_bad_server_gives_the_bytes_of_a_local_run(
    demo: Path, tmp_path: Path, server: Any, fault: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.inputs.ranged_file.FIRST_BYTES", 1 << 13)
    monkeypatch.setattr("pipelines.inputs.ranged_file.MOST_BYTES", 1 << 15)
    for name in ("web.warc.gz", "wiki.xml.bz2"):
        server.files[f"/data/{name}"] = (SAMPLE / name).read_bytes()
    bad = [
        fault(cut=10_000, reset=True),
        fault(status=503),
        fault(cut=1000),
        fault(status=403),
        fault(status=429),
    ]
    server.fault = lambda n, path: bad[n // 2 % 5] if n % 2 else None
    inputs = (
        f"inputs=[{{reader: warc, paths: ['{server.url}/data/web.warc.gz']}}, "
        f"{{reader: wikipedia, paths: ['{server.url}/data/wiki.xml.bz2']}}]"
    )
    run_recipe(load(ROOT / "configs" / "demo.yaml", [inputs]), str(tmp_path), workers=1, quiet=True)
    assert data_files(tmp_path) == data_files(demo)
    assert verify(Storage(tmp_path))[0] == []
    assert len(server.seen) > 30


@pytest.mark.integration
def test_a_killed_run_goes_on_with_what_is_missing(tmp_path: Path, server: Any) -> None:
    data = WEB * 5  # three units
    server.files["/web.warc.gz"] = data
    (tmp_path / "web.warc.gz").write_bytes(data)
    extract(tmp_path, "{reader: warc, paths: [web.warc.gz]}", "local", "unit_mb: 1")
    path = recipe(tmp_path, f"{{reader: warc, paths: ['{server.url}/web.warc.gz']}}", "unit_mb: 1")
    command = [
        sys.executable,
        "-m",
        "pipelines.cli",
        "extract",
        str(path),
        "--out",
        str(tmp_path / "out"),
        "--workers",
        "1",
        "--quiet",
    ]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = tmp_path / "out" / "work" / "extract"
    killed = subprocess.run(command, env=environment | {"CORPUSMILL_FAIL": "extract.start:2:kill"})
    assert killed.returncode == -signal.SIGKILL
    finished = {path: path.stat().st_mtime_ns for path in done.glob("*.json")}
    assert len(finished) == 1
    assert subprocess.run(command, env=environment).returncode == 0
    assert data_files(tmp_path / "out") == data_files(tmp_path / "local")
    assert {path: path.stat().st_mtime_ns for path in finished} == finished, "finished units were done again"
    server.seen.clear()
    assert subprocess.run(command, env=environment).returncode == 0
    assert not server.seen, "a finished run needs no network"


def test_checking_a_remote_recipe_needs_no_network(tmp_path: Path) -> None:
    nowhere = "https://no-such-host.invalid/x/a.warc.gz"
    inputs = (
        f"{{reader: warc, paths: ['{nowhere}', 's3://bucket/c/*.gz']}}, "
        "{reader: wet, crawl: CC-MAIN-2025-08, files: 4, seed: 7, source: wet}"
    )
    shown = resolved(load(recipe(tmp_path, inputs)))["inputs"]
    assert shown[0]["paths"] == [nowhere, "s3://bucket/c/*.gz"]  # type: ignore[index]
    assert shown[0]["files"] == [{"name": "a.warc.gz", "path": nowhere}]  # type: ignore[index]
    assert shown[1]["crawl"] == "CC-MAIN-2025-08"  # type: ignore[index]
    assert (shown[1]["files"], shown[1]["seed"]) == (4, 7)  # type: ignore[index]
    assert shown[1]["mirror"] == "https://data.commoncrawl.org/"  # type: ignore[index]


def test_the_remote_inputs_that_recipes_suggest_are_right() -> None:
    found = []
    for path in sorted((ROOT / "configs").glob("*.yaml")):
        for override in re.findall(r'--set "(inputs=.*)"', path.read_text()):
            if "crawl:" in override or "://" in override:
                found.append(override)
                assert load(path, [override]).inputs
    assert len(found) == 3


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ("{reader: warc, paths: ['https://h/*.gz']}", "https files cannot be listed; name each one"),
        ("{reader: warc, paths: ['ftp://h/a']}", "supported: https, http, s3, gs, hf"),
        ("{reader: warc}", "missing key 'paths'"),
        ("{reader: warc, paths: ['s3://b/a'], crawl: CC}", "remove one of them"),
        ("{reader: wikipedia, crawl: CC}", "lists no files for this reader"),
        ("{reader: warc, paths: ['s3://b/a'], files: 3}", "files belongs to a crawl"),
        ("{reader: warc, crawl: ../x}", "crawl must be a release such as CC-MAIN-2025-08"),
        ("{reader: warc, crawl: CC, limit: 9}", "files must say how many files the limit is taken from"),
        ("{reader: warc, crawl: CC, files: 0}", "files must be at least 1"),
        ("{reader: warc, crawl: CC, mirror: 'https://h'}", "mirror must end with a slash"),
        ("{reader: warc, paths: ['https://h/a'], hosts: ['x/y']}", "hosts must be names"),
        ("{reader: warc, paths: ['https://h/a/x.gz', 's3://b/x.gz']}", "would share ids"),
    ],
)
def test_a_wrong_remote_input_is_a_fault_of_the_recipe(tmp_path: Path, inputs: str, says: str) -> None:
    with pytest.raises(Exception, match=re.escape(says)):
        load(recipe(tmp_path, inputs))


LIST = "".join(f"crawl-data/CC-T/segments/{n % 7}/warc/CC-{n:05d}.warc.gz\n" for n in range(50))


def serve_crawl(server: Any, listing: str = LIST) -> None:
    server.files["/crawl-data/CC-T/warc.paths.gz"] = gzip.compress(listing.encode(), mtime=0)
    for path in listing.split():
        server.files[f"/{path}"] = WEB


@pytest.mark.integration
def test_a_crawl_becomes_the_same_choice_of_files_each_time(tmp_path: Path, server: Any) -> None:
    serve_crawl(server)
    crawl = f"{{reader: warc, crawl: CC-T, files: 3, mirror: '{server.url}/', limit: 40}}"
    entry = extract(tmp_path, crawl).recipe["inputs"][0]
    names = [file["name"] for file in entry["found"]]
    assert names == sorted(choose(LIST.split(), 3, 1))
    assert entry["listed"][0]["paths"] == "50"
    assert len(entry["listed"][0]["sha256"]) == 64
    assert extract(tmp_path, crawl, "again").recipe["inputs"][0] == entry
    server.seen.clear()
    assert extract(tmp_path, crawl).recipe["inputs"][0] == entry
    assert not server.seen, "list, files and units were pinned"


@pytest.mark.integration
def test_a_card_names_what_was_read_and_no_folder_of_this_machine(tmp_path: Path, server: Any) -> None:
    serve_crawl(server)
    home = tmp_path / "plain"
    home.mkdir()
    (home / "train.jsonl").write_text('{"text": "x"}\n')
    inputs = [
        f"{{reader: warc, crawl: CC-T, files: 2, mirror: '{server.url}/', limit: 3}}",
        f"{{reader: warc, paths: ['{server.url}/{LIST.split()[0]}'], source: one, limit: 3}}",
        f"{{reader: huggingface, dataset: {home}}}",
    ]
    whole = extract(tmp_path, ", ".join(inputs)).recipe
    crawl, one, folder = public_recipe(whole)["inputs"]
    assert (crawl["crawl"], crawl["files"], crawl["seed"]) == ("CC-T", 2, 1)
    assert crawl["listed"][0]["list"] == f"{server.url}/crawl-data/CC-T/warc.paths.gz"
    assert "found" not in crawl
    assert one["paths"] == [f"{server.url}/{LIST.split()[0]}"]
    assert (folder["dataset"], folder["files"]) == ("plain", ["train.jsonl"])
    assert str(tmp_path) not in json.dumps(public_recipe(whole))


def test_more_files_of_a_crawl_are_the_same_and_more() -> None:
    paths = LIST.split()
    assert choose(paths, 3, 1) == choose(list(reversed(paths)), 9, 1)[:3]
    assert choose(paths, 3, 1) != choose(paths, 3, 2)
    assert sorted(choose(paths, None, 1)) == sorted(paths)


@pytest.mark.parametrize(
    ("files", "listing", "says"),
    [
        (60, LIST, "lists 50 files, the recipe asks for 60"),
        (1, "../../etc/passwd\n", "is not a path"),
        (1, "https://elsewhere.org/a.warc.gz\n", "is not a path"),
    ],
)
def test_a_list_that_cannot_be_is_an_error(
    tmp_path: Path, server: Any, files: int, listing: str, says: str
) -> None:
    serve_crawl(server, listing)
    with pytest.raises(InputError, match=says):
        extract(tmp_path, f"{{reader: warc, crawl: CC-T, files: {files}, mirror: '{server.url}/'}}")


LISTING = '<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{}</ListBucketResult>'
ENTRY = "<Contents><Key>{}</Key><ETag>&quot;{}&quot;</ETag><Size>{}</Size></Contents>"
SERVICES = [("s3", "AWS_ENDPOINT_URL_S3"), ("gs", "STORAGE_EMULATOR_HOST")]


@pytest.mark.integration
@pytest.mark.parametrize(("scheme", "variable"), SERVICES)
def test_a_bucket_is_listed_page_by_page(
    tmp_path: Path, server: Any, monkeypatch: pytest.MonkeyPatch, scheme: str, variable: str
) -> None:
    monkeypatch.setenv(variable, server.url)
    keys = ["crawl/1/a.warc.gz", "crawl/1/b.txt", "crawl/2/a.warc.gz"]
    for key in keys:
        server.files[f"/bucket/{key}"] = WEB
    entries = [ENTRY.format(key, hashlib.md5(WEB).hexdigest(), len(WEB)) for key in keys]
    more = "<IsTruncated>true</IsTruncated><NextContinuationToken>a+/=</NextContinuationToken>"
    base = "/bucket/?{}list-type=2&prefix=crawl%2F"
    server.files[base.format("")] = LISTING.format(entries[0] + entries[1] + more).encode()
    server.files[base.format("continuation-token=a%2B%2F%3D&")] = LISTING.format(entries[2]).encode()
    found = extract(tmp_path, f"{{reader: warc, paths: ['{scheme}://bucket/crawl/**/*.warc.gz'], limit: 5}}")
    assert [file["name"] for file in found.recipe["inputs"][0]["files"]] == ["1/a.warc.gz", "2/a.warc.gz"]


@pytest.mark.parametrize(
    ("page", "says"),
    [
        (LISTING.format(""), "no object of the bucket matches"),
        (LISTING.format("<IsTruncated>true</IsTruncated>"), "announces more but not where"),
        (LISTING.format("<Contents><Key>a</Key></Contents>"), "lacks its key or its size"),
        ("<html>Log in</html>", "the answer is not a listing"),
        ("<ListBucketResult>", "the answer is not a listing"),
        (
            '<!DOCTYPE a [<!ENTITY b "c">]><ListBucketResult>&b;</ListBucketResult>',
            "declares a document type",
        ),
    ],
)
def test_a_listing_that_cannot_be_is_an_error(
    tmp_path: Path, server: Any, monkeypatch: pytest.MonkeyPatch, page: str, says: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.url)
    server.files["/bucket/?list-type=2&prefix="] = page.encode()
    with pytest.raises(InputError, match=says):
        extract(tmp_path, "{reader: warc, paths: ['s3://bucket/*.gz']}")


@pytest.mark.integration
def test_an_object_that_changed_since_it_was_listed_is_an_error(tmp_path: Path, server: Any) -> None:
    server.files["/a.warc.gz"] = WEB
    inputs = f"{{reader: warc, paths: ['{server.url}/a.warc.gz']}}"
    changed = WEB + WEB
    server.fault = lambda n, path: server.files.update({path: changed}) if n == 1 else None
    with pytest.raises(
        InputError, match=rf"a\.warc\.gz: the file has changed since the run listed it .*{len(WEB)} bytes"
    ):
        extract(tmp_path, inputs)
    for path in (tmp_path / "out" / "work" / "remote").glob("*.json"):
        path.unlink()
    assert (extract(tmp_path, inputs).balance.extract or {})["seen"] == 2 * 186


@pytest.mark.integration
def test_only_hosts_of_the_recipe_are_contacted(tmp_path: Path, server: Any, start: Any, fault: Any) -> None:
    other = start()
    other.files["/a.warc.gz"] = WEB
    server.fault = lambda n, path: fault(status=302, headers=(("Location", f"{other.url}/a.warc.gz"),))
    inputs = f"{{reader: warc, paths: ['{server.url}/a.warc.gz'], limit: 3%s}}"
    with pytest.raises(InputError, match="add it to `hosts` of the input"):
        extract(tmp_path, inputs % "")
    assert not other.seen
    extract(tmp_path, inputs % f", hosts: ['{other.host}']")
    assert other.seen


@pytest.mark.integration
def test_no_secret_reaches_the_run_folder(
    tmp_path: Path, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "canaryname")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canarysecret")
    server.files["/bucket/a.warc.gz"] = WEB
    extract(tmp_path, "{reader: warc, paths: ['s3://bucket/a.warc.gz'], limit: 3}")
    assert "canaryname" in json.dumps(server.seen)
    texts = [path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert texts
    assert not [text for text in texts if b"canary" in text]
