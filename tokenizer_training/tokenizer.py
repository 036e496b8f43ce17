"""Text to token ids and back, by SentencePiece itself.

SentencePiece never takes text for a control symbol: a page that contains ``</s>`` does not end a document.
(Hugging Face tokenizers do, unless told ``split_special_tokens``.)

Long texts are encoded in pieces of some thousand characters that begin at a run of newlines. Where no piece
holds a newline after another character, that gives the same ids, and a text of a megabyte takes 0.2 s instead
of 0.5 s (5.2 against 1.9 MB/s on one core; short texts: 4 MB/s).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sentencepiece import SentencePieceProcessor

from tokenizer_training.sentencepiece_model import (
    Model,
    TokenizerError,
    canonical,
    canonical_sha256,
    read_model,
)

Ids = NDArray[np.int32]

MODEL_FILE = "tokenizer.model"
CHUNK_CHARS = 2000

_NEWLINES_BEGIN = re.compile(r"(?<!\n)\n")
_NEWLINE_INSIDE = re.compile(r"[^\n]\n")


class Tokenizer:
    """A SentencePiece model, ready to encode; load it once per process.

    Attributes:
        data: canonical bytes of the model.
        sha256: hex digest of `data`, the tokenizer's identity.
        model: what the file says.
        vocab_size: pieces; ids are 0 to ``vocab_size - 1``.
        kinds: uint8 [vocab_size], the `Kind` of each piece.
        unk_id, bos_id, eos_id, pad_id: ids of the control symbols, None where the model has none.

    Raises:
        TokenizerError: the bytes are no SentencePiece model.
    """

    def __init__(self, data: bytes) -> None:
        self.model: Model = read_model(data)
        self.data = canonical(data)
        self.sha256 = canonical_sha256(data)
        try:
            self._processor = SentencePieceProcessor(model_proto=self.data, num_threads=1)
        except (RuntimeError, ValueError) as error:
            raise TokenizerError(f"SentencePiece refuses the model: {error}") from error
        self.vocab_size: int = len(self.model.pieces)
        self.kinds = np.array([piece.kind for piece in self.model.pieces], np.uint8)
        self.unk_id = _present(self._processor.unk_id())
        self.bos_id = _present(self._processor.bos_id())
        self.eos_id = _present(self._processor.eos_id())
        self.pad_id = _present(self._processor.pad_id())
        self._splits = _splits_at_newlines(self.model)

    @classmethod
    def load(cls, path: Path) -> Tokenizer:
        """Return the tokenizer in a model file, or in a folder that holds ``tokenizer.model``.

        Raises:
            TokenizerError: there is none, or the file is not a SentencePiece model.
        """
        file = path / MODEL_FILE if path.is_dir() else path
        try:
            return cls(file.read_bytes())
        except OSError as error:
            where = f"{file}: cannot be read ({error.strerror})"
            raise TokenizerError(
                f"{where}; name a SentencePiece model or a folder with {MODEL_FILE}"
            ) from error
        except TokenizerError as error:
            hint = "the SentencePiece file is usually named tokenizer.model, spiece.model or *.spm"
            raise TokenizerError(f"{file}: {error}; {hint}") from error

    def encode(self, text: str) -> Ids:
        """Return the ids of a text, int32 [tokens], without begin or end symbols.

        Raises:
            UnicodeEncodeError: the text holds half a surrogate pair.
        """
        if not self._splits or len(text) < 2 * CHUNK_CHARS:
            ids: Ids = self._processor.encode(text, return_type="numpy")
            return ids
        return np.concatenate(self.encode_all(list(_chunks(text))))

    def encode_all(self, texts: Sequence[str]) -> list[Ids]:
        """Return the ids of each text; for many short ones, the calls themselves would cost the most."""
        ids: list[Ids] = self._processor.encode(list(texts), return_type="numpy", num_threads=1)
        return ids

    def decode(self, ids: Ids | Sequence[int]) -> str:
        """Return the text of ids; control symbols give nothing, half a character gives U+FFFD.

        Raises:
            IndexError: an id is outside the vocabulary.
        """
        numbers = np.asarray(ids, np.int64)
        outside = numbers[(numbers < 0) | (numbers >= self.vocab_size)]
        if len(outside):
            raise IndexError(f"token id {outside[0]} is outside the vocabulary of {self.vocab_size}")
        return self.decode_all([numbers])[0]

    def decode_all(self, batch: Sequence[NDArray[np.integer]]) -> list[str]:
        """Return the text of each array of ids, all of this vocabulary."""
        texts: list[str] = self._processor.decode([ids.tolist() for ids in batch], num_threads=1)
        return texts


def _chunks(text: str) -> Iterator[str]:
    """Cut a text into pieces of at least `CHUNK_CHARS` characters that begin at a run of newlines."""
    start = 0
    while found := _NEWLINES_BEGIN.search(text, start + CHUNK_CHARS):
        yield text[start : found.start()]
        start = found.start()
    yield text[start:]


def _splits_at_newlines(model: Model) -> bool:
    """Say whether the texts before and from a run of newlines may be encoded apart without a difference.

    BPE merges neighbours into pieces of the vocabulary, so nothing merges across a place that no piece spans.
    A model that changes or precedes text (character map, dummy prefix, extra spaces) would do so in every part.
    """
    if (
        model.model_type != "bpe"
        or model.add_dummy_prefix
        or model.remove_extra_whitespaces
        or model.normalizes
    ):
        return False
    return not any(_NEWLINE_INSIDE.search(piece.text) for piece in model.pieces)


def _present(number: int) -> int | None:
    """SentencePiece says -1 where a model lacks a symbol."""
    return number if number >= 0 else None
