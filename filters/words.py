"""Words."""

from __future__ import annotations

from functools import lru_cache
from typing import Any


@lru_cache(1)
def _nlp() -> Any:
    import spacy

    return spacy.blank("en")


def split_words(text: str, language: str | None) -> list[str]:
    """Split."""
    return [w for w in (t.text.strip() for t in _nlp().tokenizer(text)) if w]
