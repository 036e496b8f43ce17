"""Stage pack: every document's tokens once, in globally shuffled shards that depend on nothing but the data."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from pipelines.errors import InputError
from pipelines.stages.pack import rows as pack_rows
from pipelines.stages.pack import shards as pack_shards
from pipelines.store.manifest import valid_manifest
from pipelines.store.storage import Storage
from pipelines.work.stage import Run
from tests.pipelines.conftest import SEQ_LEN, UPSTREAM, WORDS, MakeRun, pack_documents, pack_stage
from tokenizer_training.loader import ShardLoader
from tokenizer_training.model.split import is_validation
from tokenizer_training.model.tokenizer import Tokenizer


def make_text(number: int) -> str:
    """Return a text of 1 to some hundred words, now and then with characters outside the vocabulary."""
    random = np.random.default_rng(number)
    words = random.choice(WORDS, int(random.lognormal(3, 1)) + 1)
    return " ".join(words) + "\n" + "㐀㐁" * int(random.integers(0, 3))


def do(run: Run, documents: dict[str, Any], tokenizer: dict[str, Any]) -> dict[str, Any]:
    return pack_documents(run, documents, tokenizer)


def hashes(manifest: dict[str, Any]) -> dict[str, str]:
    """Return the sha256 of every file by its path."""
    return {file.path: file.sha256 for file in manifest.files}


def read_pieces(storage: Storage, split: str) -> dict[str, list[tuple[int, list[int]]]]:
    """Return the (flags, tokens) of all pieces of a split by document, in the order of the shards."""
    pieces = defaultdict(list)
    for batch in ShardLoader(storage.path("shards"), split):  # type: ignore[arg-type]
        sequences = np.split(batch["input_ids"].reshape(-1), batch["cu_seqlens"][1:-1])
        ids, flags = batch["doc_ids"], batch["doc_flags"]
        documents = [tokens.tolist() for tokens in sequences if (tokens != 3).any()]
        for identity, flag, tokens in zip(ids, flags, documents, strict=True):
            pieces[identity.tobytes().hex()].append((int(flag), tokens))
    return pieces


def read_texts(storage: Storage, documents: dict[str, Any]) -> dict[str, str]:
    """Return the text of every document by id."""
    found = {}
    for file in documents.folder("documents"):
        table = pq.read_table(storage.path(file.path), columns=["id", "text"])
        found.update(zip(table["id"].to_pylist(), table["text"].to_pylist(), strict=True))
    return found


@pytest.mark.integration
def test_every_document_is_packed_once_with_its_own_tokens(make_run: MakeRun) -> None:
    """Each document's pieces make up exactly its encoded text and one EOS, in its split."""
    run, documents, tokenizer = make_run([make_text(n) for n in range(400)])
    do(run, documents, tokenizer)
    encoder = Tokenizer.load(run.storage.path("tokenizer"))
    train, held_out = read_pieces(run.storage, "train"), read_pieces(run.storage, "validation")
    texts = read_texts(run.storage, documents)
    assert set(train) == {name for name in texts if not is_validation(name, 0.1)}
    assert set(held_out) == {name for name in texts if is_validation(name, 0.1)}
    assert 20 <= len(held_out) <= 60
    cut = 0
    for name, text in texts.items():
        expected = [*encoder.encode(text).tolist(), 2]
        pieces = {**train, **held_out}[name]
        first = [tokens for flags, tokens in pieces if not flags & 1]
        last = [tokens for flags, tokens in pieces if not flags & 2]
        assert len(first) == len(last) == 1
        assert expected[: len(first[0])] == first[0]
        assert expected[-len(last[0]) :] == last[0]
        assert Counter(expected) == Counter(token for _, tokens in pieces for token in tokens)
        assert len(pieces) == 1 or len(expected) > SEQ_LEN
        cut += len(pieces) > 1
    assert cut > 10


