"""The main job on the built-in sample, from WARC and dump to shards: complete, repeatable, resumable."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import apache_beam as beam
import duckdb
import pyarrow.parquet as pq
import pytest

from pipelines.cli import main
from pipelines.errors import RecipeError
from pipelines.recipe.load import load
from pipelines.run import run_recipe
from pipelines.store.storage import Storage, sha256_of
from pipelines.views.verify import verify
from tokenizer_training.loader import ShardLoader
from tokenizer_training.model.tokenizer import Tokenizer

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "tests" / "sample"
DATA = ("extracted", "ledger", "filtered", "errors", "signatures", "duplicates", "documents", "tokenizer")
DATA += ("token_counts", "shards")


def run_cli(*arguments: str) -> int:
    """Run the command line in this process; return its exit code."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return int(ended.value.code or 0)


def data_files(out: Path) -> dict[str, str]:
    """Hash of every data file of a run; manifests are left out."""
    files = [path for folder in DATA for path in (out / folder).rglob("*") if path.is_file()]
    return {
        path.relative_to(out).as_posix(): sha256_of(path) for path in files if path.name != "manifest.json"
    }


def rows(out: Path, folder: str, sql: str = "SELECT * FROM t") -> list[tuple[Any, ...]]:
    """What a query over all parts of a folder gives; `t` is the table."""
    database = duckdb.connect()
    database.read_parquet(str(out / folder / "*.parquet")).create_view("t")
    return database.execute(sql).fetchall()


def test_a_finished_run_verifies(demo: Path) -> None:
    assert verify(Storage(demo))[0] == []


def test_every_page_of_the_sample_has_one_row_in_the_ledger(demo: Path) -> None:
    pages = json.loads((SAMPLE / "manifest.json").read_text())["pages"]
    ledger = Counter(url for (url,) in rows(demo, "ledger", "SELECT url FROM t WHERE source = 'web'"))
    assert ledger == Counter(page["url"] for page in pages)


def test_every_drop_and_error_has_step_and_reason(demo: Path) -> None:
    found = rows(demo, "ledger", "SELECT decision, step, reason FROM t")
    assert all((decision == "kept") == (step is None and reason is None) for decision, step, reason in found)
    assert {decision for decision, _, _ in found} <= {"kept", "dropped", "error"}


def test_exact_copies_are_removed_and_name_their_keeper(demo: Path) -> None:
    pages = json.loads((SAMPLE / "manifest.json").read_text())["pages"]
    copies = {page["url"] for page in pages if page["role"] == "exact_copy"}
    kept_by_steps = {url for (url,) in rows(demo, "filtered", "SELECT url FROM t")}
    left = {url for (url,) in rows(demo, "documents", "SELECT url FROM t")}
    assert copies & kept_by_steps, "the sample has copies that pass the steps"
    for page in pages:
        same = {
            other["url"]
            for other in pages
            if other["text"] == page["text"] and other["layout"] == page["layout"]
        }
        if page["url"] in copies and same <= kept_by_steps:
            assert len(same & left) <= 1


