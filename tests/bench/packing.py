"""Measure packing and loading: padding, cuts and seconds of a million documents; tokens a second of the loader.

    python tests/bench/packing.py [--documents 1000000]

Lengths are log-normal with mean 789 and median 431 tokens, like those of web documents.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from tokenizer_training.loader import ShardLoader
from tokenizer_training.shards.cutting import Documents
from tokenizer_training.shards.packing import Plan, fill_rows, plan_rows
from tokenizer_training.shards.rows import CUT, offsets_of
from tokenizer_training.shards.schema import Header, rows_to_table, shard_schema, writer_options
from tokenizer_training.shards.strategies import best_fit_decreasing
from tokenizer_training.torch_dataset import TokenDataset

VOCABULARY = 32_768
MEDIAN, SIGMA = 430, 1.1


def make_documents(count: int) -> Documents:
    """Return documents of log-normal lengths; all of them share one buffer of Zipf-distributed tokens."""
    random = np.random.default_rng(0)
    lengths = np.maximum(random.lognormal(np.log(MEDIAN), SIGMA, count).astype(np.int64), 1) + 1
    ids = random.integers(0, 256, (count, 16), dtype=np.uint8)
    offsets = offsets_of(lengths)
    tokens = (np.resize(random.zipf(1.3, 1 << 22), offsets[-1]) % (VOCABULARY - 4) + 4).astype(np.int32)
    tokens[offsets[1:] - 1] = 2
    return Documents(tokens, offsets, ids)


def measure_packing(documents: Documents, row_len: int) -> Plan:
    """Plan all rows and print what came of it."""
    lengths = np.diff(documents.offsets)
    order = np.arange(len(documents))
    no_bytes = np.full(VOCABULARY, -1, dtype=np.int16)
    begin = time.process_time()
    plan = plan_rows(documents, order, row_len, no_bytes)
    seconds = time.process_time() - begin
    cut = len(np.unique(plan.pieces.documents[plan.pieces.flags & CUT > 0]))
    begin = time.process_time()
    best_fit_decreasing(lengths[lengths <= row_len], row_len)
    whole = time.process_time() - begin
    padding = 1 - lengths.sum() / (len(plan) * row_len)
    print(
        f"L={row_len}: {len(plan):,} rows, padding {padding:.4%}, cut {cut / len(lengths):.2%} of documents, "
        f"avoidable {cut - int((lengths > row_len).sum())}, plan {seconds:.2f} s "
        f"(best fit of all in one window {whole:.2f} s)"
    )
    return plan


def write_shard(folder: Path, plan: Plan, documents: Documents, rows: int) -> int:
    """Write a shards folder of one file; return its tokens."""
    header = Header(
        plan.row_len, plan.row_len, "best_fit", 10_000, 1, 1, 2, 3, VOCABULARY, "0" * 64, "0" * 64
    )
    path = folder / "train-00000-of-00001.parquet"
    begin = time.process_time()
    with pq.ParquetWriter(path, shard_schema(header), **writer_options()) as writer:
        for first in range(0, rows, header.row_group_rows):
            chosen = np.arange(first, min(first + header.row_group_rows, rows))
            writer.write_table(rows_to_table(fill_rows(plan, chosen, documents, 3), shard_schema(header)))
    tokens, seconds = rows * plan.row_len, time.process_time() - begin
    size = path.stat().st_size
    print(
        f"L={plan.row_len}: fill and write {tokens / seconds / 1e6:.0f} Mtok/s, {size / tokens:.2f} bytes a token"
    )
    body = {"files": [{"path": f"shards/{path.name}", "rows": rows, "bytes": size}]}
    digest = hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps({**body, "sha256": digest}))
    return tokens


def measure_loader(folder: Path, tokens: int, batch_size: int, seed: int | None) -> None:
    """Read a whole epoch and print the speed."""
    begin = time.process_time()
    dataset = TokenDataset(ShardLoader(folder, batch_size=batch_size, seed=seed))
    seen = sum(batch["input_ids"].numel() for batch in dataset)
    seconds = time.process_time() - begin
    if seen != tokens:
        raise SystemExit(f"the loader gave {seen} of {tokens} tokens")
    speed = tokens / seconds / 1e6
    print(f"  loader to int64 tensors, batches of {batch_size}, seed {seed}: {speed:.0f} Mtok per CPU second")


def main(arguments: list[str]) -> None:
    """Run all measurements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=1_000_000)
    documents = make_documents(parser.parse_args(arguments).documents)
    print(f"{len(documents):,} documents, mean {np.diff(documents.offsets).mean():.0f} tokens")
    for row_len in (2048, 4096, 8192):
        plan = measure_packing(documents, row_len)
        with tempfile.TemporaryDirectory() as folder:
            tokens = write_shard(Path(folder), plan, documents, min(len(plan), (1 << 26) // row_len))
            for seed in (None, 1):
                measure_loader(Path(folder), tokens, 16 * 2048 // row_len, seed)


if __name__ == "__main__":
    main(sys.argv[1:])
