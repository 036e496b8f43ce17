"""The loader: what a batch holds, and that every sample comes exactly once however the work is shared."""

from __future__ import annotations

import itertools
import json
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tokenizer_training.loader import ShardLoader
from tokenizer_training.shards.rows import Rows
from tokenizer_training.shards.sampling import permutation
from tokenizer_training.shards.schema import NoRowsError, ShardError

MakeShards = Callable[..., tuple[Path, list[Rows]]]
FIRST, SECOND = "train-00000-of-00002.parquet", "train-00001-of-00002.parquet"


@pytest.fixture
def folder(make_shards: MakeShards) -> Path:
    """Two shards of 1,100 and 3 rows: three row groups."""
    random = np.random.default_rng(0)
    return make_shards([16] * 1100, random.integers(9, 16, 3).tolist())[0]


@pytest.fixture
def many_groups(make_shards: MakeShards) -> Path:
    """Twelve row groups in two shards: two blocks an epoch."""
    return make_shards([16] * 7000, [16] * 4500)[0]


def at(sample: int, folder: Path, **options: Any) -> ShardLoader:
    """Return a loader that goes on after so many samples."""
    loader = ShardLoader(folder, **options)
    loader.load_state_dict({**loader.state_dict(), "sample": sample})
    return loader


def stream(batches: Iterable[dict[str, Any]]) -> list[bytes]:
    """Return every row of some batches, in order."""
    return [row.tobytes() for batch in batches for row in batch["input_ids"]]


def test_stored_order_is_the_files_one_after_the_other(make_shards: MakeShards) -> None:
    folder, (first, second) = make_shards([16] * 1100, [9, 10, 11])
    ids = np.concatenate([first.input_ids, second.input_ids]).astype(np.int64)
    found = list(ShardLoader(folder, batch_size=7))
    assert stream(found) == [row.tobytes() for row in ids]
    assert [len(batch["input_ids"]) for batch in found] == [7] * 157 + [4]
    assert b"".join(batch["doc_ids"].tobytes() for batch in found) == (
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


def test_a_run_goes_on_at_any_sample(make_shards: MakeShards) -> None:
    """From every state on, the rest of the stream is what it would have been."""
    folder, _ = make_shards([16] * 20, [16] * 9)
    loader = ShardLoader(folder, batch_size=4, seed=3, epochs=2)
    whole = stream(loader)
    assert loader.state_dict()["sample"] == len(whole) == 58
    for sample in range(59):
        assert stream(at(sample, folder, batch_size=3, seed=3, epochs=2)) == whole[sample:]


@pytest.mark.slow
@pytest.mark.parametrize("world_size", [1, 2, 3, 8])
def test_a_run_goes_on_at_50_random_places(many_groups: Path, world_size: int) -> None:
    """With several blocks of row groups in two epochs: the next batches of every rank are the same."""
    options: dict[str, Any] = {"batch_size": 4, "seed": 9, "epochs": 2}
    whole = stream(ShardLoader(many_groups, **options))
    random = np.random.default_rng(world_size)
    for sample in random.integers(0, len(whole), 50 if world_size == 1 else 5).tolist():
        ranks = [
            at(sample, many_groups, rank=rank, world_size=world_size, **options) for rank in range(world_size)
        ]
        found = [stream(itertools.islice(loader, 3)) for loader in ranks]
        expected = whole[sample : sample + 12 * world_size]
        assert [found[n % world_size][n // world_size] for n in range(len(expected))] == expected


def test_the_state_a_batch_names_goes_on_after_it(folder: Path) -> None:
    """Though the loader, like a worker process, has read further."""
    loader = ShardLoader(folder, batch_size=10, seed=1)
    batches = iter(loader)
    first = next(batches)
    next(batches)
    again = ShardLoader(folder, batch_size=10, seed=1)
    again.load_state_dict(json.loads(json.dumps(loader.state_dict(first["next_sample"]))))
    assert stream(again) == stream(loader)[10:]


def test_the_state_of_other_data_or_of_another_seed_is_refused(
    folder: Path,
    tmp_path: Path,
    make_rows: Callable[..., Rows],
    make_header: Callable[..., Any],
    write_shard: Callable[..., Any],
    write_manifest: Callable[..., None],
) -> None:
    state = ShardLoader(folder, seed=1).state_dict()
    other = tmp_path / "other"
    other.mkdir()
    file = write_shard(other / "train-00000-of-00001.parquet", make_rows([16] * 9, 16), make_header(16))
    write_manifest(other, [file])
    with pytest.raises(ShardError, match="of other shards"):
        ShardLoader(other, seed=1).load_state_dict(state)
    with pytest.raises(ShardError, match="of another seed: 1, not 2"):
        ShardLoader(folder, seed=2).load_state_dict(state)


def test_other_data_are_shuffled_in_another_way(make_shards: MakeShards, write_manifest: Any) -> None:
    folder, _ = make_shards([16] * 100)
    before = stream(ShardLoader(folder, seed=1))
    files = json.loads((folder / "manifest.json").read_text())["files"]
    write_manifest(folder, [{**files[0], "sha256": "ab"}])
    after = stream(ShardLoader(folder, seed=1))
    assert sorted(after) == sorted(before)
    assert after != before


def test_rows_of_one_row_group_part_ways(many_groups: Path) -> None:
    """The rows of the first row group lie among those of five others, not one after the other."""
    group = set(stream(ShardLoader(many_groups))[:1024])
    found = np.array([row in group for row in stream(ShardLoader(many_groups, seed=4))])
    places = np.flatnonzero(found)
    assert np.ptp(places) > 5 * 1024


def test_the_number_of_ranks_may_change_in_mid_epoch(folder: Path) -> None:
    whole = stream(ShardLoader(folder, seed=2))
    loaders = [ShardLoader(folder, batch_size=10, seed=2, rank=rank, world_size=4) for rank in range(4)]
    streams = [iter(loader) for loader in loaders]
    before = [next(batches) for _ in range(3) for batches in streams]
    states = [loader.state_dict() for loader in loaders]
    assert {state["sample"] for state in states} == {120}
    after = [ShardLoader(folder, batch_size=3, seed=2, rank=rank, world_size=3) for rank in range(3)]
    for loader in after:
        loader.load_state_dict(states[0])
    seen = [row for loader in [before, *after] for row in stream(loader)]
    assert sorted(seen) == sorted(whole)
    assert sorted(stream(before)) == sorted(whole[:120])


def test_drop_last_gives_every_rank_the_same_full_batches(folder: Path) -> None:
    options: dict[str, Any] = {"batch_size": 5, "world_size": 4, "drop_last": True}
    sizes = [[len(batch["input_ids"]) for batch in at(7, folder, rank=r, **options)] for r in range(4)]
    assert sizes == [[5] * ((1103 - 7) // 20)] * 4


def test_without_a_number_of_epochs_the_stream_never_ends(make_shards: MakeShards) -> None:
    folder, _ = make_shards([16] * 4)
    batches = iter(at(10**9, folder, batch_size=3, epochs=None))
    assert [next(batches)["next_sample"] for _ in range(9)][-1] == 10**9 + 27


def test_splits_are_told_apart_by_name(make_shards: MakeShards) -> None:
    folder, _ = make_shards([16] * 4)
    with pytest.raises(NoRowsError, match="there are no validation rows"):
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
    "options", [{"batch_size": 0}, {"rank": 2, "world_size": 2}, {"rank": -1}, {"epochs": 0}]
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


@pytest.mark.integration
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
