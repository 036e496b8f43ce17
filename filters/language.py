"""Drops documents in other languages than the wanted ones, and those whose label is unsure.

FineWeb keeps English from a score of 0.65 on (Penedo et al. 2024, arXiv:2406.17557); for other languages
thresholds from 0.3 to 0.9 are published with FineWeb-2 (arXiv:2506.20920). Known mistake: a page in two
languages is dropped by its score.
Cost: none to speak of; `label_language` has done the work.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from filters.step import Check, Measured
from filters.text import TextView

UNDETERMINED = "und"
"""ISO 639-2 code for a text without a label."""


@dataclass(frozen=True)
class Language:
    """Judges the label of the document.

    Attributes:
        keep: codes to keep, as the language model names them; ``und`` = no label; None = all.
        min_score: least probability of the label, 0 to 1; None = any.
    """

    keep: tuple[str, ...] | None = ("en",)
    min_score: float | None = 0.65

    MEASURES: ClassVar[Mapping[str, type]] = {"language": str, "score": float}
    CHECKS: ClassVar[tuple[Check, ...]] = (
        Check("wrong_language", "language", "not in", "keep"),
        Check("low_language_score", "score", "<", "min_score"),
    )
    FILES: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        if self.keep is not None and not self.keep:
            raise ValueError("keep must name at least one language; write none to keep all")
        if self.min_score is not None and not 0 <= self.min_score <= 1:
            raise ValueError(f"min_score must be from 0 to 1; found {self.min_score}")

    def apply(self, view: TextView) -> tuple[TextView, Measured]:
        """Measure the label."""
        return view, {"language": view.language or UNDETERMINED, "score": view.document.language_score}
