"""Stage pack: the finished text becomes globally shuffled shards of packed token rows.

It has two steps, and tokens travel between them by file only: buckets of documents become packed rows (`rows`),
intervals of row keys become shards (`shards`). The rows files are removed at the end: with other documents
nearly every bucket would change, so no later run could reuse them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar, Final

from pipelines.errors import InputError
from pipelines.recipe.recipe import Pack
from pipelines.stages.pack import rows as pack_rows
from pipelines.stages.pack import shards as pack_shards
from pipelines.stages.pack.budget import CutOff, cut_off
from pipelines.stages.pack.tokens import Choice
from pipelines.store.folders import TOKEN_COUNTS
from pipelines.store.manifest import Manifest, Sidecar, UnitResult, write_manifest
from pipelines.store.stage_key import StageKey, stage_key
from pipelines.store.storage import Storage
from pipelines.work.loop import run_units
from pipelines.work.stage import Run, Stage
from pipelines.work.task import UnitWork
from tokenizer_training.model.tokenizer import Tokenizer
from tokenizer_training.shards.packing import WINDOW
from tokenizer_training.shards.schema import SCHEMA_VERSION, Header

NAME: Final = "pack"
HOME: Final = pack_shards.HOME
WORK: Final = "work/pack"
TOKENIZER: Final = "tokenizer"
LIBRARIES: Final = ("numpy", "sentencepiece")


@dataclass(frozen=True)
class PackStage(Stage):
    """The pack stage of a run.

    Attributes:
        run: the run.
        section: the recipe's section.
    """

    run: Run
    section: Pack
    name: ClassVar[str] = NAME
    home: ClassVar[str] = HOME
    reads: ClassVar[tuple[str, ...]] = ("dedup", "train-tokenizer")
    scratch: ClassVar[tuple[str, ...]] = (WORK,)

    def key(self, upstream: Sequence[StageKey]) -> StageKey:
        """Return the stage key: the recipe's section, the window and the version of the shards."""
        settings = {**asdict(self.section), "window": WINDOW, "shard_version": SCHEMA_VERSION}
        return stage_key(NAME, settings, [key.sha256 for key in upstream], LIBRARIES)

    def make(self, upstream: Sequence[Manifest], key: StageKey) -> Manifest:
        """Pack the documents; return the manifest.

        Args:
            upstream: manifests of ``documents/`` and of ``tokenizer/``.
            key: key of this stage.

        Raises:
            InputError: the tokenizer cannot be used for packing.
            CorpusmillError: a unit did not finish.
        """
        documents, _ = upstream
        storage, section = self.run.storage, self.section
        header = make_header(section, storage.path(TOKENIZER), key)
        rows = list(self._pack_rows(documents, header, key).values())
        budget = _budget(storage, rows, section.tokens, header.row_len)
        tasks = pack_shards.tasks(storage, rows, header.row_len, section.shard_mb, budget.end)
        folders, function = (pack_shards.folder(header),), pack_shards.process_shard
        work = UnitWork(
            pack_shards.NAME, key.sha256, str(storage.root), folders, function, header, pack_shards.Shard
        )
        shards = list(run_units(self.run, work, tasks).values())
        manifest = write_manifest(storage, HOME, key, upstream, _sweep(storage, rows, shards, budget))
        storage.remove_files(WORK)
        return manifest

    def _pack_rows(self, documents: Manifest, header: Header, key: StageKey) -> dict[str, Sidecar]:
        """Do the first step; return its sidecars."""
        section, storage = self.section, self.run.storage
        choice = Choice(section.validation, section.mix or {}, section.by_language, section.weights_by_size())
        settings = pack_rows.Settings(header, choice, str(storage.path(TOKENIZER)))
        folders, function = pack_rows.folders(header.row_len), pack_rows.process_bucket
        work = UnitWork(
            pack_rows.NAME, key.sha256, str(storage.root), folders, function, settings, pack_rows.Bucket
        )
        return run_units(self.run, work, pack_rows.tasks(storage, documents.documents()))


def _budget(storage: Storage, rows: Sequence[Sidecar], tokens: int | None, row_len: int) -> CutOff:
    """Return where the training split ends; `tokens` is the budget, None = there is none."""
    if tokens is None:
        return CutOff(pack_shards.KEYS, 0, 0)
    files = [
        str(storage.path(file.path))
        for group, members in pack_shards.rows_files(rows).items()
        if pack_shards.is_train(group)
        for file in members
    ]
    return cut_off(files, tokens // row_len, row_len)


def make_header(section: Pack, folder: Path, key: StageKey) -> Header:
    """Return what the shards say about themselves.

    Args:
        section: the recipe's section.
        folder: of the tokenizer.
        key: key of this stage.

    Raises:
        InputError: the tokenizer has no end-of-sequence symbol.
    """
    tokenizer = Tokenizer.load(folder)
    if tokenizer.eos_id is None:
        raise InputError(
            f"{folder}: the tokenizer has no end-of-sequence symbol, which must end every document"
        )
    return Header(
        seq_len=section.seq_len,
        row_len=section.seq_len + (section.row_len == "L+1"),
        packing=section.strategy,
        window=WINDOW,
        seed=section.seed,
        bos_id=-1 if tokenizer.bos_id is None else tokenizer.bos_id,
        eos_id=tokenizer.eos_id,
        # n_pad says what is padding, so any id serves if the tokenizer has none for it.
        pad_id=tokenizer.eos_id if tokenizer.pad_id is None else tokenizer.pad_id,
        vocab_size=tokenizer.vocab_size,
        tokenizer_sha256=tokenizer.sha256,
        stage_key=key.sha256,
    )


def _sweep(
    storage: Storage, rows: Sequence[Sidecar], shards: Sequence[Sidecar], budget: CutOff
) -> list[UnitResult]:
    """Return what stays, token counts by the unit of their documents, and shards; remove all other files."""
    over = {"rows_over_budget": budget.rows, "tokens_over_budget": budget.tokens}
    files = [file for sidecar in rows for file in sidecar.files]
    counted = [file for file in files if file.path.startswith(f"{TOKEN_COUNTS.name}/")]
    results = [
        *(UnitResult(TOKEN_COUNTS.unit(file.path), {}, (file,)) for file in counted),
        *(UnitResult(sidecar.unit, sidecar.counts, ()) for sidecar in rows),
        *shards,
        UnitResult("budget", {"tokens": over}, ()),
    ]
    kept = {file.path for result in results for file in result.files}
    for home in (TOKEN_COUNTS.name, HOME):  # the other files are of other documents or settings
        storage.remove_files(home, kept)
    return results
