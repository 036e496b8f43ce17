"""Encoding: exact, reversible, and safe from text that looks like control symbols."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sentencepiece
from hypothesis import given
from hypothesis import strategies as st

from tokenizer_training.model.sentencepiece_model import Kind, TokenizerError
from tokenizer_training.model.tokenizer import MODEL_FILE, Tokenizer

ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\u2581"))
LITERALS = [
    "</s>",
    "<s>",
    "<|endoftext|>",
    "<unk>",
    "<pad>",
    "<|im_start|>",
    "<|reserved_0|>",
    "a</s>b",
    " </s> ",
]


def foreign(**options: Any) -> Tokenizer:
    """A tokenizer as others train it."""
    out = io.BytesIO()
    lines = ["the cat sat on the mat", "a dog and a cat and a mouse", "where is the other dog"] * 20
    options = {"vocab_size": 400, "hard_vocab_limit": False, "minloglevel": 2, **options}
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(lines), model_writer=out, **options)
    return Tokenizer(out.getvalue())


@given(ANY_TEXT)
def test_every_text_comes_back(tokenizer: Tokenizer, text: str) -> None:
    ids = tokenizer.encode(text)
    assert ids.dtype == np.int32
    assert tokenizer.decode(ids) == text


def test_the_sample_texts_come_back(tokenizer: Tokenizer, texts: list[tuple[str, str]]) -> None:
    assert [text for _, text in texts if tokenizer.decode(tokenizer.encode(text)) != text] == []


def test_only_the_sentencepiece_space_is_lost(tokenizer: Tokenizer) -> None:
    assert tokenizer.decode(tokenizer.encode("a\u2581b")) == "a b"


@pytest.mark.parametrize("text", LITERALS)
def test_text_never_becomes_a_control_symbol(tokenizer: Tokenizer, text: str) -> None:
    ids = tokenizer.encode(text)
    assert {Kind(kind) for kind in tokenizer.kinds[ids]} <= {Kind.NORMAL, Kind.BYTE}
    assert tokenizer.decode(ids) == text


def test_text_never_becomes_a_byte_piece_that_it_spells(tokenizer: Tokenizer) -> None:
    pieces = [tokenizer.model.pieces[i].text for i in tokenizer.encode("<0x41>")]
    assert "<0x41>" not in pieces
    assert tokenizer.decode(tokenizer.encode("<0x41>")) == "<0x41>"


def test_no_character_is_unknown(tokenizer: Tokenizer) -> None:
    characters = [chr(n) for n in range(0, 0x110000, 61) if not 0xD800 <= n < 0xE000]
    ids = tokenizer.encode("".join(characters))
    assert tokenizer.unk_id not in ids
    assert tokenizer.decode(ids) == "".join(characters)


def test_a_model_folder_and_a_model_file_load(tokenizer: Tokenizer, tmp_path: Path) -> None:
    (tmp_path / MODEL_FILE).write_bytes(tokenizer.data)
    for path in (tmp_path, tmp_path / MODEL_FILE):
        loaded = Tokenizer.load(path)
        assert loaded.sha256 == tokenizer.sha256
        assert (loaded.unk_id, loaded.bos_id, loaded.eos_id, loaded.pad_id) == (0, 1, 2, 3)
        assert loaded.vocab_size == 4096


def test_symbols_that_a_model_lacks_are_none() -> None:
    """SentencePiece's default has no padding."""
    assert foreign().pad_id is None


def test_what_is_no_model_is_refused_with_its_path(tmp_path: Path) -> None:
    json_file = tmp_path / "tokenizer.json"
    json_file.write_text('{"version": "1.0"}')
    with pytest.raises(TokenizerError, match=r"tokenizer\.json: this is not a SentencePiece model"):
        Tokenizer.load(json_file)
    with pytest.raises(TokenizerError, match=r"tokenizer\.model: cannot be read \(No such file"):
        Tokenizer.load(tmp_path)


def test_ids_outside_the_vocabulary_are_refused(tokenizer: Tokenizer) -> None:
    for bad in (-1, 4096):
        with pytest.raises(IndexError, match=f"token id {bad} is outside the vocabulary of 4096"):
            tokenizer.decode([5, bad])


def test_half_a_character_is_shown_as_such(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode("𝔘")
    assert len(ids) == 4
    assert "\ufffd" in tokenizer.decode(ids[:-1])
