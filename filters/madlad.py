"""Drops pages in which too many sentences are lists of names, garbled, or hardly ever prose.

The sentence rules of MADLAD-400 (Kudugunta et al. 2023, arXiv:2309.04662, section 2.3) as Dolma 3 runs them (AllenAI
``datamap-rs``, 2026-03). Sentences end at ``. ! ?`` and a space. A page is dropped if it has fewer than five sentences,
or if at least a fifth of them are questionable. Dolma 3 uses rules 2 and 5, which are on here; rules 3 and 4 are
MADLAD's and off. Rule 1, a sentence in another language than the page, needs a model per sentence and is left out. So
are the entries of rule 5's list that have a backslash: Dolma 3 looks for them literally, and so never finds them.

Wrongly dropped: contents pages, filmographies, download pages, short texts. Cost: 0.8 ms for 1,000 words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from filters.splitting.words import unicode_words
from filters.step import Check, Measured
from filters.text import TextView

_SENTENCE_END: Final = re.compile(r"[.!?]+\s+")
_TECHNICAL: Final = frozenset("0123456789{}+/()>")
_LIST_WORDS: Final = 12
_LENGTHS: Final = range(20, 501)
_CURSED: Final = (
    " №",
    "\ufffd\ufffd\ufffd",
    "aute irure dolor ",
    " sunt in culpa qui ",
    "orem ipsum ",
    " quis nostrud ",
    " adipisicing ",
    " dolore eu ",
    " cupidatat ",
    "autem vel eum",
    "wisi enim ad",
    " sex ",
    " porn ",
    "黄色电影",
    "mp3",
    "ownload",
    "Episode",
    "Develop",
    "Facebook",
    " crusher ",
    " xxx ",
)
# Nine words of three letters, nine of four, nine single letters, or five short pieces between commas.
_CURSED_PATTERNS: Final = (" ..." * 9, " ...." * 9, " [^ ]" * 9, ", ..,,?" + " ..,,?" * 3)
_CURSE: Final = re.compile("|".join([*map(re.escape, _CURSED), *_CURSED_PATTERNS]))


@dataclass(frozen=True)
class Madlad:
    """Which sentences are questionable, and how many a page may have; None switches a limit off.

    Attributes:
        list_case: rule 2: the sentence has twelve words or more, and more than half start with a capital.
        lengths: rule 3: it has fewer than 20 or more than 500 characters.
        technical: rule 4: more than a fifth of its characters are digits or one of ``{}+/()>``.
        cursed: rule 5: it has one of the listed strings.
        min_sentences: least number of sentences.
        max_questionable: a page is dropped if this share of its sentences, or more, is questionable.
    """

    list_case: bool = True
    lengths: bool = False
    technical: bool = False
    cursed: bool = True
    min_sentences: int | None = 5
    max_questionable: float | None = 0.2

    FILES: ClassVar[tuple[str, ...]] = ()
    MEASURES: ClassVar[Mapping[str, type]] = {"sentences": int, "questionable": float}
    CHECKS: ClassVar[tuple[Check, ...]] = (
        Check(
            "too_few_sentences",
            "sentences",
            "<",
            "min_sentences",
            meaning="fewer sentences than `min_sentences`",
        ),
        Check(
            "too_many_questionable_sentences",
            "questionable",
            ">=",
            "max_questionable",
            meaning="at least `max_questionable` of the sentences are questionable",
        ),
    )

    def apply(self, view: TextView) -> tuple[TextView, Measured]:
        """Count the sentences, and how many of them are questionable."""
        sentences = [piece for piece in _SENTENCE_END.split(view.text) if piece and not piece.isspace()]
        questionable = sum(map(self._is_questionable, sentences))
        share = questionable / len(sentences) if sentences else None
        return view, {"sentences": len(sentences), "questionable": share}

    def _is_questionable(self, sentence: str) -> bool:
        return (
            (self.cursed and _CURSE.search(sentence) is not None)
            or (self.lengths and len(sentence) not in _LENGTHS)
            or (self.technical and sum(c in _TECHNICAL for c in sentence) > 0.2 * len(sentence))
            or (self.list_case and _is_list(sentence))
        )


def _is_list(sentence: str) -> bool:
    """Return True if a sentence is long and most of its words start with a capital.

    >>> _is_list("Ann Bob Cy Di Ed Flo Gus Hal Ivy and then to")
    True
    """
    if not any(map(str.isupper, sentence)):
        return False
    words = unicode_words(sentence)
    return len(words) >= _LIST_WORDS and 2 * sum(word[0].isupper() for word in words) > len(words)
