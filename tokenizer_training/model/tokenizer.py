"""Text to token ids and back, by SentencePiece itself.

SentencePiece never reads text as a control symbol: a page that contains ``</s>`` does not end a document. (Hugging Face
tokenizers do, unless ``split_special_tokens`` is set.)

Batches of documents are encoded by `word_cache`, which gives the same ids two to three times as fast.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from sentencepiece import SentencePieceProcessor

from tokenizer_training.model.sentencepiece_model import (
    Model,
    TokenizerError,
    canonical,
    canonical_sha256,
    read_model,
)
from tokenizer_training.model.word_cache import WordCache, fits
from tokenizer_training.shards.rows import Ints, offsets_of

Ids = NDArray[np.int32]

MODEL_FILE = "tokenizer.model"
BLOCK_BYTES = 8 << 20
"""Bytes of text that are cut into words at once; numpy needs ten times as many."""


class Tokenizer:
    """A SentencePiece model, ready to encode; load it once per process.

    Attributes:
        data: canonical bytes of the model.
        sha256: hex digest of `data`, the tokenizer's identity.
        model: content of the model file.
        vocab_size: number of pieces; ids are 0 to ``vocab_size - 1``.
        kinds: uint8 [vocab_size], the `Kind` of each piece.
        unk_id, bos_id, eos_id, pad_id: ids of the control symbols; None = the model has no such symbol.

    Raises:
        TokenizerError: the bytes are not a SentencePiece model.
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
        self._words = WordCache(self._encode_words) if fits(self.model) else None

    @classmethod
    def load(cls, path: Path) -> Tokenizer:
        """Return the tokenizer in a model file, or in a folder that holds ``tokenizer.model``.

        Raises:
            TokenizerError: the file does not exist, or is not a SentencePiece model.
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
            UnicodeEncodeError: the text contains half a surrogate pair.
        """
        ids: Ids = self._processor.encode(text, return_type="numpy")
        return ids

    def encode_batch(self, texts: pa.StringArray) -> tuple[Ids, Ints]:
        """Return the ids of many documents one after the other, and where those of each start.

        Args:
            texts: without nulls.

        Returns:
            int32 [tokens], int64 [texts + 1]; the ids that `encode` gives.
        """
        if self._words is None:
            encoded = self.encode_all(texts.to_pylist())
            flat = np.concatenate([np.zeros(0, dtype=np.int32), *encoded])
            return flat, offsets_of([len(ids) for ids in encoded])
        parts = [self._words.encode(block) for block in _blocks(texts)]
        lengths = np.concatenate([np.zeros(0, dtype=np.int64), *(np.diff(offsets) for _, offsets in parts)])
        return np.concatenate([np.zeros(0, dtype=np.int32), *(ids for ids, _ in parts)]), offsets_of(lengths)

    def _encode_words(self, words: list[bytes]) -> list[list[int]]:
        ids: list[list[int]] = self._processor.encode(words, return_type=int, num_threads=1)
        return ids

    def encode_all(self, texts: Sequence[str]) -> list[Ids]:
        """Return the ids of each text; one call for many short texts is faster than a call for each."""
        ids: list[Ids] = self._processor.encode(list(texts), return_type="numpy", num_threads=1)
        return ids

    def decode(self, ids: Ids | Sequence[int]) -> str:
        """Return the text of ids; control symbols become nothing, half a character becomes U+FFFD.

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


def _blocks(texts: pa.StringArray) -> Iterator[pa.StringArray]:
    """Divide texts into runs of about `BLOCK_BYTES`; a longer text is a run of its own."""
    before = offsets_of(pc.binary_length(texts).to_numpy(zero_copy_only=False))
    blocks = before[:-1] // BLOCK_BYTES
    bounds = [0, *(np.flatnonzero(np.diff(blocks)) + 1).tolist(), len(texts)]
    for begin, end in pairwise(bounds):
        yield texts.slice(begin, end - begin)


def _present(number: int) -> int | None:
    """Return None for -1, by which SentencePiece says that a model has no such symbol."""
    return number if number >= 0 else None
