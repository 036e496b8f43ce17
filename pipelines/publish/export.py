"""``corpusmill export``: a run's token shards, or its tokenizer, as files for other programs."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pipelines.errors import mapped
from pipelines.store.manifest import manifest_path, read_current
from pipelines.store.storage import FileFact, Storage
from tokenizer_training.model.gguf_vocabulary import write_gguf
from tokenizer_training.model.sentencepiece_model import TokenizerError
from tokenizer_training.model.tokenizer import Tokenizer
from tokenizer_training.shards.folder import ShardFolder
from tokenizer_training.shards.schema import NoRowsError, ShardError
from tokenizer_training.shards.token_files import TokenStream, flat_stream, megatron_index, megatron_stream

Format = Literal["megatron", "memmap", "gguf"]
_SPLITS: tuple[Literal["train", "validation"], ...] = ("train", "validation")


def export(run: Storage, into: Storage, form: Format) -> Iterator[FileFact]:
    """Write the files of a format; yield each when it is complete.

    ``megatron``: ``<split>.bin`` and ``<split>.idx``. ``memmap``: ``<split>.bin``, and ``<split>.json`` with its
    number type. ``gguf``: ``tokenizer.gguf``, the vocabulary without weights.

    Args:
        run: a finished run.
        into: the output folder.
        form: the format.

    Raises:
        InputError: the shards or the tokenizer cannot be read, or cannot be written in this format.
        VerificationError: a stage before them was redone since.
    """
    home = "tokenizer" if form == "gguf" else "shards"
    if run.exists(manifest_path(home)):
        read_current(run, home)
    if form == "gguf":
        yield _gguf(run, into)
        return
    for split in _SPLITS:
        with mapped(ShardError):
            try:
                shards = ShardFolder(run.path("shards"), split)
            except NoRowsError:
                if split == "train":
                    raise
                continue  # a run may hold nothing out
            yield from _megatron(shards, into, split) if form == "megatron" else _memmap(shards, into, split)


def _megatron(shards: ShardFolder, into: Storage, split: str) -> Iterator[FileFact]:
    stream = megatron_stream(shards)
    yield into.write_chunks(f"{split}.bin", stream)
    yield into.write_chunks(f"{split}.idx", megatron_index(stream))


def _memmap(shards: ShardFolder, into: Storage, split: str) -> Iterator[FileFact]:
    stream = flat_stream(shards)
    yield into.write_chunks(f"{split}.bin", stream)
    yield into.write_bytes(f"{split}.json", json.dumps(_facts(shards, stream), indent=1).encode() + b"\n")


def _facts(shards: ShardFolder, stream: TokenStream) -> dict[str, str | int]:
    """Return the facts that a reader of a flat file needs."""
    header = shards.header
    return {
        "dtype": stream.dtype,
        "tokens": stream.tokens,
        "documents": stream.documents,
        "eos_id": header.eos_id,
        "vocab_size": header.vocab_size,
        "tokenizer_sha256": header.tokenizer_sha256,
    }


def _gguf(run: Storage, into: Storage) -> FileFact:
    with tempfile.TemporaryDirectory(prefix="corpusmill-gguf-") as folder:
        path = Path(folder) / "tokenizer.gguf"
        with mapped(TokenizerError):
            write_gguf(Tokenizer.load(run.path("tokenizer")), path)
        return into.write_bytes(path.name, path.read_bytes())