@pytest.mark.integration
def test_the_balance_holds_in_the_counts_and_in_the_data(make_run: MakeRun) -> None:
    run, documents, tokenizer = make_run([make_text(n) for n in range(300)])
    manifest = do(run, documents, tokenizer)
    tokens = manifest.total("tokens")
    assert tokens["documents"] == tokens["separators"] == 300
    assert tokens["document_tokens"] + tokens["separators"] + tokens["padding"] == tokens["slots"]
    assert tokens["slots"] == tokens["rows"] * SEQ_LEN
    shards = [pq.read_table(run.storage.path(f.path)) for f in manifest.folder("shards")]
    assert sum(map(len, shards)) == tokens["rows"] == tokens["train_rows"] + tokens["validation_rows"]
    assert sum(shard["n_pad"].to_numpy().sum() for shard in shards) == tokens["padding"]
    counted = [pq.read_table(run.storage.path(f.path)) for f in manifest.folder("token_counts")]
    assert sum(table["token_count"].to_numpy().sum() for table in counted) == tokens["document_tokens"]


@pytest.mark.integration
def test_token_counts_have_the_rows_of_the_documents(make_run: MakeRun) -> None:
    """Same parts, same units, same order, the empty part included."""
    run, documents, tokenizer = make_run([make_text(n) for n in range(50)])
    manifest = do(run, documents, tokenizer)
    texts = {file.unit: file.path for file in documents.folder("documents")}
    counts = {file.unit: file.path for file in manifest.folder("token_counts")}
    assert set(texts) == set(counts)
    assert len(counts) == 6
    encoder = Tokenizer.load(run.storage.path("tokenizer"))
    for unit, path in counts.items():
        table = pq.read_table(run.storage.path(path))
        source = pq.read_table(run.storage.path(texts[unit]), columns=["id", "text"])
        assert table["id"].to_pylist() == source["id"].to_pylist()
        expected = [len(encoder.encode(text)) for text in source["text"].to_pylist()]
        assert table["token_count"].to_pylist() == expected


