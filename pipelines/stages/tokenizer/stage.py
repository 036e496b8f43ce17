"""Stage train-tokenizer: a tokenizer for the finished text, trained on all of it or given by the recipe.

``AutoTokenizer.from_pretrained`` loads the folder ``tokenizer/``; ``evaluation.json`` there says what the
tokenizer was trained on, and how well it fits this corpus.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby, islice
from pathlib import Path
from typing import ClassVar, Final

import numpy as np
import pyarrow as pa
from xxhash import xxh3_64_intdigest

from pipelines.errors import CorpusmillError, mapped
from pipelines.recipe.recipe import Tokenizer as Section
from pipelines.stages.tokenizer.word_counts import NAME as COUNT_WORDS
from pipelines.stages.tokenizer.word_counts import (
    PARTITIONS,
    Counted,
    Counting,
    read_documents,
    read_table,
)
from pipelines.store.manifest import Manifest, UnitFile, UnitResult, write_manifest
from pipelines.store.sealed import JsonObject
from pipelines.store.stage_key import StageKey, stage_key
from pipelines.store.storage import Storage
from pipelines.work.stage import Run, Stage
from pipelines.work.task import Part, Task
from tokenizer_training.model.evaluate import Evaluation, Texts, evaluate
from tokenizer_training.model.export import export, obstacle
from tokenizer_training.model.sentencepiece_model import TokenizerError
from tokenizer_training.model.tokenizer import Tokenizer
from tokenizer_training.model.train import Trained, train
from tokenizer_training.model.weights import MAX_ROWS, by_language, language_shares
from tokenizer_training.model.words import MAX_CHARS, UNKNOWN_LANGUAGE, merge_tables

NAME: Final = "train-tokenizer"
HOME: Final = "tokenizer"
WORDS: Final = f"work/{COUNT_WORDS}"
UNIT: Final = "tokenizer"
LIBRARIES: Final = ("numpy", "sentencepiece", "xxhash")

SAMPLE_PARTS: Final = 16
SAMPLE_DOCUMENTS: Final = 1024
UNIGRAM_CHARS: Final = 64_000_000
"""Characters that unigram is trained on: some two minutes and 2 GB of memory."""


@dataclass(frozen=True)
class _Made:
    """A tokenizer and its facts.

    Attributes:
        tokenizer: the tokenizer.
        facts: entries of ``evaluation.json`` besides those that all tokenizers have.
        counts: flat numbers for the balance.
        warnings: for the user.
    """

    tokenizer: Tokenizer
    facts: Mapping[str, JsonObject | Evaluation]
    counts: Mapping[str, int]
    warnings: Sequence[str]


@dataclass(frozen=True)
class TokenizerStage(Stage):
    """The train-tokenizer stage of a run.

    Attributes:
        run: the run.
        section: the recipe's section.
    """

    run: Run
    section: Section
    name: ClassVar[str] = NAME
    home: ClassVar[str] = HOME
    reads: ClassVar[tuple[str, ...]] = ("dedup",)
    scratch: ClassVar[tuple[str, ...]] = (WORDS,)

    def key(self, upstream: Sequence[StageKey]) -> StageKey:
        """Return the stage key: how to train, or which tokenizer to use, by its content.

        Raises:
            InputError: the tokenizer of the recipe cannot be read.
        """
        section = self.section
        settings = (
            {
                "vocab_size": section.vocab_size,
                "alpha": section.alpha,
                "model_type": section.model_type,
                "special_tokens": list(section.special_tokens),
                "chars": MAX_CHARS,
                "rows": MAX_ROWS,
            }
            if section.path is None
            else {"sha256": _given(section.path).tokenizer.sha256}
        )
        return stage_key(NAME, settings, [key.sha256 for key in upstream], LIBRARIES)

    def make(self, upstream: Sequence[Manifest], key: StageKey) -> Manifest:
        """Train the tokenizer, or read the given one, and measure it; return the manifest.

        Args:
            upstream: manifest of ``documents/``.
            key: key of this stage.

        Raises:
            InputError: there is no text to train on, or the given tokenizer cannot be read.
            CorpusmillError: counting the words failed.
        """
        (documents,), path, storage = upstream, self.section.path, self.run.storage
        files = documents.documents()
        made = _train(self.run, self.section, documents, key) if path is None else _given(path)
        outputs = {**export(made.tokenizer), "evaluation.json": _evaluation(made, storage, files)}
        facts = [storage.write_bytes(f"{HOME}/{name}", data) for name, data in sorted(outputs.items())]
        storage.remove_files(
            HOME, keep={fact.path for fact in facts}
        )  # the others are of an earlier tokenizer
        for warning in made.warnings:
            self.run.progress.say(f"{NAME}: {warning}")
        counts = {"documents": sum(file.rows or 0 for file in files), **made.counts}
        unit = UnitResult(UNIT, counts, tuple(facts))
        manifest = write_manifest(storage, HOME, key, upstream, [unit])
        storage.remove_files(WORDS)
        return manifest


def _train(run: Run, section: Section, documents: Manifest, key: StageKey) -> _Made:
    """Count the words of all documents and train on them."""
    counting = Counting(str(run.storage.root), key.sha256, documents.sha256, section.alpha)
    tasks = [
        Task(file.unit, file.sha256, file.bytes, Part(str(run.storage.path(file.path))))
        for file in documents.documents()
    ]
    counted = count_words(run, counting, tasks)
    run.progress.say(f"{NAME}: training on {counted.table.num_rows} distinct words")
    lines = sample_lines(run.storage, documents.documents(), counted.table, section.alpha)
    with mapped(TokenizerError), run.storage.scratch(f"work/{NAME}") as scratch:
        trained = train(
            counted.table,
            section.vocab_size,
            section.alpha,
            section.special_tokens,
            lines if section.model_type == "unigram" else None,
            scratch,
        )
    tokenizer = Tokenizer(trained.model)
    groups = (
        (language, rows["word"].to_pylist(), rows["count"].to_pylist())
        for language, rows in by_language(counted.table)
    )
    facts: dict[str, JsonObject | Evaluation] = {
        "training": _training(section, trained, counted),
        "words": evaluate(tokenizer, groups),
    }
    counts = {**counted.totals, "vocab_size": trained.vocab_size}
    return _Made(
        tokenizer, facts, counts, [*trained.warnings, *pruning_warnings(counted), *_not_exported(tokenizer)]
    )


def _given(path: Path) -> _Made:
    """Read the tokenizer that the recipe names."""
    with mapped(TokenizerError):
        tokenizer = Tokenizer.load(path)
    return _Made(tokenizer, {}, {"vocab_size": tokenizer.vocab_size}, _not_exported(tokenizer))


def _not_exported(tokenizer: Tokenizer) -> list[str]:
    """Return a warning if no ``tokenizer.json`` can be written."""
    reason = obstacle(tokenizer.model)
    return [] if reason is None else [f"no tokenizer.json is written: {reason}"]


def _evaluation(made: _Made, storage: Storage, files: Sequence[UnitFile]) -> bytes:
    """Return the content of ``evaluation.json``."""
    tokenizer = made.tokenizer
    value = {
        "sha256": tokenizer.sha256,
        "vocab_size": tokenizer.vocab_size,
        "model_type": tokenizer.model.model_type,
        "warnings": list(made.warnings),
        **made.facts,
        "documents": evaluate(tokenizer, sample_documents(storage, files)),
    }
    return json.dumps(value, ensure_ascii=False, indent=1).encode() + b"\n"


def sample_documents(storage: Storage, files: Sequence[UnitFile]) -> list[Texts]:
    """Return the first documents of some parts, more from larger parts, grouped by language."""
    rows = np.cumsum([file.rows or 0 for file in files])
    if not files or not rows[-1]:
        return []
    # Places at equal distances in the row of all documents; each takes its share from the part that it lies in.
    blocks = Counter(
        np.searchsorted(rows, np.arange(SAMPLE_PARTS) * rows[-1] // SAMPLE_PARTS, "right").tolist()
    )
    each = SAMPLE_DOCUMENTS // SAMPLE_PARTS
    sample = [
        (language or UNKNOWN_LANGUAGE, text)
        for place, number in sorted(blocks.items())
        for language, text in islice(read_documents(str(storage.path(files[place].path))), each * number)
    ]
    sample.sort(key=lambda pair: pair[0])
    grouped = ((name, [text for _, text in pairs]) for name, pairs in groupby(sample, key=lambda p: p[0]))
    return [(name, texts, [1] * len(texts)) for name, texts in grouped]


def sample_lines(
    storage: Storage, files: Sequence[UnitFile], counts: pa.Table, alpha: float
) -> Iterator[str]:
    """Yield the lines of a sample of the text, `UNIGRAM_CHARS` in all, its languages balanced as counts are.

    A hash of its text decides whether a document is taken, so the sample depends on neither order nor parts.
    """
    shares = language_shares(counts, alpha)
    limits = {
        name: UNIGRAM_CHARS * share.share / max(share.characters, 1) * 2**64 for name, share in shares.items()
    }
    for file in sorted(files, key=lambda file: file.path):
        for language, text in read_documents(str(storage.path(file.path))):
            if xxh3_64_intdigest(text.encode()) < limits.get(language or UNKNOWN_LANGUAGE, 0):
                yield from text.split("\n")


def _training(section: Section, trained: Trained, counted: Counted) -> JsonObject:
    """Return the facts of the training for ``evaluation.json``."""
    return {
        "alpha": section.alpha,
        "model_type": section.model_type,
        "asked_vocab_size": section.vocab_size,
        "characters": trained.characters,
        "training_words": trained.words,
        **counted.totals,
        "languages": {name: asdict(share) for name, share in trained.languages.items()},
    }


def pruning_warnings(counted: Counted) -> list[str]:
    """Return a warning if words were left out."""
    pruned = counted.totals.get("pruned_words", 0)
    if not pruned:
        return []
    share = counted.totals["pruned_occurrences"] / counted.totals["words"]
    return [f"{pruned} of the rarest words ({share:.2%} of all) were left out of the training"]


def count_words(run: Run, counting: Counting, tasks: Sequence[Task[Part]]) -> Counted:
    """Count the words of all tasks in one Beam pipeline, unless that is done already.

    Raises:
        CorpusmillError: the pipeline failed.
    """
    if tasks and any(counting.sidecar(partition) is None for partition in range(PARTITIONS)):
        from pipelines.stages.tokenizer.graph import count_in_beam  # Beam takes a second to import

        run.progress.start(NAME, todo=tasks, total=len(tasks))
        try:
            count_in_beam(run, counting, tasks)
        finally:
            run.progress.finish()
    sidecars = [counting.sidecar(partition) for partition in range(PARTITIONS if tasks else 0)]
    tables, totals = [], dict.fromkeys(("words", "distinct_words", "cut_words"), 0)
    for sidecar in sidecars:
        if sidecar is None:
            raise CorpusmillError("counting words did not finish; run the same command again")
        tables += [read_table(run.storage.path(file.path)) for file in sidecar.files]
        for name in sidecar.counts:
            totals[name] = totals.get(name, 0) + sidecar.number(name)
    return Counted(merge_tables(tables), totals)
