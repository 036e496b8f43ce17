"""Trains the classifier, evaluates it on unseen texts, and writes the model, its figures and its card.

The same inputs give the same bytes: training has one thread and a fixed seed, and examples are in the order of their
hashes. The defaults are those of fastText and DCLM (100 dimensions, 5 epochs, single words), with two exceptions that
a few hundred examples need for scores away from 0.5: a learning rate of 0.5, and more epochs where 5 would show the
model fewer than 10,000 examples.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

import fasttext
import numpy as np

from filters.lists.fasttext_models import LABEL, line_of, probability
from pipelines.quality.card import Evaluation, Inputs, ModelFile, card
from pipelines.quality.examples import Example
from pipelines.quality.metrics import evaluate
from pipelines.store.storage import Storage, sha256_of

HOME: Final = "quality"
"""Folder of the model in a run."""
MIN_EPOCHS: Final = 5
"""fastText's default."""
MIN_SHOWN: Final = 10_000
"""Examples that the model sees at least, epochs counted."""
BUCKETS: Final = 200_000
"""Hash buckets for pairs of words and longer n-grams, if they are used: 400 bytes each at 100 dimensions."""


@dataclass(frozen=True)
class TrainingSettings:
    """How the classifier is trained.

    Attributes:
        epochs: passes over the training part; None = 5, or more for few examples.
        dimensions: of the word vectors.
        learning_rate: at the start; it falls to 0.
        word_ngrams: 1 = single words, 2 = pairs too.
        seed: of the initial vectors and of sampling.
    """

    epochs: int | None = None
    dimensions: int = 100
    learning_rate: float = 0.5
    word_ngrams: int = 1
    seed: int = 1

    def with_epochs(self, examples: int) -> TrainingSettings:
        """Return these settings with the number of epochs for a number of training examples."""
        epochs = self.epochs or max(MIN_EPOCHS, -(-MIN_SHOWN // examples))
        return replace(self, epochs=epochs)


def train(
    storage: Storage,
    training: Sequence[Example],
    test: Sequence[Example],
    settings: TrainingSettings,
    inputs: Inputs,
    language: str | None,
) -> Evaluation:
    """Train, evaluate and write ``quality/``: ``model.bin``, ``evaluation.json``, ``README.md``.

    Args:
        storage: the folder.
        training: examples to learn from.
        test: examples to evaluate on.
        settings: see `TrainingSettings`.
        inputs: of each class as given, for the card.
        language: of the texts; None = any.

    Returns:
        The content of ``evaluation.json``.
    """
    settings = settings.with_epochs(len(training))
    with tempfile.TemporaryDirectory(prefix="corpusmill-quality-") as folder:
        path = _fit(Path(folder), training, settings)
        scores = [probability(str(path), example.text, "positive") for example in test]
        facts: Evaluation = {
            "model": ModelFile(bytes=path.stat().st_size, sha256=sha256_of(path)),
            "settings": asdict(settings),
            "training_examples": len(training),
            "inputs": inputs,
            "language": language,
            **evaluate(np.array(scores, np.float64), np.array([example.positive for example in test])),
        }
        storage.write_bytes(f"{HOME}/model.bin", path.read_bytes())
    storage.write_bytes(f"{HOME}/evaluation.json", json.dumps(facts, indent=1).encode() + b"\n")
    storage.write_bytes(f"{HOME}/README.md", card(facts).encode())
    return facts


def _fit(folder: Path, training: Sequence[Example], settings: TrainingSettings) -> Path:
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
