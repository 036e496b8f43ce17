"""Scores a text with a fastText classifier and drops it below a limit.

The way of GPT-3's filter, of DCLM (Li et al. 2024, arXiv:2406.11794, which keeps the best tenth: 0.018112 for its own
model) and many others: a linear model over words tells texts that one wants from raw crawl. The score is the
probability of `label`. ``corpusmill train-quality`` makes such a model and says in its card which score keeps how much;
a model of another origin is named by its path and the label it has for good texts.

Known mistakes: it likes the topics and the style of its positive examples as much as their quality; very short texts
get scores near the prior. Cost: about 40 MB of text per CPU second.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from filters.lists.fasttext_models import labels, model, probability
from filters.step import Check, FieldFault, Measured
from filters.text import TextView


@dataclass(frozen=True)
class QualityModel:
    """Judges the score.

    Attributes:
        model: model file.
        label: name of the label whose probability is the score, without ``__label__``.
        min_score: least score, 0 to 1; None = only measure.
    """

    model: str
    label: str = "positive"
    min_score: float | None = None

    FILES: ClassVar[tuple[str, ...]] = ("model",)
    MEASURES: ClassVar[Mapping[str, type]] = {"score": float}
    CHECKS: ClassVar[tuple[Check, ...]] = (
        Check(
            "low_score",
            "score",
            "<",
            "min_score",
            meaning="the classifier gives the text less than `min_score`",
        ),
    )

    def __post_init__(self) -> None:
        if self.min_score is not None and not 0 <= self.min_score <= 1:
            raise FieldFault(f"min_score must be from 0 to 1; found {self.min_score}", "min_score")

    def load(self) -> None:
        """Load the model anew; a ValueError says that it is none, or lacks the label."""
        for remembered in (model, labels):
            remembered.cache_clear()
        probability(self.model, "a", self.label)

    def apply(self, view: TextView) -> tuple[TextView, Measured]:
        """Score the text; a blank one has no score."""
        return view, {"score": probability(self.model, view.text, self.label)}
