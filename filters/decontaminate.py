"""Drops, or only labels, texts that hold parts of an evaluation: questions, answers, passages.

A text is contaminated where it has an n-gram of 13 words in common with any text of an evaluation, the rule of GPT-3
(Brown et al. 2020, arXiv:2005.14165, appendix C), which Llama and others took over; an evaluation text of 8 to 12 words
counts as a whole. N-grams of nothing but numbers below 10,000 count for nothing. Words are compared without case,
accents and punctuation; see `filters.lists.evaluation_texts` for the files, and for what a word is in other scripts.

The ledger says of each document how many of its n-grams an evaluation has, and of the first one its words and the
evaluation's name. ``max_hits: none`` is the mode that labels only, and ``corpusmill whatif --set
decontaminate.max_hits=2`` then says what dropping would cost.

Known mistakes: quotations that both took from a third text (laws, verses, instructions such as "answer with one of
the following letters …") count as hits, so name the `fields` that matter; paraphrases and translations do not; of
Chinese, Japanese or Thai 13 characters are a short n-gram, so take a larger `n` there.
Cost: 118 MB of text per CPU second against a million n-grams, 90 against ten million (`tests/bench/decontaminate.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from filters.dedup.shingles import windows_of
from filters.dedup.units import unit_hashes
from filters.lists.evaluation_texts import EvaluationSet, read_evaluations
from filters.step import Check, FieldFault, Measured
from filters.text import TextView

_SHOWN_CHARACTERS: Final = 300


@dataclass(frozen=True)
class Decontaminate:
    """Judges how many n-grams of an evaluation a text has.

    Attributes:
        evaluations: a file, or a folder in which each file and each folder is one evaluation.
        n: words per n-gram.
        min_words: an evaluation text of fewer than `n` words counts as a whole if it has so many.
        fields: names of the fields of JSON and Parquet rows whose texts count; None = all.
        max_hits: places at which a text may have an n-gram of an evaluation; None = only label.
    """

    evaluations: str
    n: int = 13
    min_words: int = 8
    fields: tuple[str, ...] | None = None
    max_hits: int | None = 0

    FILES: ClassVar[tuple[str, ...]] = ("evaluations",)
    MEASURES: ClassVar[Mapping[str, type]] = {"hits": int, "evaluation": str, "ngram": str}
    CHECKS: ClassVar[tuple[Check, ...]] = (
        Check(
            "contaminated",
            "hits",
            ">",
            "max_hits",
            meaning="more n-grams of an evaluation than `max_hits`",
        ),
    )

    def __post_init__(self) -> None:
        if self.min_words < 1:
            raise FieldFault(f"min_words must be at least 1; found {self.min_words}", "min_words")
        if self.n < self.min_words:
            raise FieldFault(f"n {self.n} is below min_words {self.min_words}", "n", "min_words")
        if self.fields is not None and not self.fields:
            raise FieldFault("fields must name at least one; write none to take all", "fields")

    def load(self) -> None:
        """Read the evaluations anew; a ValueError names the file that is none."""
        read_evaluations.cache_clear()
        self._known()

    def apply(self, view: TextView) -> tuple[TextView, Measured]:
        """Look every n-gram of the text up."""
        known = self._known()
        units = unit_hashes(view.text)
        hits = 0
        first: tuple[int, int, int] | None = None
        for width in known.widths:
            if width > len(units):
                break
            places, found = known.find(windows_of(units, width))
            hits += len(places)
            if len(places) and (first is None or places[0] < first[0]):
                first = int(places[0]), width, int(known.owners[found[0]])
        if first is None:
            return view, {"hits": 0, "evaluation": "", "ngram": ""}
        place, width, owner = first
        return view, {
            "hits": hits,
            "evaluation": known.names[owner],
            "ngram": _words(view.text, place, width),
        }

    def _known(self) -> EvaluationSet:
        return read_evaluations(self.evaluations, self.n, self.min_words, self.fields)


def _words(text: str, place: int, width: int) -> str:
    """Return `width` words of a text from the one at `place` on, as written, with single spaces."""
    start = _last_before(text, place)
    end = _last_before(text, place + width)
    words = " ".join(text[start:end].split())
    return words[:_SHOWN_CHARACTERS]


def _last_before(text: str, count: int) -> int:
    """Return the longest length at which the text has no more than `count` units: where the next one begins."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if len(unit_hashes(text[:middle])) <= count:
            low = middle
        else:
            high = middle - 1
    return low
