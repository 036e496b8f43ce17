"""CPU seconds of near-duplicate search: signatures from text, buckets and decisions from signatures.

Usage: python tests/bench/dedup.py [TEXTS] [--documents N]

TEXTS is a JSON-lines file (.gz or not) with a ``text`` per line or a Parquet file with that column; without
it, texts are made of pseudo-words with Zipf's frequencies. Figures are CPU seconds of this process, one core.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from filters.dedup.bands import BANDS, band_hashes
from filters.dedup.buckets import MEMBER, form_buckets
from filters.dedup.clusters import Limit, components, place, resolve
from filters.dedup.minhash import PERMUTATIONS, signature
from filters.dedup.shingles import shingles
from filters.document import Document, Origin
from filters.text import TextView

PLANTED_SHARE = 0.1


def main() -> None:
    """Print one line per measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("texts", nargs="?", type=Path)
    parser.add_argument("--documents", type=int, default=1_000_000, help="synthetic signatures")
    arguments = parser.parse_args()
    bench_signatures(read_texts(arguments.texts) if arguments.texts else made_texts())
    bench_candidates(arguments.documents)


def read_texts(path: Path) -> list[str]:
    """Return the texts of a file."""
    if path.suffix == ".parquet":
        return [text for text in pq.read_table(path, columns=["text"])["text"].to_pylist() if text]
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8") as lines:
        return [text for text in (json.loads(line)["text"] for line in lines) if text]


def made_texts(count: int = 1000, words: int = 1000) -> list[str]:
    """Return texts of pseudo-words with Zipf's frequencies."""
    random = np.random.default_rng(1)
    vocabulary = ["".join(random.choice(list("abcdefghij"), 1 + i % 9)) for i in range(20_000)]
    ranks = np.minimum(random.zipf(1.3, (count, words)), len(vocabulary)) - 1
    return [" ".join(vocabulary[rank] for rank in row) + "." for row in ranks]


def view(text: str) -> TextView:
    """Return a document's view, as a worker makes it."""
    return TextView(Document("0" * 32, None, text, None, "web", "en", None, None, Origin("a", 0, 1, 0)))


def bench_signatures(texts: list[str]) -> None:
    """Time the way from text to signature, part by part."""
    signature(shingles(view("compile the kernels before the clock starts")))
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    views = [view(text) for text in texts]
    clocked("words (spaCy tokens, shared with the filters)", megabytes, lambda: [v.words for v in views])
    sets, _ = clocked("shingles, words cold", megabytes, lambda: [shingles(v) for v in views])
    clocked("shingles, words warm", megabytes, lambda: [shingles(v) for v in views])
    clocked("signatures from shingles", megabytes, lambda: [signature(one) for one in sets])
    fresh = [view(text) for text in texts]
    clocked("text to signature, caches warm", megabytes, lambda: [signature(shingles(v)) for v in fresh])


def bench_candidates(count: int) -> None:
    """Time the way from signatures to decisions; a tenth of the documents are planted copies."""
    random = np.random.default_rng(2)
    signatures = random.integers(0, 1 << 32, (count, PERMUTATIONS), dtype=np.uint32)
    copies = np.arange(int(count * PLANTED_SHARE))
    kept = random.random((len(copies), PERMUTATIONS)) < 0.85
    signatures[copies] = np.where(kept, signatures[copies + len(copies)], signatures[copies])
    scopes = np.zeros(count, dtype=np.uint64)
    hashes, _ = clocked("band hashes", 0, lambda: band_hashes(signatures, scopes, BANDS["fineweb"]))
    members = np.empty(hashes.size, dtype=MEMBER)
    docs = np.arange(count, dtype=np.uint64)
    members["band"], members["next_band"] = hashes.ravel(), np.roll(hashes, -1, axis=1).ravel()
    for name in ("content", "order", "doc"):
        members[name] = np.repeat(docs, hashes.shape[1])
    partitions = [members[members["band"] % np.uint64(16) == part] for part in np.arange(16, dtype=np.uint64)]
    found, _ = clocked("buckets", 0, lambda: [form_buckets(part) for part in partitions])
    buckets = type(found[0])(
        np.concatenate([one.docs for one in found]),
        np.concatenate([[0], np.cumsum(np.concatenate([one.sizes for one in found]))]),
        np.concatenate([one.capped for one in found]),
    )
    (grouped, _), _ = clocked("components", 0, lambda: components(buckets))
    placed = place(buckets, grouped)
    chosen = signatures[grouped]

    def decide() -> Any:
        return resolve(chosen, placed, Limit.estimated(0.7), lambda pairs: np.zeros(len(pairs)))

    decide()
    decisions, _ = clocked("decisions", 0, decide)
    print(f"{count} documents, {len(copies)} copies planted, {int((decisions.keeper >= 0).sum())} found")


def clocked(what: str, megabytes: float, work: Callable[[], Any]) -> tuple[Any, float]:
    """Do the work, print its CPU seconds and rate, return its result and the seconds."""
    began = time.process_time()
    result = work()
    seconds = time.process_time() - began
    rate = f"{megabytes / seconds:9.1f} MB/s" if megabytes else ""
    print(f"{what:50} {seconds:8.3f} CPU s {rate}")
    return result, seconds


if __name__ == "__main__":
    main()
