"""A step of your own: drops pages that shout."""

from dataclasses import dataclass
from typing import ClassVar

from filters.step import Check, Measured
from filters.text import TextView


@dataclass(frozen=True)
class Shouting:
    """Limits the share of capital letters; ``max_upper: none`` only measures it."""

    max_upper: float | None = 0.3

    MEASURES: ClassVar = {"upper": float}
    CHECKS: ClassVar = (Check("shouting", "upper", ">", "max_upper"),)
    FILES: ClassVar = ()

    def apply(self, view: TextView) -> tuple[TextView, Measured]:
        """Measure the share of letters that are capitals."""
        letters = sum(map(str.isalpha, view.text)) or 1
        return view, {"upper": sum(map(str.isupper, view.text)) / letters}
