"""Tokenizers that were not trained here, for comparison: any ``tokenizer.json``, read by the tokenizers library."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tokenizer_training.model.evaluate import Encoder
from tokenizer_training.model.sentencepiece_model import Kind, TokenizerError
from tokenizer_training.model.tokenizer import MODEL_FILE, Tokenizer

JSON_FILE = "tokenizer.json"
_BYTE = re.compile("<0x[0-9A-F]{2}>")


class HubTokenizer:
    """A ``tokenizer.json`` behind the methods that `evaluate` needs; text never becomes a special token.

    Attributes:
        vocab_size: ids are smaller than this.
        kinds: uint8 [vocab_size]; `Kind.BYTE` for byte-fallback pieces, `Kind.UNUSED` for ids without a piece.
            The bytes of a byte-level vocabulary are normal pieces.

    Raises:
        TokenizerError: the file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        import tokenizers  # takes half a second, and only comparisons need it

        try:
            self._tokenizer = tokenizers.Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises bare Exception
            raise TokenizerError(f"{path}: the tokenizers library cannot read this file ({error})") from error
        self._tokenizer.encode_special_tokens = True
        self._tokenizer.no_truncation()
        pieces = self._tokenizer.get_vocab(with_added_tokens=True)
        self.vocab_size = max(pieces.values()) + 1
        self.kinds: NDArray[np.uint8] = np.full(self.vocab_size, Kind.UNUSED, dtype=np.uint8)
        for piece, number in pieces.items():
            self.kinds[number] = Kind.BYTE if _BYTE.fullmatch(piece) else Kind.NORMAL
        for number, added in self._tokenizer.get_added_tokens_decoder().items():
            self.kinds[number] = Kind.CONTROL if added.special else Kind.USER_DEFINED

    def encode_all(self, texts: Sequence[str]) -> list[NDArray[np.int32]]:
        """Return the ids of each text, without begin or end symbols."""
        found = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [np.array(encoding.ids, dtype=np.int32) for encoding in found]

    def decode_all(self, batch: Sequence[NDArray[np.integer]]) -> list[str]:
        """Return the text of each array of ids."""
        found: list[str] = self._tokenizer.decode_batch(
            [ids.tolist() for ids in batch], skip_special_tokens=False
        )
        return found


def load_any(path: Path) -> Encoder:
    """Return the tokenizer in a file or folder: a SentencePiece model if there is one, else a tokenizer.json.

    Raises:
        TokenizerError: there is neither of them, or the file cannot be read.
    """
    folder = path.is_dir()
    file = path / JSON_FILE if folder else path
    if file.suffix == ".json" and file.is_file() and not (folder and (path / MODEL_FILE).is_file()):
        return HubTokenizer(file)
    return Tokenizer.load(path)