def test_two_workers_and_another_input_order_give_the_same_bytes(
    demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipelines, start = [], beam.Pipeline.run
    monkeypatch.setattr(beam.Pipeline, "run", lambda self: (pipelines.append(self), start(self))[1])
    inputs = (
        f"inputs=[{{reader: wikipedia, paths: [{SAMPLE}/wiki.xml.bz2], source: wikipedia}}, "
        f"{{reader: warc, paths: [{SAMPLE}/web.warc.gz], source: web}}]"
    )
    run_recipe(load(ROOT / "configs" / "demo.yaml", [inputs]), str(tmp_path), workers=2, quiet=True)
    assert data_files(tmp_path) == data_files(demo)
    assert len(pipelines) <= 8  # with more than one worker each costs 3 CPU seconds to start


def test_a_second_run_redoes_nothing(demo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    shutil.copytree(demo, out)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.parquet")}
    assert run_cli("run", str(ROOT / "configs" / "demo.yaml"), "--out", str(out), "--workers", "1") == 0
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*.parquet")} == before
    assert capsys.readouterr().err.count("nothing to do") == 5


def test_a_changed_threshold_redoes_only_what_depends_on_it(
    demo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    shutil.copytree(demo, out)
    arguments = ("--set", "gopher_quality.min_words=130", "--out", str(out), "--workers", "1")
    assert run_cli("filter", str(ROOT / "configs" / "demo.yaml"), *arguments) == 0
    said = capsys.readouterr().err
    assert "extract: nothing to do" in said
    assert "min_words" in said
    assert len(rows(out, "filtered")) < len(rows(demo, "filtered"))


def test_another_name_in_the_same_folder_is_refused(demo: Path) -> None:
    recipe = load(ROOT / "configs" / "demo.yaml", ["name=other"])
    with pytest.raises(RecipeError, match="holds the run 'demo'"):
        run_recipe(recipe, str(demo), workers=1, quiet=True)


def test_a_limit_reads_so_many_records_of_each_input(tmp_path: Path) -> None:
    inputs = f"inputs=[{{reader: warc, paths: [{SAMPLE}/web.warc.gz], source: web, limit: 40}}]"
    recipe = load(ROOT / "configs" / "demo.yaml", [inputs])
    run_recipe(recipe, str(tmp_path), workers=1, until="filter", quiet=True)
    assert len(rows(tmp_path, "ledger")) == 40
    assert verify(Storage(tmp_path))[0] == []


@pytest.mark.parametrize("folder", DATA)
def test_a_missing_part_is_named(demo: Path, tmp_path: Path, folder: str) -> None:
    out = tmp_path / "run"
    shutil.copytree(demo, out)
    victim = sorted(path for path in (out / folder).iterdir() if path.name != "manifest.json")[0]
    victim.unlink()
    assert f"{victim}: missing" in verify(Storage(out))[0]


@pytest.mark.parametrize("folder", DATA)
def test_a_flipped_byte_is_named(demo: Path, tmp_path: Path, folder: str) -> None:
    out = tmp_path / "run"
    shutil.copytree(demo, out)
    victim = sorted(path for path in (out / folder).iterdir() if path.name != "manifest.json")[-1]
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 0x10
    victim.write_bytes(data)
    assert any(line.startswith(f"{victim}: its bytes changed") for line in verify(Storage(out))[0])


@pytest.mark.parametrize(
    "manifest", ["manifest.json", *(f"{home}/manifest.json" for home in ("extracted", "documents", "shards"))]
)
def test_an_edited_manifest_is_named(demo: Path, tmp_path: Path, manifest: str) -> None:
    out = tmp_path / "run"
    shutil.copytree(demo, out)
    value = json.loads((out / manifest).read_text())
    value["edited"] = True
    (out / manifest).write_text(json.dumps(value))
    assert any(manifest in line and "changed" in line for line in verify(Storage(out))[0])


@pytest.mark.parametrize("name", ["manifest.json", "run.json", "report.html"])
def test_a_changed_letter_in_what_people_read_is_named(demo: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / "run"
    shutil.copytree(demo, out)
    data = (out / name).read_bytes()
    (out / name).write_bytes(data.replace(b"m", b"M", 1))
    assert any(f"{out / name}: was changed" in line for line in verify(Storage(out))[0])


def test_a_stranger_among_the_parts_is_named(demo: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    shutil.copytree(demo, out)
    stranger = out / "documents" / "part-0123456789abcdef.parquet"
    stranger.write_bytes(b"PAR1")
    assert any(line.startswith(f"{stranger}: no manifest names") for line in verify(Storage(out))[0])


def test_decoded_rows_are_the_stored_texts(demo: Path) -> None:
    """Every uncut document decodes to exactly its text; its token count is what the row holds."""
    texts = dict(rows(demo, "documents", "SELECT id, text FROM t"))
    counts = dict(rows(demo, "token_counts", "SELECT id, token_count FROM t"))
    tokenizer = Tokenizer.load(demo / "tokenizer")
    pieces: dict[str, list[int]] = {}
    for path in sorted((demo / "shards").glob("*.parquet")):
        for row in pq.read_table(path).to_pylist():
            start = 0
            for identity, length, flags in zip(
                row["doc_ids"], row["doc_lens"], row["doc_flags"], strict=True
            ):
                if flags == 0:
                    pieces[identity.hex()] = row["input_ids"][start : start + length]
                start += length
            assert start + row["n_pad"] == len(row["input_ids"])
    assert len(pieces) > 50
    for identity, ids in pieces.items():
        assert ids[-1] == tokenizer.eos_id
        assert tokenizer.decode(ids[:-1]) == texts[identity]
        assert counts[identity] == len(ids) - 1
    assert set(counts) == set(texts)


def test_the_loader_reads_every_row_once(demo: Path) -> None:
    manifest = json.loads((demo / "manifest.json").read_text())
    batches = list(ShardLoader(demo / "shards", batch_size=4))
    read = sum(len(batch["input_ids"]) for batch in batches)
    assert read == manifest["balance"]["tokens"]["train_rows"]


def test_show_and_trace_print_what_they_promise(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    step, reason = rows(
        demo, "ledger", "SELECT step, reason FROM t WHERE decision = 'dropped' ORDER BY id LIMIT 1"
    )[0]
    assert run_cli("show", str(demo), "--dropped", f"{step}.{reason}", "--limit", "1") == 0
    assert f"dropped by {step}: {reason}" in capsys.readouterr().out
    assert run_cli("trace", str(demo), "--row", "0", "--json") == 0
    pieces = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert all(piece["packed"] in piece["text"] for piece in pieces)
    original = dict(rows(demo, "extracted", "SELECT id, text FROM t"))
    assert all(piece["extracted"] == original[piece["id"]] for piece in pieces)
    assert run_cli("trace", str(demo), "--row", "0") == 0
    assert capsys.readouterr().out.count("\npacked:\n") == len(pieces)
    assert run_cli("show", str(demo), "--where", "no such column") == 2


def test_verify_exits_one_and_names_the_file(
    demo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_cli("verify", str(demo)) == 0
    out = tmp_path / "run"
    shutil.copytree(demo, out)
    (out / "shards" / "manifest.json").unlink()
    assert run_cli("verify", str(out)) == 1
    assert "shards/manifest.json" in capsys.readouterr().out
