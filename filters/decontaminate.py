"""Drops or labels texts that contain parts of an evaluation: questions, answers, passages.

A text is contaminated if it shares an n-gram of 13 words with any text of an evaluation, the rule of GPT-3 (Brown et
al. 2020, arXiv:2005.14165, appendix C), which Llama and others use too. An evaluation text of 8 to 12 words counts as a
whole. N-grams made only of numbers below 10,000 are ignored. Words are compared without case, accents and punctuation;
`filters.lists.evaluation_texts` describes the files, and words in other scripts.

The ledger has, for each document, how many of its n-grams are in an evaluation, and the words and the evaluation of the
first one. ``max_hits: none`` only labels; ``corpusmill whatif --set decontaminate.max_hits=2`` then shows what dropping
would cost.

Known mistakes: quotations that both took from a third text (laws, verses, instructions such as "answer with one of the
following letters …") count as hits, so name the `fields` that matter. Paraphrases and translations are missed. In
Chinese, Japanese and Thai a word is one character, so take a larger `n` there.
Cost: 118 MB of text per CPU second against a million n-grams, 90 against ten million (`tests/bench/decontaminate.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from filters.dedup.folded_tokens import token_hashes
from filters.dedup.shingles import windows_of
from filters.lists.evaluation_texts import EvaluationSet, read_evaluations
from filters.step import Check, FieldFault, Measured
from filters.text import TextView

_SHOWN_CHARACTERS: Final = 300


@dataclass(frozen=True)
class Decontaminate:
    """Limits how many n-grams of evaluations a text may have.

    Attributes:
        evaluations: a file, or a folder in which each file and each folder is one evaluation.
        n: words per n-gram.
        min_words: shortest evaluation text that counts as a whole if it has fewer than `n` words.
        fields: fields of JSON and Parquet rows whose texts count; None = all.
        max_hits: most places at which a text may share an n-gram with an evaluation; None = only label.
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
        """Read the evaluations again; a ValueError names a file that cannot be read."""
        read_evaluations.cache_clear()
        self._known()

    def apply(self, view: TextView) -> tuple[TextView, Measured]:
        """Look up every n-gram of the text."""
        known = self._known()
        tokens = token_hashes(view.text)
        hits = 0
        first: tuple[int, int, int] | None = None
        for width in known.widths:
            if width > len(tokens):
                break
            places, found = known.find(windows_of(tokens, width))
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
    """Return `width` words of a text, starting with the one at `place`, as written and with single spaces."""
    start = _last_before(text, place)
    end = _last_before(text, place + width)
    words = " ".join(text[start:end].split())
    return words[:_SHOWN_CHARACTERS]


def _last_before(text: str, count: int) -> int:
    """Return the length of the longest start of the text with at most `count` tokens: where the next token begins."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if len(token_hashes(text[:middle])) <= count:
            low = middle
        else:
            high = middle - 1
    return low
