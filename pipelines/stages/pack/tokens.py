"""Tokenising for stage pack: parts of ``documents/`` become token ids in memory and token counts on disk."""

from __future__ import annotations

import functools
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.errors import InputError
from pipelines.store.folders import TOKEN_COUNTS, language_folder
from pipelines.store.tables import batches
from tokenizer_training.model.sentencepiece_model import Kind
from tokenizer_training.model.split import copies_of, is_validation, weight_by_size
from tokenizer_training.model.tokenizer import Tokenizer
from tokenizer_training.shards.cutting import Documents
from tokenizer_training.shards.rows import ID_BYTES, offsets_of

_TOKENISED: Final = ["id", "text"]
COLUMNS: Final = [*_TOKENISED, "source", "language"]


@dataclass(frozen=True)
class Choice:
    """How often each document is packed, and with which others.

    Attributes:
        validation: share of documents for validation.
        mix: weight by source; 1 where a source is not named.
        by_language: documents of different languages are packed apart.
        by_size: weight by the size of a document's cluster, see `weight_by_size`; multiplied by that of the source.
    """

    validation: float
    mix: Mapping[str, float]
    by_language: bool
    by_size: Sequence[tuple[int, float]] = ()

    @property
    def columns(self) -> list[str]:
        """The columns of ``documents/`` that are read."""
        return [*COLUMNS, "cluster_size"] if self.by_size else COLUMNS

    def of(self, doc_id: bytes, source: str, language: str | None, size: int = 1) -> tuple[int, str]:
        """Return how often a document is packed, and its group.

        Documents for validation are never repeated.
        """
        held_out = is_validation(doc_id, self.validation)
        weight = self.mix.get(source, 1.0) * weight_by_size(size, self.by_size)
        copies = copies_of(doc_id, weight)
        return min(copies, 1) if held_out else copies, self._group(held_out, language)

    def _group(self, held_out: bool, language: str | None) -> str:
        split = "validation" if held_out else "train"
        return f"{language_folder(language)}/{split}" if self.by_language else split


@dataclass(frozen=True)
class Corpus:
    """The tokens of a bucket while they are collected.

    Attributes:
        tokens: int32, of all documents, each with its EOS.
        lengths: int32 per document, EOS included.
        ids: 16 bytes per document.
        copies: how often each document is packed, see `Choice`.
        groups: of each document, see `Choice`.
    """

    tokens: array[int]
    lengths: array[int]
    ids: bytearray
    copies: array[int]
    groups: list[str]

    @classmethod
    def empty(cls) -> Corpus:
        """Return a corpus without documents."""
        return cls(array("i"), array("i"), bytearray(), array("i"), [])

    def documents(self) -> Documents:
        """Return views of the arrays."""
        tokens = np.frombuffer(self.tokens, dtype=np.int32)
        ids = np.frombuffer(self.ids, dtype=np.uint8).reshape(-1, ID_BYTES)
        return Documents(tokens, offsets_of(np.frombuffer(self.lengths, dtype=np.int32)), ids)


def tokenise_part(
    path: str, tokenizer: Tokenizer, eos_id: int, choice: Choice, corpus: Corpus
) -> Iterator[pa.Table]:
    """Append the documents of one part to the corpus; yield their token counts, in order."""
    documents = 0
    for batch in batches(path, choice.columns):
        ids, offsets = tokenizer.encode_batch(batch["text"])
        corpus.tokens.frombytes(np.insert(ids, offsets[1:], eos_id).tobytes())
        counts = np.diff(offsets).astype(np.int32)
        corpus.lengths.frombytes((counts + 1).tobytes())
        names = [bytes.fromhex(name) for name in batch["id"].to_pylist()]
        known = [batch[name].to_pylist() for name in choice.columns[len(_TOKENISED) :]]
        chosen = [choice.of(*document) for document in zip(names, *known, strict=True)]
        corpus.ids.extend(b"".join(names))
        copies = [number for number, _ in chosen]
        corpus.copies.extend(copies)
        corpus.groups.extend(group for _, group in chosen)
        columns = [batch["id"], pa.array(counts), pa.array(copies, pa.int32())]
        yield pa.Table.from_arrays(columns, schema=TOKEN_COUNTS.schema)
        documents += batch.num_rows
    if not documents:
        yield TOKEN_COUNTS.schema.empty_table()


def check_separators(documents: Documents, eos_id: int) -> None:
    """Check that EOS occurs at the end of documents only.

    Raises:
        InputError: it occurs inside; a model trained on that would learn to stop in the middle of a text.
    """
    if np.count_nonzero(documents.tokens == eos_id) == len(documents):
        return
    places = np.flatnonzero(documents.tokens == eos_id)
    inside = np.setdiff1d(places, documents.offsets[1:] - 1)[0]
    culprit = documents.ids[np.searchsorted(documents.offsets, inside, side="right") - 1].tobytes().hex()
    raise InputError(
        f"document {culprit}: its text becomes the end-of-sequence token {eos_id}; "
        "use a tokenizer whose end of sequence is a control symbol"
    )


@functools.lru_cache(maxsize=1)
def load_tokenizer(folder: str, sha256: str) -> Tokenizer:
    """Return the tokenizer of a run; loaded once per process.

    Raises:
        InputError: it is another than the stage began with.
    """
    tokenizer = Tokenizer.load(Path(folder))
    if tokenizer.sha256 != sha256:
        raise InputError(f"{folder}: the tokenizer changed under a running stage; run the recipe again")
    return tokenizer


def byte_values_of(tokenizer: Tokenizer) -> npt.NDArray[np.int16]:
    """Return int16 [vocabulary]: the byte of each byte-fallback piece (``<0x0A>``), -1 for other pieces."""
    pieces = tokenizer.model.pieces
    values = [int(piece.text[1:-1], 16) if piece.kind is Kind.BYTE else -1 for piece in pieces]
    return np.array(values, dtype=np.int16)
