"""The loader: what a batch holds, and that every sample comes exactly once however the work is shared."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tokenizer_training.loader import IGNORED, ShardLoader, make_batch
from tokenizer_training.rows import Rows
from tokenizer_training.sampling import permutation
from tokenizer_training.shards import ShardError

MakeShards = Callable[..., tuple[Path, list[Rows]]]
FIRST, SECOND = "train-00000-of-00002.parquet", "train-00001-of-00002.parquet"


@pytest.fixture
def folder(make_shards: MakeShards) -> Path:
    """Two shards of 1,100 and 3 rows: three row groups."""
    random = np.random.default_rng(0)
    return make_shards([16] * 1100, random.integers(9, 16, 3).tolist())[0]


def stream(batches: Iterable[dict[str, Any]]) -> list[bytes]:
    """Return every row of some batches, in order."""
    return [row.tobytes() for batch in batches for row in batch["input_ids"]]


def test_a_batch_by_hand(make_shards: MakeShards) -> None:
    """Two documents and padding in one row, a full row, and the end of a cut document."""
    _, (rows,) = make_shards([2, 3, 10, 1], row_len=8)
    order = np.lexsort((rows.n_pad, -np.diff(rows.entries)))
    batch = make_batch(rows.take(order))
    ids = rows.input_ids[order]
    assert [part.tolist() for part in batch["doc_flags"]] == [[0, 0, 1, 0], [2]]
    assert batch["cu_seqlens"].tolist() == [0, 2, 5, 7, 8, 16]
    assert batch["cu_seqlens"].dtype == np.int32
    assert batch["max_seqlen"] == 8
    assert batch["position_ids"].tolist() == [[0, 1, 0, 1, 2, 0, 1, 0], [*range(8)]]
    labels = ids.astype(np.int64)
    labels[0, [0, 2, 5, 7]] = labels[1, 0] = IGNORED
    assert batch["labels"].tolist() == labels.tolist()
    assert batch["input_ids"].tolist() == ids.tolist()


def test_padding_is_a_sequence_of_its_own_and_never_a_target(make_rows: Callable[..., Rows]) -> None:
    rows = make_rows([3, 6], 8)
    batch = make_batch(rows.take(np.argsort(rows.n_pad)))
    assert batch["cu_seqlens"].tolist() == [0, 6, 8, 11, 16]
    assert batch["position_ids"].tolist() == [[0, 1, 2, 3, 4, 5, 0, 1], [0, 1, 2, 0, 1, 2, 3, 4]]
    assert (batch["labels"][0, 6:] == IGNORED).all()
    assert (batch["labels"][1, 3:] == IGNORED).all()


def test_stored_order_is_the_files_one_after_the_other(make_shards: MakeShards) -> None:
    folder, (first, second) = make_shards([16] * 1100, [9, 10, 11])
    ids = np.concatenate([first.input_ids, second.input_ids]).astype(np.int64)
    found = list(ShardLoader(folder, batch_size=7))
    assert stream(found) == [row.tobytes() for row in ids]
    assert [len(batch["input_ids"]) for batch in found] == [7] * 157 + [4]
    assert b"".join(ids.tobytes() for batch in found for ids in batch["doc_ids"]) == (
        first.doc_ids.tobytes() + second.doc_ids.tobytes()
    )


def test_a_seed_permutes_every_epoch_anew_and_loses_nothing(folder: Path) -> None:
    stored = stream(ShardLoader(folder))
    both = stream(ShardLoader(folder, seed=5, epochs=2))
    first, second = both[: len(stored)], both[len(stored) :]
    assert sorted(first) == sorted(second) == sorted(stored)
    assert len({tuple(stored), tuple(first), tuple(second), tuple(stream(ShardLoader(folder, seed=6)))}) == 4
    assert first == stream(ShardLoader(folder, seed=5)), "the same seed gives the same order"


@pytest.mark.parametrize("world_size", [1, 2, 3, 8])
@pytest.mark.parametrize("seed", [None, 5])
def test_ranks_together_read_what_one_rank_reads(folder: Path, world_size: int, seed: int | None) -> None:
    """Interleaved row by row, the streams of all ranks are the stream of one."""
    options: dict[str, Any] = {"batch_size": 5, "seed": seed, "epochs": 2, "world_size": world_size}
    ranks = [stream(ShardLoader(folder, rank=rank, **options)) for rank in range(world_size)]
    whole = stream(ShardLoader(folder, seed=seed, epochs=2))
    assert [ranks[n % world_size][n // world_size] for n in range(len(whole))] == whole
    assert sum(map(len, ranks)) == len(whole)


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_workers_take_batches_in_turn(folder: Path, workers: int) -> None:
    loader = ShardLoader(folder, batch_size=5, seed=1, rank=1, world_size=2, epochs=2)
    whole = [stream([batch]) for batch in loader]
    shares = [[stream([batch]) for batch in loader.batches(worker, workers)] for worker in range(workers)]
    assert [shares[n % workers][n // workers] for n in range(len(whole))] == whole


def test_a_run_goes_on_at_any_batch(make_shards: MakeShards) -> None:
    """From every state on, the rest of the stream is what it would have been."""
    folder, _ = make_shards([16] * 20, [16] * 9)
    loader = ShardLoader(folder, batch_size=4, seed=3, epochs=2)
    whole = stream(loader)
    assert loader.state() == len(whole) == 58
    for batch in ShardLoader(folder, batch_size=4, seed=3, epochs=2):
        start = batch["next_sample"]
        assert stream(ShardLoader(folder, batch_size=3, seed=3, epochs=2, start=start)) == whole[start:]


def test_the_number_of_ranks_may_change_in_mid_epoch(folder: Path) -> None:
    whole = stream(ShardLoader(folder, seed=2))
    loaders = [ShardLoader(folder, batch_size=10, seed=2, rank=rank, world_size=4) for rank in range(4)]
    streams = [iter(loader) for loader in loaders]
    before = [next(batches) for _ in range(3) for batches in streams]
    states = {loader.state() for loader in loaders}
    assert states == {120}
    after = [
        ShardLoader(folder, batch_size=3, seed=2, rank=rank, world_size=3, start=120) for rank in range(3)
    ]
    seen = [row for loader in [before, *after] for row in stream(loader)]
    assert sorted(seen) == sorted(whole)
    assert sorted(stream(before)) == sorted(whole[:120])


def test_drop_last_gives_every_rank_the_same_full_batches(folder: Path) -> None:
    options: dict[str, Any] = {"batch_size": 5, "world_size": 4, "drop_last": True, "start": 7}
    sizes = [[len(batch["input_ids"]) for batch in ShardLoader(folder, rank=r, **options)] for r in range(4)]
    assert sizes == [[5] * ((1103 - 7) // 20)] * 4


def test_without_a_number_of_epochs_the_stream_never_ends(make_shards: MakeShards) -> None:
    folder, _ = make_shards([16] * 4)
    batches = iter(ShardLoader(folder, batch_size=3, epochs=None, start=10**9))
    assert [next(batches)["next_sample"] for _ in range(9)][-1] == 10**9 + 27


def test_splits_are_told_apart_by_name(make_shards: MakeShards) -> None:
    folder, _ = make_shards([16] * 4)
    with pytest.raises(ShardError, match="there are no validation rows"):
        ShardLoader(folder, "validation")


def test_files_that_no_manifest_names_are_not_read(folder: Path) -> None:
    before = stream(ShardLoader(folder))
    (folder / "train-00002-of-00002.parquet").write_bytes((folder / FIRST).read_bytes())
    assert stream(ShardLoader(folder)) == before


def test_a_folder_that_is_not_what_its_manifest_says_is_refused(folder: Path) -> None:
    shard, data = folder / SECOND, (folder / SECOND).read_bytes()
    shard.write_bytes(data + b"x")
    with pytest.raises(ShardError, match=f"{SECOND}: {len(data) + 1} bytes, the manifest says {len(data)}"):
        ShardLoader(folder)
    shard.unlink()
    with pytest.raises(ShardError, match=f"{SECOND}: None bytes"):
        ShardLoader(folder)
    shard.write_bytes(data)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][0]["rows"] -= 1
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ShardError, match="was changed after it was written"):
        ShardLoader(folder)
    (folder / "manifest.json").unlink()
    with pytest.raises(ShardError, match=r"manifest\.json: cannot be read"):
        ShardLoader(folder)


def test_a_shard_of_another_run_is_refused(
    folder: Path,
    tmp_path: Path,
    write_shard: Callable[..., Any],
    write_manifest: Callable[..., None],
    make_rows: Callable[..., Rows],
    make_header: Callable[..., Any],
) -> None:
    """Rows of another tokenizer must never be mixed in, even under a valid manifest."""
    files = json.loads((folder / "manifest.json").read_text())["files"]
    files[1] = write_shard(
        folder / SECOND, make_rows([16] * 3, 16), make_header(16, tokenizer_sha256="0" * 64)
    )
    write_manifest(folder, files)
    with pytest.raises(ShardError, match=f"{SECOND}, row group 0: its key-value metadata differs"):
        list(ShardLoader(folder))


def test_damage_inside_a_shard_is_an_error_that_names_it(folder: Path) -> None:
    data = bytearray((folder / FIRST).read_bytes())
    data[200] ^= 255
    (folder / FIRST).write_bytes(data)
    with pytest.raises(ShardError, match=f"{FIRST}, row group 0: .*checksum"):
        list(ShardLoader(folder))


@pytest.mark.parametrize(
    "options", [{"batch_size": 0}, {"rank": 2, "world_size": 2}, {"rank": -1}, {"start": -1}, {"epochs": 0}]
)
def test_impossible_arguments_are_refused(folder: Path, options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be"):
        ShardLoader(folder, **options)


def test_a_loader_can_be_sent_to_another_process(folder: Path) -> None:
    loader = ShardLoader(folder)
    next(iter(loader))
    assert stream(pickle.loads(pickle.dumps(loader))) == stream(loader)


def test_permutations_never_change_between_versions() -> None:
    """A resumed run must meet the same order under another numpy."""
    assert permutation(8, 1, 0, 0).tolist() == [6, 7, 2, 4, 1, 5, 0, 3]
    assert permutation(8, None, 3, 0).tolist() == [*range(8)]


def test_the_loader_needs_nothing_but_pyarrow_and_numpy() -> None:
    heavy = (
        "torch",
        "apache_beam",
        "huggingface_hub",
        "datasets",
        "transformers",
        "numba",
        "sentencepiece",
        "pipelines",
    )
    code = f"import sys, tokenizer_training.loader; print([m for m in {heavy!r} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
