"""The one place that splits text: words, lines and paragraphs of a document, each at most once; it counts sentences.

Every step gets the same `TextView`, so the second step that asks for words pays nothing.
"""

from __future__ import annotations

from functools import cached_property
from typing import Final

from filters.document import Document
from filters.splitting.sentences import count_sentences
from filters.splitting.word_numbers import Words
from filters.splitting.words import Segmenter, number_words

# Splits that do not depend on the language label or the segmenter.
_LANGUAGE_FREE: Final = ("lines", "unicode_lines", "paragraphs")


class TextView:
    """The splits of one document, each computed at its first use. Read them, never change them.

    Attributes:
        document: the document as it is now.
    """

    def __init__(self, document: Document, segment: Segmenter | None = None) -> None:
        """Make a view of a document.

        Args:
            document: the document.
            segment: finds words in scripts without spaces; None = each of their characters is a word.
        """
        self.document = document
        self._segment = segment

    @property
    def text(self) -> str:
        """The document's text."""
        return self.document.text

    @property
    def language(self) -> str | None:
        """The document's language code; None before labelling, which counts as English."""
        return self.document.language

    @cached_property
    def numbered_words(self) -> Words:
        """The words of the text as numbers, which are fast to count."""
        return number_words(self.text, self.language, self._segment)

    @cached_property
    def words(self) -> list[str]:
        """Words and punctuation marks without whitespace, as `filters.splitting.words.split_words` defines them."""
        return self.numbered_words.listed()

    @cached_property
    def word_counts(self) -> dict[str, int]:
        """How often each distinct word occurs."""
        words = self.numbered_words
        return dict(zip(words.distinct, words.counts(), strict=True))

    @cached_property
    def lines(self) -> list[str]:
        r"""Pieces between line feeds: ``text.split("\n")``, blank lines included; an empty text has one."""
        return self.text.split("\n")

    @cached_property
    def unicode_lines(self) -> list[str]:
        """Lines at every line boundary of Unicode (``str.splitlines``); an empty text has no line."""
        return self.text.splitlines()

    @cached_property
    def paragraphs(self) -> list[str]:
        """Pieces of the stripped text between runs of two or more line feeds; a blank text has one empty piece."""
        pieces = self.text.strip().split("\n\n")
        return [piece for piece in (piece.lstrip("\n") for piece in pieces) if piece] or [""]

    @cached_property
    def sentence_count(self) -> int:
        """Number of sentences, as `filters.splitting.sentences.count_sentences` defines them."""
        return count_sentences([self.text.replace("\n", "\t")], self.language)

    def with_text(self, text: str) -> TextView:
        """Return a new view of the document with another text."""
        return TextView(self.document.with_text(text), self._segment)

    def with_language(self, code: str | None, score: float | None) -> TextView:
        """Return a view with a language label; the splits that depend on no language are kept."""
        return self._split_alike(TextView(self.document.with_language(code, score), self._segment))

    def with_segmenter(self, segment: Segmenter) -> TextView:
        """Return a view that finds words in scripts without spaces in another way."""
        return self._split_alike(TextView(self.document, segment))

    def _split_alike(self, view: TextView) -> TextView:
        view.__dict__.update({name: self.__dict__[name] for name in _LANGUAGE_FREE if name in self.__dict__})
        return view
