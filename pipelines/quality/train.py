"""Trains the classifier, judges it on texts it has not seen, and writes model, figures and card.

Training has one thread and a fixed seed, and the examples come in the order of their hashes, so the same inputs give
the same bytes. The defaults are fastText's own and DCLM's (100 dimensions, 5 epochs, single words) but for two things
that a few hundred examples need to get away from 0.5: a learning rate of 0.5, and more epochs where 5 would show the
model fewer than 10,000 examples.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import fasttext
import numpy as np

from filters.lists.fasttext_models import LABEL, line_of, probability
from pipelines.quality.card import card
from pipelines.quality.examples import Example
from pipelines.quality.metrics import evaluate
from pipelines.store.storage import Storage, sha256_of

HOME = "quality"
MIN_EPOCHS = 5
MIN_SHOWN = 10_000
BUCKETS = 200_000
"""Hash buckets of word pairs and longer n-grams, where these are asked for: 400 bytes each at 100 dimensions."""


@dataclass(frozen=True)
class Settings:
    """How the classifier is trained.

    Attributes:
        epochs: passes over the training part; None = 5, or more for few examples.
        dimensions: of word vectors.
        learning_rate: at the start; it falls to 0.
        word_ngrams: 1 = single words, 2 = pairs too.
        seed: of the initial vectors and of sampling.
    """

    epochs: int | None = None
    dimensions: int = 100
    learning_rate: float = 0.5
    word_ngrams: int = 1
    seed: int = 1

    def settled(self, examples: int) -> Settings:
        """Return these settings with the number of epochs for so many examples."""
        epochs = self.epochs or max(MIN_EPOCHS, -(-MIN_SHOWN // examples))
        return replace(self, epochs=epochs)


def train(
    storage: Storage,
    training: Sequence[Example],
    test: Sequence[Example],
    settings: Settings,
    about: dict[str, Any],
) -> dict[str, Any]:
    """Train, evaluate and write ``quality/``: ``model.bin``, ``evaluation.json``, ``README.md``.

    Args:
        storage: the folder.
        training: examples to learn from.
        test: examples to judge it on.
        settings: see `Settings`.
        about: facts about the inputs, for the card.

    Returns:
        What ``evaluation.json`` holds.
    """
    settings = settings.settled(len(training))
    with tempfile.TemporaryDirectory(prefix="corpusmill-quality-") as folder:
        path = _fit(Path(folder), training, settings)
        scores = [probability(str(path), example.text, "positive") for example in test]
        facts = {
            "model": {"bytes": path.stat().st_size, "sha256": sha256_of(path)},
            "settings": asdict(settings),
            "training_examples": len(training),
            **about,
            **evaluate(np.array(scores, np.float64), np.array([example.positive for example in test])),
        }
        storage.write_bytes(f"{HOME}/model.bin", path.read_bytes())
    storage.write_bytes(f"{HOME}/evaluation.json", json.dumps(facts, indent=1).encode() + b"\n")
    storage.write_bytes(f"{HOME}/README.md", card(facts).encode())
    return facts


def _fit(folder: Path, training: Sequence[Example], settings: Settings) -> Path:
    """Train on lines with labels; return where the model is."""
    lines = folder / "train.txt"
    with lines.open("wb") as file:
        for example in training:
            label = f"{LABEL}{'positive' if example.positive else 'negative'} "
            file.write(label.encode() + line_of(example.text.replace(LABEL, " ")))
    model = fasttext.train_supervised(
        str(lines),
        epoch=settings.epochs,
        dim=settings.dimensions,
        lr=settings.learning_rate,
        wordNgrams=settings.word_ngrams,
        bucket=BUCKETS if settings.word_ngrams > 1 else 0,
        seed=settings.seed,
        thread=1,
        verbose=0,
    )
    path = folder / "model.bin"
    model.save_model(str(path))
    return path
