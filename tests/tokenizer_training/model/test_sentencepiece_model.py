"""The model file, read without protobuf: what it says, its canonical form, and what is not one."""

from __future__ import annotations

import importlib
import io
from typing import Any

import pytest
import sentencepiece
from google.protobuf.runtime_version import VersionError
from hypothesis import given
from hypothesis import strategies as st

from tokenizer_training.model.sentencepiece_model import (
    Kind,
    Model,
    TokenizerError,
    canonical,
    canonical_sha256,
    read_model,
)
from tokenizer_training.model.tokenizer import Tokenizer

LINES = ["the cat sat on the mat", "a dog and a cat and a mouse", "where is the other dog"] * 20


def _train(**options: Any) -> bytes:
    """Train with SentencePiece's own defaults, but for these options."""
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(LINES), model_writer=out, hard_vocab_limit=False, minloglevel=2, **options
    )
    return out.getvalue()


def test_pieces_are_those_that_sentencepiece_reads(tokenizer: Tokenizer) -> None:
    processor = sentencepiece.SentencePieceProcessor(model_proto=tokenizer.data)
    ids = range(processor.vocab_size())
    pieces = tokenizer.model.pieces
    assert [piece.text for piece in pieces] == [processor.id_to_piece(i) for i in ids]
    assert [piece.score for piece in pieces] == [processor.get_score(i) for i in ids]
    assert [piece.kind == Kind.CONTROL for piece in pieces] == [processor.is_control(i) for i in ids]
    assert [piece.kind == Kind.BYTE for piece in pieces] == [processor.is_byte(i) for i in ids]


def test_settings_are_read_from_the_file() -> None:
    """SentencePiece's defaults and their opposites, so that neither is a default of the reader."""
    assert _settings(read_model(_train(vocab_size=60))) == ("unigram", False, True, True, True, False, True)
    bare = _train(
        vocab_size=400,
        model_type="bpe",
        byte_fallback=True,
        add_dummy_prefix=False,
        remove_extra_whitespaces=False,
        treat_whitespace_as_suffix=True,
        normalization_rule_name="identity",
    )
    assert _settings(read_model(bare)) == ("bpe", True, False, False, True, True, False)


def _settings(model: Model) -> tuple[object, ...]:
    return (
        model.model_type,
        model.byte_fallback,
        model.add_dummy_prefix,
        model.remove_extra_whitespaces,
        model.escape_whitespaces,
        model.suffix_whitespace,
        model.normalizes,
    )


def test_canonical_form_forgets_only_where_the_text_lay(tmp_path: Any) -> None:
    models = []
    for name in ("one.txt", "another.txt"):
        path = tmp_path / name
        path.write_text("\n".join(LINES))
        models.append(_train_file(str(path), str(tmp_path / name[:3])))
    assert models[0] != models[1]
    assert canonical(models[0]) == canonical(models[1])
    assert canonical(canonical(models[0])) == canonical(models[0])
    assert str(tmp_path).encode() not in canonical(models[0])
    assert read_model(canonical(models[0])) == read_model(models[0])
    path.write_text("\n".join(reversed(LINES[0] * 2 + "q")))
    assert canonical_sha256(models[0]) != canonical_sha256(_train_file(str(path), str(tmp_path / "third")))


def _train_file(path: str, prefix: str) -> bytes:
    sentencepiece.SentencePieceTrainer.train(
        input=path, model_prefix=prefix, vocab_size=60, hard_vocab_limit=False, minloglevel=2
    )
    with open(f"{prefix}.model", "rb") as file:  # noqa: PTH123
        return file.read()


@pytest.mark.parametrize(
    "data",
    [b"", b"\n", b'{"version": "1.0", "model": {}}', b"\x1f\x8b\x08\x00 gzip", b"PAR1" * 9, b"\xff" * 40],
    ids=["empty", "newline", "tokenizer.json", "gzip", "parquet", "ones"],
)
def test_other_files_are_refused_with_a_reason(data: bytes) -> None:
    with pytest.raises(TokenizerError, match="not a SentencePiece model"):
        read_model(data)


@given(cut=st.integers(0, 10_000))
def test_a_truncated_model_is_refused_or_has_fewer_pieces(tokenizer: Tokenizer, cut: int) -> None:
    """Cut anywhere, the reader raises its own error and no other."""
    with pytest.raises(TokenizerError):
        read_model(tokenizer.data[: cut % len(tokenizer.data)])


@given(data=st.binary(max_size=60))
def test_any_bytes_give_a_model_or_the_error_for_users(data: bytes) -> None:
    try:
        read_model(data)
        canonical(data)
    except TokenizerError:
        pass


def test_the_wheels_own_protobuf_module_still_cannot_be_used() -> None:
    """The day it can, `read_model` may use it; see the module's docstring."""
    with pytest.raises(VersionError, match="incompatible Protobuf Gencode/Runtime versions"):
        importlib.import_module("sentencepiece.sentencepiece_model_pb2")
