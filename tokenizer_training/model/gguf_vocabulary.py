"""A tokenizer as a GGUF file without weights: the vocabulary for llama.cpp and the programs built on it.

llama.cpp's tokenizer ``llama`` merges by score and falls back to bytes, as SentencePiece's BPE does, so it needs only
pieces, scores and kinds: 4,500 lines of text and code had the same ids. Needs the package ``gguf``.
"""

from __future__ import annotations

from pathlib import Path

from tokenizer_training.model.export import obstacle
from tokenizer_training.model.sentencepiece_model import Piece, TokenizerError
from tokenizer_training.model.tokenizer import Tokenizer


def write_gguf(tokenizer: Tokenizer, path: Path) -> None:
    """Write the vocabulary.

    Raises:
        TokenizerError: the package is missing, or llama.cpp would encode in another way.
    """
    try:
        from gguf import GGUFWriter
    except ImportError as error:
        raise TokenizerError(f"the package gguf is needed ({error}); pip install corpusmill[gguf]") from error
    reason = obstacle(tokenizer.model)
    if reason is not None:
        raise TokenizerError(f"the model has no exact GGUF vocabulary: {reason}")
    pieces = tokenizer.model.pieces
    writer = GGUFWriter(str(path), "llama")
    writer.add_name(f"corpusmill tokenizer {tokenizer.sha256[:16]}")
    writer.add_vocab_size(len(pieces))
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([_text(piece) for piece in pieces])
    writer.add_token_scores([piece.score for piece in pieces])
    writer.add_token_types([int(piece.kind) for piece in pieces])
    writer.add_add_space_prefix(tokenizer.model.add_dummy_prefix)
    writer.add_add_bos_token(False)
    writer.add_add_eos_token(False)
    for add, number in (
        (writer.add_unk_token_id, tokenizer.unk_id),
        (writer.add_bos_token_id, tokenizer.bos_id),
        (writer.add_eos_token_id, tokenizer.eos_id),
        (writer.add_pad_token_id, tokenizer.pad_id),
    ):
        if number is not None:
            add(number)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()


def _text(piece: Piece) -> bytes:
    """Return a piece's bytes; GGUF numbers kinds as SentencePiece does."""
    return piece.text.encode()
