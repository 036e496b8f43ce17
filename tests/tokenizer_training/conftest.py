"""Fixtures for the tests of tokenizers, packed rows and shards."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.watch import unwatched
from tokenizer_training.model.tokenizer import Tokenizer
from tokenizer_training.model.train import train
from tokenizer_training.model.words import WordCounter
from tokenizer_training.shards.cutting import Documents
from tokenizer_training.shards.packing import fill_rows, plan_rows
from tokenizer_training.shards.rows import Rows, offsets_of
from tokenizer_training.shards.schema import Header, rows_to_table, shard_schema, writer_options

EOS, PAD = 2, 3
SAMPLE = Path(__file__).resolve().parents[1] / "sample" / "texts"


@pytest.fixture(scope="session")
def texts() -> list[tuple[str, str]]:
    """(language, text) of the sample texts, in ten languages."""
    return [(path.parent.name, path.read_text(encoding="utf-8")) for path in sorted(SAMPLE.glob("*/*.txt"))]


@pytest.fixture(scope="session")
def tokenizer(texts: list[tuple[str, str]]) -> Tokenizer:
    """A tokenizer of 4,096 pieces, trained on the sample texts."""
    counter = WordCounter()
    for language, text in texts:
        counter.add(language, text)
    with unwatched():  # SentencePiece trains in a process of its own, for a second
        return Tokenizer(train(counter.take()[0], 4096).model)


def _documents(lengths: Sequence[int], seed: int = 0) -> Documents:
    """Return documents of these lengths, EOS included, with random tokens from 10 on."""
    random = np.random.default_rng(seed)
    offsets = offsets_of(lengths)
    tokens = random.integers(10, 1000, offsets[-1]).astype(np.int32)
    tokens[offsets[1:] - 1] = EOS
    ids = np.frombuffer(random.bytes(16 * len(lengths)), dtype=np.uint8).reshape(-1, 16)
    return Documents(tokens, offsets, ids)


def _rows(lengths: Sequence[int], row_len: int, seed: int = 0) -> Rows:
    """Return packed rows of documents with these lengths."""
    documents = _documents(lengths, seed)
    plan = plan_rows(documents, np.arange(len(lengths)), row_len, np.full(1000, -1, dtype=np.int16))
    return fill_rows(plan, np.arange(len(plan)), documents, PAD)


def _header(row_len: int, **changes: Any) -> Header:
    """Return the header of a shard."""
    values: dict[str, Any] = {
        "seq_len": row_len,
        "row_len": row_len,
        "packing": "best_fit",
        "window": 10_000,
        "seed": 1,
        "bos_id": 1,
        "eos_id": EOS,
        "pad_id": PAD,
        "vocab_size": 1000,
        "tokenizer_sha256": "ab" * 32,
        "stage_key": "cd" * 32,
    }
    return Header(**{**values, **changes})


def _write_shard(path: Path, rows: Rows, header: Header) -> dict[str, Any]:
    """Write one shard; return its entry in the manifest."""
    schema = shard_schema(header)
    with pq.ParquetWriter(path, schema, **writer_options()) as writer:
        writer.write_table(rows_to_table(rows, schema), row_group_size=header.row_group_rows)
    return {"path": f"shards/{path.name}", "rows": len(rows), "bytes": path.stat().st_size}


def _write_manifest(folder: Path, files: list[dict[str, Any]]) -> None:
    """Write a sealed manifest that names these files."""
    text = json.dumps({"files": files}, sort_keys=True, separators=(",", ":"))
    sealed = {"files": files, "sha256": hashlib.sha256(text.encode()).hexdigest()}
    (folder / "manifest.json").write_text(json.dumps(sealed))


@pytest.fixture
def make_shards(tmp_path: Path) -> Callable[..., tuple[Path, list[Rows]]]:
    """Return a function that writes a shards folder with one train shard per list of document lengths."""

    def make(*shards: Sequence[int], row_len: int = 16) -> tuple[Path, list[Rows]]:
        folder = tmp_path / "shards"
        folder.mkdir()
        rows = [_rows(lengths, row_len, seed) for seed, lengths in enumerate(shards)]
        files = [
            _write_shard(folder / f"train-{n:05d}-of-{len(shards):05d}.parquet", part, _header(row_len))
            for n, part in enumerate(rows)
        ]
        _write_manifest(folder, files)
        return folder, rows

    return make


@pytest.fixture
def make_rows() -> Callable[..., Rows]:
    """Return `_rows`."""
    return _rows


@pytest.fixture
def make_header() -> Callable[..., Header]:
    """Return `_header`."""
    return _header


@pytest.fixture
def write_manifest() -> Callable[..., None]:
    """Return `_write_manifest`."""
    return _write_manifest


@pytest.fixture
def write_shard() -> Callable[..., dict[str, Any]]:
    """Return `_write_shard`."""
    return _write_shard
