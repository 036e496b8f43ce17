"""What near-duplicate removal gets right, against the exact similarity of all pairs of a run's texts.

Usage: python tests/bench/dedup_quality.py OUT [--dups GROUPS.jsonl]

OUT is a run whose filter stage is done. Its texts are deduplicated again, at 0.7 and 0.8, under each way of
verifying, into a temporary folder. The truth is made by other code than the mill's: word 5-grams of
``re.findall(r"\\w+", text.lower())`` (5-grams of letters and digits where most letters belong to a script without
spaces), every pair that shares one counted through an inverted index, no sampling.

GROUPS is the list of planted groups of the measuring data. Printed are

- precision: share of the removals whose true similarity to their keeper reaches the limit, by the truth above and
  by the stage's own shingles; the worst removal;
- recall: of the pairs with a true similarity of at least 0.8 and 0.9, how many share a bucket, how many should by
  the bands' curve, and of how many at most one document is left;
- planted pairs that ended in one cluster, by kind and target similarity.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import xxhash
from scipy.sparse import csr_array

from filters.dedup.bands import band_hashes, match_probability
from filters.dedup.shingles import jaccard
from pipelines.recipe.recipe import Dedup, Minhash, Recipe
from pipelines.stages.dedup import stage as dedup
from pipelines.store.manifest import read_manifest
from pipelines.store.stage_key import stage_key
from pipelines.store.storage import Storage
from pipelines.work.progress import Progress
from pipelines.work.stage import Run

SPACELESS = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
BLOCK_ROWS = 256
LEAST = 0.3
Pairs = dict[tuple[int, int], float]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--dups", type=Path)
    arguments = parser.parse_args()
    rows = read_rows(arguments.out)
    truth = similar_pairs([grams(row["text"]) for row in rows])
    print(f"{len(rows)} texts, {len(truth)} pairs with a true similarity of at least {LEAST}")
    for similarity in (0.7, 0.8):
        for verify in ("signature", "exact", "containment"):
            section = Minhash(similarity=similarity, verify=verify)
            removed = deduplicate(arguments.out, section)
            print(f"\n--- similarity {similarity}, verify {verify}: {len(removed)} removed")
            report_precision(rows, removed, truth, section)
            report_recall(rows, removed, truth, section)
            if arguments.dups:
                report_planted(rows, removed, truth, arguments.dups)


def read_rows(out: Path) -> list[dict[str, Any]]:
    """Return id, url and text of all documents that the steps kept."""
    files = sorted((out / "filtered").glob("*.parquet"))
    return [row for file in files for row in pq.read_table(file, columns=["id", "url", "text"]).to_pylist()]


def grams(text: str) -> set[int]:
    """Return the truth's shingles, hashed."""
    letters = [c for c in text if c.isalpha()]
    if 2 * len(SPACELESS.findall(text)) > len(letters):
        units = [c for c in text.lower() if c.isalnum()]
    else:
        units = re.findall(r"\w+", text.lower())
    pieces = ("\0".join(units[i : i + 5]) for i in range(max(len(units) - 4, min(len(units), 1))))
    return {xxhash.xxh64_intdigest(piece.encode("utf-8", "surrogatepass")) for piece in pieces}


def similar_pairs(sets: list[set[int]]) -> Pairs:
    """Return the Jaccard similarity of every pair that has at least `LEAST`, smaller index first."""
    sizes = np.array([len(one) for one in sets])
    values = np.array([value for one in sets for value in one], dtype=np.uint64)
    _, columns = np.unique(values, return_inverse=True)
    index = csr_array(
        (np.ones(len(columns), dtype=np.int32), columns, np.concatenate(([0], np.cumsum(sizes)))),
        shape=(len(sets), int(columns.max()) + 1),
    )
    flipped, found = index.T.tocsr(), {}
    for start in range(0, len(sets), BLOCK_ROWS):
        shared = (index[start : start + BLOCK_ROWS] @ flipped).tocoo()
        one, other = shared.coords[0] + start, shared.coords[1]
        similarity = shared.data / (sizes[one] + sizes[other] - shared.data)
        for i in np.flatnonzero((one < other) & (similarity >= LEAST)).tolist():
            found[int(one[i]), int(other[i])] = float(similarity[i])
    return found


