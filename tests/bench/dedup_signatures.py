"""CPU seconds from text to MinHash signature, shingling included: the mill and other tools on the same texts.

Usage: python tests/bench/dedup_signatures.py FILE.parquet... [--share N]

The files have a column ``text``; every N-th text is taken. datatrove (0.10), datasketch (2.0) and rensa are measured
where they are installed: best in an environment of their own that also has this project's numba and spaCy.
datasketch and rensa get 5-grams of ``re.findall(r"\\w+", text.lower())``; datasketch hashes them with its default,
SHA-1, and with xxHash. All signatures have 112 numbers. One core, CPU time of this process, code compiled before.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import xxhash

from filters.dedup.scheme import Scheme

PERMUTATIONS = 112
Sign = Callable[[str], object]


def main() -> None:
    """Print one line per tool."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--share", type=int, default=1)
    arguments = parser.parse_args()
    tables = [pq.read_table(file, columns=["text"])["text"] for file in arguments.files]
    texts = [text for table in tables for text in table.to_pylist() if text][:: arguments.share]
    megabytes = sum(len(text.encode("utf-8", "surrogatepass")) for text in texts) / 1e6
    print(f"{len(texts)} texts, {megabytes:.1f} MB; {PERMUTATIONS} permutations")
    rates = {name: clock(sign, texts, megabytes) for name, sign in tools()}
    base = rates.get("datatrove stage 1, xxhash")
    for name, rate in rates.items():
        print(f"{name:44} {rate:9.2f} MB/s" + (f" {rate / base:8.1f} x datatrove" if base else ""))


def clock(sign: Sign, texts: list[str], megabytes: float) -> float:
    """Return MB per CPU second."""
    for text in texts[:20]:
        sign(text)
    began = time.process_time()
    for text in texts:
        sign(text)
    return megabytes / (time.process_time() - began)


def tools() -> Iterator[tuple[str, Sign]]:
    """Yield (name, function from text to signature) of everything that is installed."""
    for title, scheme in (
        ("corpusmill affine32, words", Scheme()),
        ("corpusmill affine32, 24 characters", Scheme(unit="character", width=24)),
        ("corpusmill fineweb (SHA-1)", Scheme("fineweb")),
        ("corpusmill datatrove (xxHash)", Scheme("datatrove")),
    ):
        yield title, lambda text, scheme=scheme: scheme.signature(scheme.windows(text))  # type: ignore[misc]
    if importlib.util.find_spec("datatrove"):
        yield from datatrove()
    if importlib.util.find_spec("datasketch"):
        yield from datasketch()
    if importlib.util.find_spec("rensa"):
        yield "rensa RMinHash", rensa()


def grams(text: str) -> list[str]:
    """Return word 5-grams the way most scripts make them."""
    words = re.findall(r"\w+", text.lower())
    return [" ".join(words[i : i + 5]) for i in range(max(len(words) - 4, 1))]


def datatrove() -> Iterator[tuple[str, Sign]]:
    """Yield datatrove's stage 1 without its files, under both of its hashes."""
    from datatrove.pipeline.dedup.minhash import (  # type: ignore[import-not-found]
        MinhashConfig,
        MinhashDedupSignature,
    )
    from datatrove.utils.hashing import HashConfig  # type: ignore[import-not-found]

    for name in ("xxhash", "sha1"):
        step = MinhashDedupSignature("/tmp", MinhashConfig(hash_config=HashConfig(hash_fc=name)))

        def sign(text: str, step: object = step) -> object:
            shingles = step.get_shingles(text)  # type: ignore[attr-defined]
            return step.get_signature(shingles) if shingles.size else None  # type: ignore[attr-defined]

        yield f"datatrove stage 1, {name}", sign


def datasketch() -> Iterator[tuple[str, Sign]]:
    """Yield datasketch with its default hash and with xxHash."""
    from datasketch import MinHash

    def sign(text: str, hashfunc: Callable[[bytes], int] | None) -> object:
        options = {"hashfunc": hashfunc} if hashfunc else {}
        sketch = MinHash(num_perm=PERMUTATIONS, scheme="affine32", **options)
        sketch.update_batch([gram.encode("utf-8", "surrogatepass") for gram in grams(text)])
        return sketch.hashvalues

    yield "datasketch affine32, SHA-1", lambda text: sign(text, None)
    yield "datasketch affine32, xxHash", lambda text: sign(text, xxhash.xxh32_intdigest)


def rensa() -> Sign:
    """Return rensa's faster sketch."""
    from rensa import RMinHash  # type: ignore[import-not-found]

    def sign(text: str) -> object:
        sketch = RMinHash(num_perm=PERMUTATIONS, seed=1)
        sketch.update(grams(text))
        return np.asarray(sketch.digest())

    return sign


if __name__ == "__main__":
    main()
