"""Sentences, counted as by spaCy's rule-based ``sentencizer``, from the words alone.

The rule (https://spacy.io/api/sentencizer): after a token that is a sentence-final mark, the next token that is neither
such a mark nor punctuation starts a sentence. A gap that is not a single space is a token in spaCy, so it starts a
sentence too. Abbreviations that are special cases of the tokenizer (``Dr.``) do not end a sentence; ``etc.`` does.
datatrove's C4 filter counts this way; TensorFlow Datasets' C4 counts with NLTK's Punkt model.

Cost: 20 ms per MB.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import lru_cache

import numpy as np

from filters.compiled import compiled
from filters.splitting.plain_tables import PUNCTUATION, SENTENCE_END, WORD, Bytes
from filters.splitting.plain_words import HARD, LINE_BREAK, SPACE
from filters.splitting.spacy_itself import SpacyItself
from filters.splitting.spacy_rules import sentence_ends
from filters.splitting.word_numbers import Ints
from filters.splitting.words import spaced_words


def count_sentences(lines: Iterable[str], language: str | None) -> int:
    """Return the number of sentences on lines, each of which is a text by itself.

    Args:
        lines: without line feeds.
        language: as in `filters.splitting.words.split_words`.

    >>> count_sentences(["Is it? Yes (it is).", "Dr. Who agrees..."], None)
    3
    >>> count_sentences(["  "], None)
    0
    """
    rules, text = spaced_words("\n".join(lines), language)
    if isinstance(rules, SpacyItself):
        return rules.count_sentences(text.split("\n"))
    items, hard = rules.items(text)
    signs = [_sign(word) for words in hard for word in words]
    lengths = np.fromiter(map(len, hard), np.int64, len(hard))
    return int(_count(items.signs, items.gaps, lengths, np.array(signs, np.uint8)))


@lru_cache(maxsize=65_536)
def _sign(word: str) -> int:
    """Return the sign of a word of a hard chunk."""
    if word in sentence_ends():
        return SENTENCE_END
    punctuation = all(unicodedata.category(character).startswith("P") for character in word)
    return PUNCTUATION if punctuation else WORD


@compiled
def _count(signs: Bytes, gaps: Bytes, lengths: Ints, inside: Bytes) -> int:
    """Count sentences from the signs of all items and of the words in hard chunks."""
    sentences = hard = used = 0
    ended = False
    for item in range(len(signs)):
        if gaps[item] == LINE_BREAK or (gaps[item] > SPACE and ended):  # the latter is a token in spaCy
            sentences += 1
            ended = False
        if signs[item] != HARD:
            ended, started = _step(ended, signs[item])
            sentences += started
        else:
            for _ in range(lengths[hard]):
                ended, started = _step(ended, inside[used])
                sentences += started
                used += 1
            hard += 1
    return sentences


@compiled
def _step(ended: bool, sign: int) -> tuple[bool, bool]:
    """Return whether the sentence has ended with a word, and whether the word starts one."""
    if sign == SENTENCE_END:
        return True, False
    return (ended, False) if sign == PUNCTUATION else (False, ended)
