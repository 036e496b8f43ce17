"""The figures of a tokenizer: right by hand on a small case, and the same from words as from text."""

from __future__ import annotations

import numpy as np
import pytest

from tokenizer_training.model.evaluate import evaluate, renyi_efficiency
from tokenizer_training.model.sentencepiece_model import Kind
from tokenizer_training.model.tokenizer import Tokenizer
from tokenizer_training.model.weights import by_language
from tokenizer_training.model.words import WordCounter


def test_figures_by_hand(tokenizer: Tokenizer) -> None:
    """Four bytes of one letter outside the vocabulary, three times; a lost U+2581; a word of one language."""
    found = evaluate(tokenizer, [("xx", ["𝔘", "\u2581"], [3, 1]), ("en", ["the"], [2])])
    letters = found["languages"]["xx"]
    assert (letters["texts"], letters["characters"], letters["bytes"], letters["tokens"]) == (4, 4, 15, 13)
    assert letters["byte_fallback_rate"] == pytest.approx(12 / 13, abs=1e-4)
    assert letters["round_trip_failures"] == 1
    the = len(tokenizer.encode("the"))
    assert found["languages"]["en"]["tokens_per_word"] == the
    assert found["all"]["tokens"] == 13 + 2 * the
    assert found["all"]["bytes_per_token"] == pytest.approx(21 / (13 + 2 * the), abs=1e-4)
    used = {i for text in ("\u2581", "the") for i in tokenizer.encode(text).tolist()}
    normal = sum(piece.kind == Kind.NORMAL for piece in tokenizer.model.pieces)
    counts = np.zeros(4096, np.int64)
    for text, times in (("𝔘", 3), ("\u2581", 1), ("the", 2)):
        np.add.at(counts, tokenizer.encode(text), times)
    efficiency = renyi_efficiency(counts, 2.5)
    assert found["vocabulary"] == {
        "size": 4096,
        "normal": normal,
        "used": len(used),
        "renyi_efficiency": efficiency,
    }


def test_renyi_efficiency_by_hand() -> None:
    """Order 2: minus the logarithm of the sum of squares; a quarter of the vocabulary used evenly is a half."""
    assert renyi_efficiency(np.array([1, 1, 2, 0]), 2) == round(-np.log(6 / 16) / np.log(4), 4)
    assert renyi_efficiency(np.array([3, 3, *[0] * 2]), 2.5) == 0.5
    assert renyi_efficiency(np.zeros(5, np.int64), 2.5) is None


def test_words_give_the_figures_of_the_text(tokenizer: Tokenizer, texts: list[tuple[str, str]]) -> None:
    """But for newlines and tabs, and for words that were cut (none here)."""
    lines = [line for language, text in texts if language not in ("ja",) for line in text.split("\n") if line]
    counter = WordCounter()
    for line in lines:
        counter.add("x", line)
    counts, cut = counter.take()
    assert cut == 0
    groups = [(name, t["word"].to_pylist(), t["count"].to_pylist()) for name, t in by_language(counts)]
    words = evaluate(tokenizer, groups)["all"]
    whole = evaluate(tokenizer, [("x", lines, [1] * len(lines))])["all"]
    for figure in ("words", "characters", "bytes", "tokens", "bytes_per_token", "byte_fallback_rate"):
        assert words[figure] == whole[figure]


def test_no_text_has_no_rates(tokenizer: Tokenizer) -> None:
    found = evaluate(tokenizer, [])
    assert found["all"]["bytes_per_token"] is None
    assert found["vocabulary"]["used"] == 0


def test_batches_change_nothing(
    tokenizer: Tokenizer, texts: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    bodies = [text for _, text in texts]
    whole = evaluate(tokenizer, [("x", bodies, [2] * len(bodies))])
    monkeypatch.setattr("tokenizer_training.model.evaluate._BATCH_TEXTS", 3)
    monkeypatch.setattr("tokenizer_training.model.evaluate._BATCH_CHARS", 9000)
    assert evaluate(tokenizer, [("x", bodies, [2] * len(bodies))]) == whole
