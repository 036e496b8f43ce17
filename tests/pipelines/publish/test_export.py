"""Exports, read back by readers that know only the formats."""

from __future__ import annotations

import json
import shutil
import struct
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from pipelines.errors import InputError, VerificationError
from pipelines.publish.export import Format, export
from pipelines.store.manifest import manifest_path
from pipelines.store.sealed import read_sealed, write_sealed
from pipelines.store.storage import Storage
from tests.pipelines.conftest import MakeRun, pack_documents
from tokenizer_training.loader import ShardLoader
from tokenizer_training.model.sentencepiece_model import Kind
from tokenizer_training.model.tokenizer import Tokenizer

TEXTS = [" ".join(["river", "the stone", "über 2024"][n % 3] for _ in range(1 + n % 50)) for n in range(300)]


@pytest.fixture
def packed(make_run: MakeRun) -> Storage:
    """A run whose shards are written, some documents cut, some rows padded."""
    run, documents, tokenizer = make_run(TEXTS)
    pack_documents(run, documents, tokenizer)
    return run.storage


def documents_of(storage: Storage, split: str) -> list[list[int]]:
    """Return the documents of a split in the order of the shards, by the loader."""
    found = []
    for batch in ShardLoader(storage.path("shards"), split, batch_size=1):  # type: ignore[arg-type]
        bounds = batch["cu_seqlens"][: len(batch["doc_flags"]) + 1].tolist()
        found += [batch["input_ids"][0, a:b].tolist() for a, b in pairwise(bounds)]
    return found


def read_megatron(prefix: Path) -> list[list[int]]:
    """Read an indexed dataset as Megatron-LM documents it: every sequence, by its pointer."""
    index = prefix.with_suffix(".idx").read_bytes()
    assert index[:9] == b"MMIDIDX\x00\x00"
    version, code, sequences, bounds = struct.unpack("<QBQQ", index[9:34])
    assert version == 1
    dtype = {1: np.uint8, 2: np.int8, 3: np.int16, 4: np.int32, 5: np.int64, 8: np.uint16}[code]
    lengths = np.frombuffer(index, np.int32, sequences, 34)
    pointers = np.frombuffer(index, np.int64, sequences, 34 + 4 * sequences)
    documents = np.frombuffer(index, np.int64, bounds, 34 + 12 * sequences)
    assert len(index) == 34 + 12 * sequences + 8 * bounds
    assert documents.tolist() == [*range(sequences + 1)]
    data = prefix.with_suffix(".bin").read_bytes()
    assert len(data) == lengths.sum() * np.dtype(dtype).itemsize
    pairs = zip(pointers.tolist(), lengths.tolist(), strict=True)
    return [np.frombuffer(data, dtype, length, pointer).tolist() for pointer, length in pairs]


@pytest.mark.integration
def test_megatron_holds_every_document(packed: Storage, tmp_path: Path) -> None:
    facts = list(export(packed, Storage(tmp_path / "to"), "megatron"))
    assert [fact.path for fact in facts] == ["train.bin", "train.idx", "validation.bin", "validation.idx"]
    for split in ("train", "validation"):
        assert read_megatron(tmp_path / "to" / split) == documents_of(packed, split)


@pytest.mark.integration
def test_a_flat_file_holds_every_document(packed: Storage, tmp_path: Path) -> None:
    list(export(packed, Storage(tmp_path / "to"), "memmap"))
    for split in ("train", "validation"):
        facts = json.loads((tmp_path / "to" / f"{split}.json").read_text())
        tokens = np.memmap(tmp_path / "to" / f"{split}.bin", dtype=facts["dtype"], mode="r")
        documents = documents_of(packed, split)
        assert tokens.tolist() == [token for document in documents for token in document]
        assert (facts["tokens"], facts["documents"]) == (len(tokens), len(documents))
        assert (facts["dtype"], facts["eos_id"]) == ("<u2", 2)


@pytest.mark.integration
def test_large_vocabularies_get_wider_numbers(packed: Storage, tmp_path: Path) -> None:
    """Megatron reads int32, others uint32, where an id may not fit 16 bits."""
    from tokenizer_training.shards.folder import ShardFolder
    from tokenizer_training.shards.token_files import flat_stream, megatron_stream

    shards = ShardFolder(packed.path("shards"), "train")
    types = []
    for size in (65_499, 65_500, 65_536, 65_537):
        object.__setattr__(shards.header, "vocab_size", size)
        types.append((megatron_stream(shards).dtype, flat_stream(shards).dtype))
    assert types == [("<u2", "<u2"), ("<i4", "<u2"), ("<i4", "<u2"), ("<i4", "<u4")]


@pytest.mark.integration
def test_a_run_without_validation_exports_what_it_has(make_run: MakeRun, tmp_path: Path) -> None:
    run, documents, tokenizer = make_run(TEXTS[:20], validation=0.0)
    pack_documents(run, documents, tokenizer)
    facts = list(export(run.storage, Storage(tmp_path / "to"), "memmap"))
    assert [fact.path for fact in facts] == ["train.bin", "train.json"]


def test_a_run_without_shards_is_an_error_for_the_user(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"manifest\.json: cannot be read"):
        list(export(Storage(tmp_path / "none"), Storage(tmp_path / "to"), "megatron"))


@pytest.mark.integration
@pytest.mark.parametrize("form", ["memmap", "gguf"])
def test_what_an_earlier_stage_left_behind_is_not_exported(demo: Path, tmp_path: Path, form: Format) -> None:
    shutil.copytree(demo, tmp_path / "run")
    storage = Storage(tmp_path / "run")
    manifest = read_sealed(storage, manifest_path("filtered"))
    write_sealed(storage, manifest_path("filtered"), {**manifest, "key": "of another recipe"})
    with pytest.raises(VerificationError, match=r"documents/manifest\.json: was made from another filtered/"):
        list(export(storage, Storage(tmp_path / "to"), form))
    assert not (tmp_path / "to").exists()


@pytest.mark.integration
def test_a_gguf_holds_the_vocabulary(demo: Path, tmp_path: Path) -> None:
    gguf = pytest.importorskip("gguf")
    list(export(Storage(demo), Storage(tmp_path), "gguf"))
    fields = gguf.GGUFReader(tmp_path / "tokenizer.gguf").fields
    tokenizer = Tokenizer.load(demo / "tokenizer")
    assert fields["tokenizer.ggml.model"].contents() == "llama"
    assert fields["tokenizer.ggml.tokens"].contents() == [piece.text for piece in tokenizer.model.pieces]
    assert fields["tokenizer.ggml.scores"].contents() == [piece.score for piece in tokenizer.model.pieces]
    types = fields["tokenizer.ggml.token_type"].contents()
    assert types == [int(piece.kind) for piece in tokenizer.model.pieces]
    assert {member.name: member.value for member in gguf.TokenType} == {
        kind.name: kind.value for kind in Kind
    }
    assert fields["tokenizer.ggml.eos_token_id"].contents() == 2
    assert fields["tokenizer.ggml.add_bos_token"].contents() is False
    assert fields["tokenizer.ggml.add_space_prefix"].contents() is False
