"""Sentences."""

from __future__ import annotations

from functools import lru_cache
from typing import Any


@lru_cache(1)
def _nlp() -> Any:
    import spacy

    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    return nlp


def count_sentences(text: str, language: str | None) -> int:
    """Count."""
    return len(list(_nlp()(text).sents))
