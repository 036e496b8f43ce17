"""Drops documents in unwanted languages, and those whose label is unsure.

``min_score`` is one number, or one per language: ``{en: 0.65, de: 0.5, default: 0.6}``; a language that has none, and
no default, is kept with any score. Languages are named as in the model, with or without their script: ``deu`` keeps
``deu_Latn``.

FineWeb keeps English from a score of 0.65 (Penedo et al. 2024, arXiv:2406.17557); FineWeb-2 publishes thresholds from
0.3 to 0.9 for other languages (arXiv:2506.20920). Known mistake: a page in two languages is dropped for its score.
Cost: next to nothing; `label_language` does the work.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from filters.language_codes import UNDETERMINED
from filters.step import Check, FieldFault, Measured
from filters.text import TextView


@dataclass(frozen=True)
class Language:
    """Limits on the document's label.

    Attributes:
        keep: codes of the languages to keep, as the language model names them; ``und`` = no label; None = all.
        min_score: least probability of the label, 0 to 1, or one per language; None = any.
    """

    keep: tuple[str, ...] | None = ("en",)
    min_score: float | Mapping[str, float | None] | None = 0.65

    MEASURES: ClassVar[Mapping[str, type]] = {"language": str, "score": float}
    CHECKS: ClassVar[tuple[Check, ...]] = (
        Check(
            "wrong_language",
            "language",
            "outside",
            "keep",
            meaning="the language is not in `keep`",
        ),
        Check(
            "low_language_score",
            "score",
            "<",
            "min_score",
            by="language",
            meaning="the label is less sure than `min_score`",
        ),
    )
    FILES: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        if self.keep is not None and not self.keep:
            raise FieldFault("keep must name at least one language; write none to keep all", "keep")
        scores = self.min_score.values() if isinstance(self.min_score, Mapping) else (self.min_score,)
        if not scores:
            message = "min_score must name a language or default; write none to keep any score"
            raise FieldFault(message, "min_score")
        if not all(score is None or 0 <= score <= 1 for score in scores):
            raise FieldFault(f"min_score must be from 0 to 1; found {self.min_score}", "min_score")

    def apply(self, view: TextView) -> tuple[TextView, Measured]:
        """Report the label and its score."""
        return view, {"language": view.language or UNDETERMINED, "score": view.document.language_score}
