"""Fixtures of the pack stage, a run whose documents and tokenizer are finished, and of the tests of recipes."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import sentencepiece

from filters.document import document_id
from pipelines.recipe.recipe import Pack, Recipe
from pipelines.stages.pack.stage import PackStage
from pipelines.store.folders import Folder
from pipelines.store.manifest import Manifest, UnitResult, write_manifest
from pipelines.store.stage_key import stage_key
from pipelines.store.storage import Storage
from pipelines.store.tables import DOCUMENTS, to_table
from pipelines.work.progress import Progress
from pipelines.work.stage import Run
from tests.pipelines.recipe.recipes import make_home

UPSTREAM = stage_key("upstream", {})
SEQ_LEN = 64
CLUSTER_SIZES = (1, 1, 2, 4, 7, 150, 2000)
WORDS = [
    "river",
    "stone",
    "über",
    "naïve",
    "the",
    "of",
    "a",
    "running",
    "Ωmega",
    "don't",
    "2024",
    "</s>",
    "🦉",
]
MakeRun = Callable[..., tuple[Run, dict[str, Any], dict[str, Any]]]


@pytest.fixture(scope="session")
def model() -> bytes:
    """A BPE model with byte fallback, trained on some words."""
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(" ".join(WORDS) for _ in range(50)),
        model_writer=out,
        vocab_size=320,
        model_type="bpe",
        byte_fallback=True,
        character_coverage=1.0,
        normalization_rule_name="identity",
        add_dummy_prefix=False,
        remove_extra_whitespaces=False,
        pad_id=3,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    return out.getvalue()


@pytest.fixture
def make_run(tmp_path: Path, model: bytes) -> MakeRun:
    """Return a function that makes a run folder whose dedup and train-tokenizer stages are finished."""

    def make(
        texts: Sequence[str],
        parts: int = 6,
        out: str = "out",
        workers: int = 1,
        flags: tuple[str, ...] = (),
        **section: Any,
    ) -> tuple[Run, dict[str, Any], dict[str, Any]]:
        storage = Storage(tmp_path / out)
        section = {"seq_len": SEQ_LEN, "validation": 0.1, **section}
        run = Run(
            Recipe("toy", (), pack=Pack(**section)),
            storage,
            workers,
            flags,
            Progress(storage, quiet=True),
        )
        return run, write_documents(storage, texts, parts), write_tokenizer(storage, model)

    return make


def pack_stage(run: Run) -> PackStage:
    """The pack stage of a run that `make_run` made."""
    assert run.recipe.pack is not None
    return PackStage(run, run.recipe.pack)


def pack_documents(run: Run, documents: Manifest, tokenizer: Manifest) -> Manifest:
    """Do the pack stage."""
    stage = pack_stage(run)
    return stage.make([documents, tokenizer], stage.key([UPSTREAM, UPSTREAM]))


def write_documents(storage: Storage, texts: Sequence[str], parts: int) -> dict[str, Any]:
    """Write ``documents/`` with this many parts, the last one empty."""
    folder, sidecars = Folder("documents", DOCUMENTS), []
    for part in range(parts):
        unit = hashlib.blake2b(str(part).encode(), digest_size=8).hexdigest()
        rows = [
            {
                "id": document_id("web", f"{part}.warc", n, 0),
                "text": text,
                "source": "wikipedia" if n % 3 == 0 else "web",
                "language": "de" if n % 4 == 0 else "en",
                "file": f"{part}.warc",
                "offset": n,
                "length": 1,
                "index": 0,
                "cluster_size": CLUSTER_SIZES[n % len(CLUSTER_SIZES)],
            }
            for n, text in enumerate(texts)
            if n % max(parts - 1, 1) == part
        ]
        with storage.table_writer(folder.part(unit), DOCUMENTS) as writer:
            writer.write(to_table(rows, DOCUMENTS))
        assert writer.fact is not None
        sidecars.append(UnitResult(unit, {}, (writer.fact,)))
    return write_manifest(storage, "documents", UPSTREAM, (), sidecars)


def write_tokenizer(storage: Storage, model: bytes) -> dict[str, Any]:
    """Write ``tokenizer/``."""
    fact = storage.write_bytes("tokenizer/tokenizer.model", model)
    units = [UnitResult("tokenizer", {}, (fact,))]
    return write_manifest(storage, "tokenizer", UPSTREAM, (), units)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a few inputs, and a reader and a step of our own; see `make_home`."""
    return make_home(tmp_path, monkeypatch)
