"""Train the model of engine ``blocks``: ``python -m tests.bench.blocks.train [--out FILE] [--cache FILE]``.

Needs the measuring data beside the checkout and CatBoost (``pip install 'corpusmill[train]'``); takes about five
minutes of one core. One thread and fixed seeds: the same data and versions give the same file, for any number of
workers. Then put its sha256 into `pipelines.extraction.blocks` and the figures of ``tests/bench/extraction.py`` into
the model card.

Weights: every page counts alike, whatever its length, because quality is a mean over pages; within a page a block
counts by the square root of its length. A page of known text weighs 1, but 0.5 where that text is the output of
Readability; labels by phrases 0.1, the teachers' labels beside them 0.5, on unlabelled pages 0.3, on recipes
half of that, on manuals, which are many of one kind, a third. Of the short blocks that are no main text, half
are left out and the others weigh twice as much.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.extraction.blocks.columns import B_UNITS
from pipelines.extraction.blocks.engine import PROBE, probe_digest, serialise
from pipelines.extraction.blocks.feature_names import FEATURES
from pipelines.extraction.blocks.features import features
from pipelines.extraction.blocks.scan import scan
from pipelines.extraction.blocks.trees import Trees
from pipelines.extraction.blocks.vocabulary import tables
from tests.bench.blocks.corpus import DATA, Page, digest, labelled
from tests.bench.blocks.labels import block_texts, label
from tests.bench.blocks.silver import Teachers, teach, unlabelled

WEIGHTS = {"text": 1.0, "snippets": 0.1, "partial": 0.1}
READABILITY = 0.5
TAUGHT_BESIDE_PHRASES = 0.5
TAUGHT = {"docs": 0.1, "recipe": 0.15, "web": 0.3, "article": 0.3, "news": 0.3}
EASY_UNITS, EASY_SHARE = 40, 0.5
TREES, LEVELS, RATE, SEEDS = 350, 6, 0.07, (1, 2)


@dataclass(frozen=True)
class Example:
    """Blocks of one page: float32 [blocks, features], labels and weights [blocks]."""

    values: NDArray[np.float32]
    labels: NDArray[np.float32]
    weights: NDArray[np.float64]


def main() -> None:
    """Train on all sites that are not held out."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("model.npz"))
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--cache", type=Path, help="keeps what the teachers said between runs")
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    found = examples(arguments.data, arguments.cache, arguments.workers)
    print(f"{len(found)} pages, {sum(len(one.labels) for one in found):,} labelled blocks", flush=True)
    train(found).write(arguments.out)
    print(f"{arguments.out}: {arguments.out.stat().st_size:,} bytes")


def examples(folder: Path, cache: Path | None, workers: int) -> list[Example]:
    """Return the labelled blocks of all pages to train on."""
    teachers = Teachers(cache)
    pages = [page for page in labelled(folder) if not page.held_out] + list(unlabelled(folder))
    answers = [("", "") if page.kind == "text" else teachers.ask(page) for page in pages]
    teachers.save()
    with ProcessPoolExecutor(workers) as pool:
        return list(pool.map(example, pages, answers, chunksize=20))


def example(page: Page, answers: tuple[str, str]) -> Example:
    """Describe and label the blocks of one page."""
    scanned = scan(serialise(page.html), tables())
    texts, units = block_texts(scanned), np.maximum(scanned.blocks[:, B_UNITS], 1)
    shares = np.sqrt(units) / max(1.0, float(np.sqrt(units).sum()))
    if page.kind == "silver":
        labels, weights = teach(texts, answers), shares * TAUGHT[page.source]
    else:
        labels = label(page, texts)
        known = labels >= 0
        weights = np.where(known, shares, 0)
        weights *= (
            WEIGHTS[page.kind]
            * (READABILITY if page.source == "readability" else 1)
            / max(weights.sum(), 1e-9)
        )
        if page.kind != "text":
            labels = np.where(known, labels, teach(texts, answers))
            weights = np.where(known, weights, shares * TAUGHT_BESIDE_PHRASES)
    chance = np.random.default_rng(digest(page.url)).random(len(units))
    easy = (labels < 0.1) & (units < EASY_UNITS)
    chosen = (labels >= 0) & (~easy | (chance < EASY_SHARE))
    weights = np.where(easy, weights / EASY_SHARE, weights)
    return Example(features(scanned).T[chosen], labels[chosen], weights[chosen])


def train(found: list[Example]) -> Trees:
    """Fit the trees; several seeds side by side, each with its part of the say."""
    import catboost

    values, labels, weights = (
        np.concatenate([getattr(one, name) for one in found]) for name in ("values", "labels", "weights")
    )
    pool = catboost.Pool(values, labels, weight=weights / weights.mean())
    models = []
    for seed in SEEDS:
        model = catboost.CatBoost(
            {
                "loss_function": "CrossEntropy", "iterations": TREES, "depth": LEVELS, "learning_rate": RATE,
                "l2_leaf_reg": 3, "rsm": 0.25, "bootstrap_type": "Bernoulli", "subsample": 0.7, "border_count": 64,
                "boosting_type": "Plain", "leaf_estimation_iterations": 1, "random_seed": seed, "thread_count": 1,
                "allow_writing_files": False, "verbose": 0,
            }
        )  # fmt: skip
        model.fit(pool)
        models.append(model)
    return to_trees(models)


def to_trees(models: list[Any]) -> Trees:
    """Return the mean of some CatBoost models as one list of trees."""
    asked, thresholds, leaves, bias = [], [], [], 0.0
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "model.json"))
        for model in models:
            model.save_model(path, format="json")
            dump = json.loads(Path(path).read_text())
            scale, (shift,) = dump["scale_and_bias"]
            bias += shift / len(models)
            for tree in dump["oblivious_trees"]:
                splits = tree["splits"]
                spare = LEVELS - len(splits)
                asked.append([split["float_feature_index"] for split in splits] + [0] * spare)
                thresholds.append([split["border"] for split in splits] + [np.inf] * spare)
                leaves.append([scale * leaf / len(models) for leaf in tree["leaf_values"]])
    padded = np.zeros((len(leaves), 1 << LEVELS), np.float32)
    for row, values in zip(padded, leaves, strict=True):
        row[: len(values)] = values
    probe = probe_digest(features(scan(serialise(PROBE), tables())))
    return Trees(FEATURES, np.array(asked, np.int16), np.array(thresholds, np.float32), padded, bias, probe)


if __name__ == "__main__":
    main()
