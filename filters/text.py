"""The one place that splits text: words, lines, paragraphs and sentences of a document, each at most once.

Every step gets the same `TextView`, so the second step that asks for words pays nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cached_property
from typing import Final

from filters.document import Document
from filters.sentences import count_sentences
from filters.words import split_words

_PARAGRAPH_BREAK = re.compile(r"\n{2,}")

# Splits that stay valid when only the language label changes.
_LANGUAGE_FREE: Final = ("lines", "unicode_lines", "paragraphs")


class TextView:
    """The splits of one document, computed when first asked for. To be read, never changed.

    Attributes:
        document: the document as it is now.
    """

    def __init__(self, document: Document) -> None:
        self.document = document

    @property
    def text(self) -> str:
        """The document's text."""
        return self.document.text

    @property
    def language(self) -> str | None:
        """The document's language code; None before labelling, which counts as English."""
        return self.document.language

    @cached_property
    def words(self) -> list[str]:
        """Words and punctuation marks without whitespace, as `filters.words.split_words` defines them."""
        return split_words(self.text, self.language)

    @cached_property
    def word_counts(self) -> Counter[str]:
        """How often each distinct word occurs, in the order of first occurrence."""
        return Counter(self.words)

    @cached_property
    def lines(self) -> list[str]:
        r"""Pieces between line feeds: ``text.split("\n")``; blank ones included, so never empty."""
        return self.text.split("\n")

    @cached_property
    def unicode_lines(self) -> list[str]:
        """Lines by every line boundary of Unicode (``str.splitlines``); none in an empty text."""
        return self.text.splitlines()

    @cached_property
    def paragraphs(self) -> list[str]:
        """Pieces of the stripped text between runs of two or more line feeds; one empty piece if blank."""
        return _PARAGRAPH_BREAK.split(self.text.strip())

    @cached_property
    def sentence_count(self) -> int:
        """Number of sentences, as `filters.sentences.count_sentences` defines them."""
        return count_sentences(self.text, self.language)

    def with_text(self, text: str) -> TextView:
        """Return a fresh view of the same document with another text."""
        return TextView(self.document.with_text(text))

    def with_language(self, code: str | None, score: float | None) -> TextView:
        """Return a view with a language label; the splits that no language shapes are kept."""
        view = TextView(self.document.with_language(code, score))
        view.__dict__.update({name: self.__dict__[name] for name in _LANGUAGE_FREE if name in self.__dict__})
        return view