def deduplicate(out: Path, section: Minhash) -> dict[str, dict[str, Any]]:
    """Return the rows about removed documents by id; the stage is run on the texts of `out`."""
    filtered = read_manifest(Storage(out), "filtered")
    with tempfile.TemporaryDirectory() as folder:
        for name in ("filtered", "ledger"):
            (Path(folder) / name).symlink_to((out / name).absolute())
        storage, recipe = Storage(folder), Recipe("bench", (), dedup=Dedup(minhash=section))
        run = Run(recipe, storage, 1, (), Progress(storage, quiet=True))
        dedup.run_stage(run, filtered, dedup.key(run, stage_key("filter", {})))
        tables = [pq.read_table(file) for file in (Path(folder) / "duplicates").glob("*.parquet")]
    return {row["id"]: row for table in tables for row in table.to_pylist() if not row["kept"]}


def report_precision(rows: list[Any], removed: dict[str, Any], truth: Pairs, section: Minhash) -> None:
    """Print the share of removals that are what they claim to be."""
    place, scheme = {row["id"]: i for i, row in enumerate(rows)}, section.signing()
    true, own = [], []
    for identity, row in removed.items():
        pair = sorted((place[identity], place[row["keeper"]]))
        true.append(truth.get((pair[0], pair[1]), 0.0))
        own.append(jaccard(*(scheme.shingles(rows[i]["text"]) for i in pair)))
    for name, found in (("word 5-grams by regex", true), ("the stage's own shingles", own)):
        good = np.asarray(found) >= section.similarity
        print(f"precision, {name:26} {good.mean():8.3%}   {int((~good).sum())} wrong, worst {min(found):.3f}")


def report_recall(rows: list[Any], removed: dict[str, Any], truth: Pairs, section: Minhash) -> None:
    """Print how many similar pairs were compared, and how many were settled."""
    scheme, bands = section.signing(), section.cut()
    signatures = np.stack([scheme.signature(scheme.windows(row["text"])) for row in rows])
    hashes = band_hashes(signatures, np.zeros(len(rows), dtype=np.uint64), bands)
    for least in (0.8, 0.9):
        pairs = [pair for pair, similarity in truth.items() if similarity >= least]
        compared = np.mean([(hashes[i] == hashes[j]).any() for i, j in pairs])
        curve = np.mean([match_probability(truth[pair], bands) for pair in pairs])
        gone = np.mean([rows[i]["id"] in removed or rows[j]["id"] in removed for i, j in pairs])
        print(
            f"recall, {len(pairs)} pairs of J >= {least}: share a bucket {compared:.2%} "
            f"(by the curve {curve:.2%}), at most one left {gone:.2%}"
        )


def report_planted(rows: list[Any], removed: dict[str, Any], truth: Pairs, groups: Path) -> None:
    """Print how many planted pairs of base and copy ended in one cluster."""

    def cluster(i: int) -> str:
        identity = str(rows[i]["id"])
        return str(removed[identity]["keeper"]) if identity in removed else identity

    place = {row["url"]: i for i, row in enumerate(rows)}
    found: dict[tuple[str, str], list[tuple[bool, float]]] = defaultdict(list)
    for line in groups.read_text().splitlines():
        group = json.loads(line)
        base = place.get(group["members"][0]["uri"])
        for member in group["members"][1:]:
            copy = place.get(member["uri"])
            if base is None or copy is None:
                continue
            pair = (min(base, copy), max(base, copy))
            entry = cluster(base) == cluster(copy), truth.get(pair, 0.0)
            found[group["kind"], str(member.get("target", ""))].append(entry)
    print("planted: kind, target     pairs   one cluster  mean true similarity of the extracted texts")
    for (kind, target), entries in sorted(found.items()):
        share, mean = np.mean([one for one, _ in entries]), np.mean([s for _, s in entries])
        print(f"  {kind:12} {target:8} {len(entries):6} {share:10.1%}    {mean:.3f}")


if __name__ == "__main__":
    main()