@pytest.fixture
def small_buckets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four buckets and several shards out of a megabyte of text."""
    monkeypatch.setattr(pack_rows, "SMALL_BUCKET", 100_000)


@pytest.mark.integration
@pytest.mark.usefixtures("small_buckets")
def test_nothing_depends_on_workers_or_on_the_order_of_parts(make_run: MakeRun) -> None:
    """One worker, two workers, another order of the manifest, each bundle done twice: the same bytes."""
    texts = [make_text(n) for n in range(6000)]
    run, documents, tokenizer = make_run(texts, out="a", shard_mb=1)
    expected = hashes(do(run, documents, tokenizer))
    assert len([path for path in expected if path.startswith("shards/train-")]) > 1
    run, documents, tokenizer = make_run(texts, out="b", shard_mb=1, workers=2)
    assert hashes(do(run, documents, tokenizer)) == expected
    flags = ("--direct_runner_bundle_repeat=2",)
    run, documents, tokenizer = make_run(texts, out="c", shard_mb=1, flags=flags)
    documents = replace(documents, files=documents.files[::-1])
    assert hashes(do(run, documents, tokenizer)) == expected


@pytest.mark.integration
@pytest.mark.usefixtures("small_buckets")
def test_each_shard_is_a_sample_of_the_whole_corpus(make_run: MakeRun) -> None:
    """Rows of all buckets lie in each shard, mixed evenly, and the loader finds all of them."""
    run, documents, tokenizer = make_run([make_text(n) for n in range(6000)], shard_mb=1)
    manifest = do(run, documents, tokenizer)
    source = {}
    for file in documents.folder("documents"):
        table = pq.read_table(run.storage.path(file.path), columns=["id"])
        source.update(dict.fromkeys(table["id"].to_pylist(), file.unit))
    shards = [f.path for f in manifest.folder("shards") if "train" in f.path]
    whole = Counter(source.values())
    for path in shards:
        table = pq.read_table(run.storage.path(path))
        for half in (table.slice(0, len(table) // 2), table.slice(len(table) // 2)):
            found = Counter(source[name.hex()] for names in half["doc_ids"].to_pylist() for name in names)
            assert all(abs(found[u] / found.total() - n / 6000) < 0.05 for u, n in whole.items())
    rows = sum(len(batch["input_ids"]) for batch in ShardLoader(run.storage.path("shards")))
    assert rows == manifest.total("tokens")["train_rows"]


@pytest.mark.integration
def test_another_seed_is_another_order_of_the_same_documents(make_run: MakeRun) -> None:
    texts = [make_text(n) for n in range(200)]
    first, second = make_run(texts, out="a"), make_run(texts, out="b", seed=2)
    one, two = do(*first), do(*second)
    counts, other = one.total("tokens"), two.total("tokens")
    assert counts["document_tokens"] == other["document_tokens"]
    assert set(hashes(one).items()) & set(hashes(two).items()) == {
        item for item in hashes(one).items() if item[0].startswith("token_counts/")
    }
    assert set(read_pieces(first[0].storage, "validation")) == set(
        read_pieces(second[0].storage, "validation")
    )


@pytest.mark.integration
def test_work_files_go_and_leftovers_of_other_settings_too(make_run: MakeRun) -> None:
    texts = [make_text(n) for n in range(200)]
    run, documents, tokenizer = make_run(texts)
    manifest = do(run, documents, tokenizer)
    run.storage.write_bytes("shards/train-00007-of-00009.parquet", b"old")
    run.storage.write_bytes("token_counts/part-0123456789abcdef.parquet", b"old")
    do(run, documents, tokenizer)
    left = {
        path for path in run.storage.list_files("") if path.startswith(("shards", "token_counts", "work"))
    }
    assert left == {*hashes(manifest), "shards/manifest.json"}
    upstream = (documents, tokenizer)
    assert (
        valid_manifest(run.storage, "shards", pack_stage(run).key([UPSTREAM, UPSTREAM]), upstream) == manifest
    )


@pytest.mark.integration
@pytest.mark.usefixtures("small_buckets")
def test_a_run_that_died_among_the_shards_packs_no_bucket_again(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [make_text(n) for n in range(1500)]
    expected = hashes(do(*make_run(texts, out="whole")))
    run, documents, tokenizer = make_run(texts)
    with monkeypatch.context() as broken:
        broken.setattr(pack_shards, "merge", lambda *_: 1 / 0)
        with pytest.raises(Exception, match="ZeroDivisionError"):
            do(run, documents, tokenizer)
    rows = run.storage.list_files("work/pack/rows/train")
    assert len(rows) > 1
    before = [run.storage.path(path).stat().st_ino for path in rows]
    monkeypatch.setattr(Storage, "remove_files", lambda *_: None)
    assert hashes(do(run, documents, tokenizer)) == expected
    assert [run.storage.path(path).stat().st_ino for path in rows] == before


@pytest.mark.integration
def test_text_that_looks_like_a_control_symbol_ends_no_document(make_run: MakeRun) -> None:
    run, documents, tokenizer = make_run(["before</s>after", "<s> </s> <pad>"] * 10)
    do(run, documents, tokenizer)
    for pieces in read_pieces(run.storage, "train").values():
        assert [tokens.count(2) for _, tokens in pieces] == [1]
        assert [tokens[-1] for _, tokens in pieces] == [2]


@pytest.mark.integration
def test_no_documents_make_no_shards(make_run: MakeRun) -> None:
    run, documents, tokenizer = make_run([])
    manifest = do(run, documents, tokenizer)
    assert manifest.folder("shards") == []
    assert manifest.total("tokens")["rows"] == 0


def test_buckets_are_a_power_of_two_and_hold_every_part_once(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, documents, _ = make_run([make_text(n) for n in range(600)], parts=40)
    files = documents.folder("documents")
    seen = []
    for aim in (10**9, 60_000, 30_000, 3_000):
        monkeypatch.setattr(pack_rows, "SMALL_BUCKET", aim)
        tasks = pack_rows.tasks(run.storage, files)
        count = int(tasks[0].unit.partition("-of-")[2])
        total = sum(task.cost for task in tasks)
        assert count & (count - 1) == 0
        assert total / count <= aim < total / count * 2 or count == 1
        assert sorted(unit for task in tasks for unit, _ in task.payload.parts) == sorted(
            file.unit for file in files
        )
        seen.append(count)
    assert seen[0] == 1
    assert seen == sorted(set(seen))


def test_tasks_do_not_depend_on_the_order_of_the_manifest(make_run: MakeRun) -> None:
    run, documents, _ = make_run([make_text(n) for n in range(60)], parts=9)
    files = documents.folder("documents")
    assert pack_rows.tasks(run.storage, files) == pack_rows.tasks(run.storage, files[::-1])


def test_a_tokenizer_without_end_of_sequence_is_refused(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, documents, tokenizer = make_run(["text"])
    monkeypatch.setattr(Tokenizer, "load", lambda _: type("Bare", (), {"eos_id": None}))
    with pytest.raises(InputError, match="no end-of-sequence symbol"):
        do(run, documents, tokenizer)
