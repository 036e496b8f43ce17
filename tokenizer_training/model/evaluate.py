"""How well a tokenizer fits texts: the figures of ``evaluation.json``.

Each text has a number of occurrences, so the same code measures counted words and whole documents. The pieces of a
tokenizer trained here never cross the end of a word of `words.split_words`. So each distinct word is encoded once, and
its figures are multiplied by its occurrences; newlines, tabs and the few words that were cut are left out. For other
tokenizers, measure documents.

Fertility is the number of tokens per word between white space (Rust et al. 2021, arXiv:2012.15613). Chinese, Japanese
and Thai put no spaces between words; use characters per token for them. Parity is the number of tokens of a language
over that of English for the same texts (Petrov et al. 2023, arXiv:2305.15425). It needs parallel texts, because bytes
or characters of two scripts cannot be compared.

Rényi efficiency of order 2.5 is the entropy of the use of the pieces over its maximum, the logarithm of the vocabulary
size; of several figures it correlates best with translation quality (Zouhar et al. 2023, arXiv:2306.16842).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NotRequired, Protocol, TypedDict

import numpy as np
from numpy.typing import NDArray

from tokenizer_training.model.sentencepiece_model import Kind

RENYI_ORDER = 2.5
ENGLISH = "en"


class Encoder(Protocol):
    """A tokenizer to measure: `Tokenizer`, or one of another library with the same methods.

    Attributes:
        vocab_size: ids are 0 to ``vocab_size - 1``.
        kinds: uint8 [vocab_size], the `Kind` of each piece.
    """

    vocab_size: int
    kinds: NDArray[np.uint8]

    def encode_all(self, texts: Sequence[str]) -> list[NDArray[np.int32]]:
        """Return the ids of each text."""

    def decode_all(self, batch: Sequence[NDArray[np.integer]]) -> list[str]:
        """Return the text of each array of ids."""


Texts = tuple[str, Sequence[str], Sequence[int]]
"""Texts of one language: its code, the texts, and how often each occurs."""

_BATCH_TEXTS = 10_000
_BATCH_CHARS = 4 << 20


class Rates(TypedDict):
    """The figures of the texts of a language, or of all texts.

    Attributes:
        texts, words, characters, bytes, tokens: how much text there was; words are between white space.
        bytes_per_token, characters_per_token: None without tokens.
        tokens_per_word: None without words.
        byte_fallback_rate, unknown_rate: share of tokens that are byte pieces, or the unknown piece; None without
            tokens.
        round_trip_failures: number of distinct texts that decode to another text.
        parity: tokens of this language over those of English; None if the texts are not parallel, or there is no
            English; missing for all texts.
    """

    texts: int
    words: int
    characters: int
    bytes: int
    tokens: int
    bytes_per_token: float | None
    characters_per_token: float | None
    tokens_per_word: float | None
    byte_fallback_rate: float | None
    unknown_rate: float | None
    round_trip_failures: int
    parity: NotRequired[float | None]


class Vocabulary(TypedDict):
    """How a tokenizer uses its vocabulary.

    Attributes:
        size: number of pieces.
        normal: number of normal pieces.
        used: number of normal pieces that occur.
        renyi_efficiency: 0 to 1; None without tokens.
    """

    size: int
    normal: int
    used: int
    renyi_efficiency: float | None


class Evaluation(TypedDict):
    """Figures of one tokenizer on some texts.

    Attributes:
        all: figures of all texts together.
        languages: figures of each language, by its code.
        vocabulary: figures of the vocabulary on all texts.
    """

    all: Rates
    languages: dict[str, Rates]
    vocabulary: Vocabulary


@dataclass
class _Sums:
    """Sums over texts, each times its occurrences; `failures` counts distinct texts."""

    texts: int = 0
    words: int = 0
    characters: int = 0
    bytes: int = 0
    tokens: int = 0
    byte_tokens: int = 0
    unknown_tokens: int = 0
    failures: int = 0

    def add(self, other: _Sums) -> None:
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


def evaluate(tokenizer: Encoder, languages: Iterable[Texts], parallel: bool = False) -> Evaluation:
    """Measure a tokenizer.

    Args:
        tokenizer: the tokenizer.
        languages: the texts, each language once.
        parallel: the texts of all languages are translations of each other.

    Returns:
        The figures, all rates rounded to four digits after the point.
    """
    uses = np.zeros(tokenizer.vocab_size, np.int64)
    total = _Sums()
    by_language: dict[str, _Sums] = {}
    for language, texts, counts in languages:
        sums = _Sums()
        for batch, times in _batches(texts, counts):
            sums.add(_measure(tokenizer, batch, times, uses))
        by_language[language] = sums
        total.add(sums)
    normal = uses[tokenizer.kinds == Kind.NORMAL]
    vocabulary = Vocabulary(
        size=tokenizer.vocab_size,
        normal=len(normal),
        used=int(np.count_nonzero(normal)),
        renyi_efficiency=renyi_efficiency(uses, RENYI_ORDER),
    )
    english = by_language.get(ENGLISH)
    rates: dict[str, Rates] = {
        name: {**_rates(sums), "parity": _parity(sums, english if parallel else None)}
        for name, sums in sorted(by_language.items())
    }
    return Evaluation(all=_rates(total), languages=rates, vocabulary=vocabulary)


def renyi_efficiency(uses: NDArray[np.int64], order: float) -> float | None:
    """Return the Rényi entropy of a distribution over that of the uniform one; None if nothing is used.

    >>> renyi_efficiency(np.array([5, 5, 5, 5]), 2.5), renyi_efficiency(np.array([7, 0]), 2.5)
    (1.0, 0.0)
    """
    if not uses.any() or len(uses) < 2:
        return None
    shares = uses[uses > 0] / uses.sum()
    entropy = np.log((shares**order).sum()) / (1 - order)
    return round(abs(float(entropy)) / math.log(len(uses)), 4)


def _parity(sums: _Sums, english: _Sums | None) -> float | None:
    """Return the number of tokens of a language over that of English."""
    return round(sums.tokens / english.tokens, 4) if english is not None and english.tokens else None


def _measure(
    tokenizer: Encoder, texts: Sequence[str], times: NDArray[np.int64], uses: NDArray[np.int64]
) -> _Sums:
    """Encode and decode a batch of texts; adds to `uses`, occurrences per piece."""
    kinds = tokenizer.kinds
    encoded = tokenizer.encode_all(texts)
    lengths = np.array([len(ids) for ids in encoded], np.int64)
    # Weights are float64 inside: whole numbers, exact up to 2 ** 53.
    per_piece = np.bincount(
        np.concatenate(encoded), np.repeat(times, lengths), minlength=tokenizer.vocab_size
    )
    uses += per_piece.astype(np.int64)
    decoded = zip(texts, tokenizer.decode_all(encoded), strict=True)

    def summed(values: Iterable[int]) -> int:
        return int(np.dot(np.fromiter(values, np.int64, len(texts)), times))

    return _Sums(
        texts=int(times.sum()),
        words=summed(len(text.split()) for text in texts),
        characters=summed(len(text) for text in texts),
        bytes=summed(len(text.encode()) for text in texts),
        tokens=int(np.dot(lengths, times)),
        byte_tokens=int(per_piece[kinds == Kind.BYTE].sum()),
        unknown_tokens=int(per_piece[kinds == Kind.UNKNOWN].sum()),
        failures=sum(text != back for text, back in decoded),
    )


def _batches(
    texts: Sequence[str], counts: Sequence[int]
) -> Iterator[tuple[Sequence[str], NDArray[np.int64]]]:
    """Cut texts into batches of limited number and characters."""
    start = characters = 0
    for at, text in enumerate(texts):
        if at > start and (at - start == _BATCH_TEXTS or characters + len(text) > _BATCH_CHARS):
            yield texts[start:at], np.asarray(counts[start:at], np.int64)
            start, characters = at, 0
        characters += len(text)
    if start < len(texts):
        yield texts[start:], np.asarray(counts[start:], np.int64)


def _rates(sums: _Sums) -> Rates:
    """Return the sums and their rates."""

    def rate(part: int, whole: int) -> float | None:
        return round(part / whole, 4) if whole else None

    return {
        "texts": sums.texts,
        "words": sums.words,
        "characters": sums.characters,
        "bytes": sums.bytes,
        "tokens": sums.tokens,
        "bytes_per_token": rate(sums.bytes, sums.tokens),
        "characters_per_token": rate(sums.characters, sums.tokens),
        "tokens_per_word": rate(sums.tokens, sums.words),
        "byte_fallback_rate": rate(sums.byte_tokens, sums.tokens),
        "unknown_rate": rate(sums.unknown_tokens, sums.tokens),
        "round_trip_failures": sums.failures,
    }
