"""Drops pages that repeat themselves: menus, boilerplate, keyword spam, logs.

Gopher's repetition rules (Rae et al. 2021, arXiv:2112.11446, table A1). All recipes share the limits, but each has its
own definition of repetition; `filters.repetition_profiles` has the four in use. Of 1,284 web pages they drop 125
(``datatrove``), 240 (``dclm``), 146 (``dolma``) and 119 (``nemo``), and they disagree on 12 % of the pages
(`tests/bench/profiles.py`). Wrongly dropped: poems with a refrain, tables, lyrics, legal texts. Cost: 0.2 ms for 1,000
words, without splitting.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import ClassVar, Final, Literal

from filters.profile import with_profile
from filters.repetition_profiles import PROFILES
from filters.step import Check, FieldFault, Measured, Values
from filters.text import TextView

# From Dolma 1.6 (configs/dolma-v1_6/mixing/cc-head.yaml); all other limits are those of the paper.
_OWN_LIMITS: Final[Mapping[str, Mapping[str, float | None]]] = {
    "dolma": {"max_duplicate_line_characters": 0.3},
}


def _of_profile(given: Values) -> Values:
    return {**_OWN_LIMITS.get(str(given.get("profile")), {}), **given}


@with_profile(_of_profile)
@dataclass(frozen=True)
class GopherRepetition:
    """Limits are shares from 0 to 1; a document above one of them is dropped, and None switches a limit off.

    Attributes:
        profile: whose definition of repetition; it sets the limits that are not given.
        max_duplicate_lines, max_duplicate_paragraphs: greatest share of lines, or paragraphs, that are copies.
        max_duplicate_line_characters, max_duplicate_paragraph_characters: greatest share of characters in copies.
        max_top_2_gram, …: greatest share of characters in the most frequent n-gram.
        max_repeated_5_gram, …: greatest share of characters in repeated n-grams.
    """

    profile: Literal["datatrove", "dclm", "dolma", "nemo"] = "datatrove"
    max_duplicate_paragraphs: float | None = 0.3
    max_duplicate_paragraph_characters: float | None = 0.2
    max_duplicate_lines: float | None = 0.3
    max_duplicate_line_characters: float | None = 0.2
    max_top_2_gram: float | None = 0.2
    max_top_3_gram: float | None = 0.18
    max_top_4_gram: float | None = 0.16
    max_repeated_5_gram: float | None = 0.15
    max_repeated_6_gram: float | None = 0.14
    max_repeated_7_gram: float | None = 0.13
    max_repeated_8_gram: float | None = 0.12
    max_repeated_9_gram: float | None = 0.11
    max_repeated_10_gram: float | None = 0.1

    FILES: ClassVar[tuple[str, ...]] = ()
    MEASURES: ClassVar[Mapping[str, type]]
    CHECKS: ClassVar[tuple[Check, ...]]

    def __post_init__(self) -> None:
        for name, limit in ((field.name, getattr(self, field.name)) for field in fields(self)):
            if isinstance(limit, float | int) and not 0 <= limit <= 1:
                raise FieldFault(f"{name} is a share from 0 to 1, not {limit}", name)

    def apply(self, view: TextView) -> tuple[TextView, Measured]:
        """Measure; a blank text is not measured, and n-grams only if the text has that many words."""
        return view, {} if not view.text or view.text.isspace() else PROFILES[self.profile](view)


_SHARES: Final = {
    "duplicate": ("too_many_{}", "a larger share of {} is in copies than `{}`"),
    "top": ("too_frequent_{}", "the most frequent {} holds a larger share of the text than `{}`"),
    "repeated": ("too_many_repeated_{}s", "repeated {}s hold a larger share of the text than `{}`"),
}
"""The reason and its meaning, by the first word of a measure."""


def _check(measure: str) -> Check:
    """Return the check of a measure; its limit is the field of the same name with ``max_`` before it."""
    kind, _, rest = measure.partition("_")
    reason, meaning = _SHARES[kind]
    words = rest.replace("_", "-" if rest.endswith("gram") else " ")
    limit = f"max_{measure}"
    name = measure if kind == "duplicate" else rest
    return Check(reason.format(name), measure, ">", limit, meaning=meaning.format(words, limit))


_MEASURES: Final = [
    field.name.removeprefix("max_") for field in fields(GopherRepetition) if field.name.startswith("max_")
]
GopherRepetition.MEASURES = dict.fromkeys(_MEASURES, float)
GopherRepetition.CHECKS = tuple(map(_check, _MEASURES))
