"""spaCy's own tokenizer and sentencizer: the reference for `spacy_rules`, at a 38th of the speed.

The tests compare the two. With ``CORPUSMILL_WORDS=spacy`` in the environment every step uses this one, so that anyone
who doubts a word can run the filter stage both ways and compare the ledgers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from filters.splitting.spacy_rules import absent
from filters.splitting.word_numbers import Words

SWITCH: Final = "CORPUSMILL_WORDS"
"""Environment variable; ``spacy`` = use this module."""

_LONGEST: Final = 10**9  # spaCy refuses texts of more than a million characters, for the sake of its models


class SpacyItself:
    """A blank spaCy pipeline behind the methods that splitting needs."""

    def __init__(self, code: str) -> None:
        """Load spaCy.

        Args:
            code: a spaCy language, ``en`` or ``xx``.
        """
        with absent("torch"):
            import spacy

            self._pipeline: Any = spacy.blank(code)
            self._pipeline.add_pipe("sentencizer")
        self._pipeline.max_length = _LONGEST

    def words(self, text: str) -> Words:
        """Return the tokens of a text that are not white space."""
        stripped = (token.text.strip() for token in self._pipeline.make_doc(text))
        return Words.of([word for word in stripped if word])

    def count_sentences(self, lines: Iterable[str]) -> int:
        """Return the number of sentences on lines, each of which is a text by itself."""
        found = (self._pipeline(line.strip()).sents for line in lines)
        return sum(bool(sentence.text.strip()) for sentences in found for sentence in sentences)
