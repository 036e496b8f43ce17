"""Scores a text with a fastText classifier and drops it below a limit.

The method of GPT-3's filter, of DCLM (Li et al. 2024, arXiv:2406.11794) and of many others: a linear model over words
separates wanted texts from raw crawl. DCLM keeps the best tenth, from a score of 0.018112 of its own model. The score
is the probability of `label`. ``corpusmill train-quality`` trains such a model; its card says how much each score
keeps. For any other model, give its path and its label for good texts.

Known mistakes: it prefers the topics and the style of its positive examples as much as their quality; very short texts
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
    """The model, and the least score.

    Attributes:
        model: model file.
        label: the label whose probability is the score, without ``__label__``.
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
        """Load the model again; a ValueError says that the file is not a model, or has no such label."""
        for remembered in (model, labels):
            remembered.cache_clear()
        probability(self.model, "a", self.label)

    def apply(self, view: TextView) -> tuple[TextView, Measured]:
        """Score the text; a blank text has no score."""
        return view, {"score": probability(self.model, view.text, self.label)}
