"""Boosted trees with one question per level (oblivious trees): evaluated without a branch, all blocks at once.

All nodes of a level ask the same question, so the answers, read as bits, are the number of the leaf. The model file is
an npz archive without pickles: the features it was trained on, feature and threshold of each question, the leaves, and
the digest of the features of a probe page.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from filters.compiled import compiled
from pipelines.extraction.blocks import MODEL_SHA256
from pipelines.extraction.blocks.feature_names import Floats

MODEL: Final = Path(__file__).with_name("model.npz")


class ModelError(Exception):
    """The model file does not belong to this code, or the code computes wrong features."""


@dataclass(frozen=True)
class Trees:
    """A trained model.

    Attributes:
        features: names of the features in the order of the rows of the input.
        asked: int16 [trees, levels], row of the feature that each question is about.
        thresholds: float32 [trees, levels], an answer is 1 if the feature is above it.
        leaves: float32 [trees, 2 ** levels].
        bias: added to the sum of the leaves.
        probe: sha256 of the features of the probe page.
    """

    features: tuple[str, ...]
    asked: NDArray[np.int16]
    thresholds: Floats
    leaves: Floats
    bias: float
    probe: str

    def probabilities(self, values: Floats) -> NDArray[np.float64]:
        """Return for each block the probability that it is main text, given features: float32 [features, blocks]."""
        sums = np.full(values.shape[1], self.bias, np.float64)
        _add_leaves(values, self.asked, self.thresholds, self.leaves, sums)
        return 1 / (1 + np.exp(-sums))

    def write(self, path: Path) -> None:
        """Write the model file."""
        np.savez_compressed(
            path,
            features=np.array(self.features),
            asked=self.asked,
            thresholds=self.thresholds,
            leaves=self.leaves,
            bias=np.float64(self.bias),
            probe=np.array(self.probe),
        )


def read(path: Path = MODEL, sha256: str | None = MODEL_SHA256) -> Trees:
    """Read a model file and check its digest; `sha256` None = accept any file.

    Raises:
        ModelError: the file has another digest.
    """
    data = path.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if sha256 is not None and found != sha256:
        raise ModelError(f"{path}: sha256 {found}, not {sha256}; install this version of corpusmill again")
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return Trees(
            tuple(arrays["features"].tolist()),
            arrays["asked"],
            arrays["thresholds"],
            arrays["leaves"],
            float(arrays["bias"]),
            str(arrays["probe"]),
        )


@compiled
def _add_leaves(
    values: Floats, asked: NDArray[np.int16], thresholds: Floats, leaves: Floats, sums: NDArray[np.float64]
) -> None:
    trees, levels = asked.shape
    leaf = np.zeros(len(sums), np.int32)
    for tree in range(trees):
        leaf[:] = 0
        for level in range(levels):
            row, threshold = values[asked[tree, level]], thresholds[tree, level]
            for block in range(len(sums)):
                leaf[block] |= np.int32(row[block] > threshold) << level
        for block in range(len(sums)):
            sums[block] += leaves[tree, leaf[block]]
