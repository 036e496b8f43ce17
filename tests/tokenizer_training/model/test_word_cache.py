"""Encoding word by word: the ids of SentencePiece for every text, and refused where they would differ."""

from __future__ import annotations

import io
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import sentencepiece
from hypothesis import given
from hypothesis import strategies as st

from tokenizer_training.model import tokenizer as module
from tokenizer_training.model import word_cache
from tokenizer_training.model.tokenizer import Tokenizer
from tokenizer_training.model.words import split_words

ATOMS = [
    "\n",
    "\n\n\n\n\n",
    " ",
    "  ",
    "\t",
    "\r",
    "\0",
    "\u2581",
    "\u2585",
    "\xa0",
    "the",
    " the",
    "aa",
    "語",
    "é",
]
TEXT = st.one_of(
    st.lists(st.sampled_from([*ATOMS, "</s>", "<0x41>", "𝔘"]), max_size=30).map("".join),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
)


def foreign(**options: Any) -> Tokenizer:
    """A tokenizer as others train it."""
    out = io.BytesIO()
    lines = ["the cat sat on the mat", "a dog and a cat and a mouse", "where is the other dog"] * 20
    defaults = {
        "vocab_size": 400,
        "model_type": "bpe",
        "normalization_rule_name": "identity",
        "add_dummy_prefix": False,
        "remove_extra_whitespaces": False,
        "byte_fallback": True,
    }
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=out,
        hard_vocab_limit=False,
        minloglevel=2,
        **{**defaults, **options},
    )
    return Tokenizer(out.getvalue())


def encode(tokenizer: Tokenizer, texts: list[str]) -> list[list[int]]:
    """Return the ids of each text as `encode_batch` gives them."""
    ids, offsets = tokenizer.encode_batch(pa.array(texts, pa.string()))
    return [ids[begin:end].tolist() for begin, end in pairwise(offsets)]


@given(st.lists(TEXT, max_size=8))
def test_batches_get_the_ids_of_sentencepiece(tokenizer: Tokenizer, texts: list[str]) -> None:
    assert encode(tokenizer, texts) == tokenizer._processor.encode(texts)


@given(st.lists(TEXT, min_size=1, max_size=8), st.integers(1, 50))
def test_blocks_and_a_small_memory_change_nothing(tokenizer: Tokenizer, texts: list[str], size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK_BYTES", size)
        patch.setattr(word_cache, "MOST_WORDS", 2)
        patch.setattr(word_cache, "LONG_WORD", 3)
        assert encode(tokenizer, texts + texts) == tokenizer._processor.encode(texts + texts)


def test_a_slice_of_large_strings_is_encoded_as_such(tokenizer: Tokenizer) -> None:
    texts = ["left out", "one two", "", "\n three", "left out"]
    array = pa.array(texts, pa.large_string()).slice(1, 3)
    ids, offsets = tokenizer.encode_batch(array)
    assert [ids[a:b].tolist() for a, b in pairwise(offsets)] == tokenizer._processor.encode(texts[1:4])


def test_the_sample_texts_get_the_same_ids(tokenizer: Tokenizer, texts: list[tuple[str, str]]) -> None:
    bodies = [text for _, text in texts]
    assert encode(tokenizer, [*bodies, "\n".join(bodies)]) == tokenizer._processor.encode(
        [*bodies, "\n".join(bodies)]
    )


@pytest.mark.slow
@pytest.mark.shared
def test_whole_novels_and_lines_in_75_languages_get_the_same_ids(tokenizer: Tokenizer, shared: Path) -> None:
    files = sorted((shared / "data" / "text_dev").glob("*.txt"))
    lines = (shared / "data" / "lid_dev.tsv").read_text(encoding="utf-8").splitlines()
    texts = [*(file.read_text(encoding="utf-8") for file in files), *lines]
    assert len(texts) > 18_000
    assert encode(tokenizer, texts) == tokenizer._processor.encode(texts)


def test_words_are_encoded_once(tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    met: list[bytes] = []
    cache = word_cache.WordCache(lambda words: met.extend(words) or tokenizer._encode_words(words))
    for _ in range(3):
        cache.encode(pa.array(["one two two", "two\n\none"]))
    assert sorted(met) == [b"\n\n", b" two", b"one", b"two"]


def test_words_are_those_that_the_trainer_counts() -> None:
    text = "if  a:\n\treturn b \n\n  c"
    data = np.frombuffer(text.encode(), dtype=np.uint8)
    starts = word_cache.word_starts(data, np.array([0, len(data)]))
    words = [part.tobytes().decode() for part in np.split(data, starts[1:])]
    assert [word for word in words if word.strip("\n\t")] == split_words(text)
    assert "".join(words) == text


@pytest.mark.parametrize(
    "options",
    [
        {"add_dummy_prefix": True},
        {"remove_extra_whitespaces": True},
        {"normalization_rule_name": "nmt_nfkc"},
        {"model_type": "unigram"},
        {"byte_fallback": False, "vocab_size": 60},
        {"treat_whitespace_as_suffix": True},
        {"user_defined_symbols": ["the\n"]},
        {"user_defined_symbols": ["\t\t"]},
        {"split_by_whitespace": False},
    ],
    ids=lambda options: next(iter(options)),
)
def test_models_that_look_beyond_words_are_encoded_whole(options: dict[str, Any]) -> None:
    tokenizer = foreign(**options)
    assert not word_cache.fits(tokenizer.model)
    texts = ["\n the\nthe  the cat\t\t\n" * 10, "", "語語\n語 the dog"]
    assert encode(tokenizer, texts) == tokenizer._processor.encode(texts)
    assert encode(tokenizer, []) == []


def test_models_of_whole_words_fit(tokenizer: Tokenizer) -> None:
    assert word_cache.fits(tokenizer.model)
    assert word_cache.fits(foreign().model)
