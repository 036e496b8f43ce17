"""Stage pack: the finished text becomes globally shuffled shards of packed token rows.

Two steps, and tokens travel between them by file only: buckets of documents become packed rows (`rows`),
intervals of row keys become shards (`shards`). The rows files are removed at the end: with other documents
nearly every bucket would change, so nothing could reuse them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from pipelines.errors import InputError
from pipelines.recipe.recipe import Pack
from pipelines.stages.pack import rows as pack_rows
from pipelines.stages.pack import shards as pack_shards
from pipelines.stages.pack.budget import CutOff, cut_off
from pipelines.stages.pack.tokens import Choice
from pipelines.store.folders import TOKEN_COUNTS
from pipelines.store.manifest import Manifest, Sidecar, UnitResult, write_manifest
from pipelines.store.stage_key import StageKey, stage_key
from pipelines.work.loop import run_units
from pipelines.work.stage import Run
from pipelines.work.task import UnitWork
from tokenizer_training.model.tokenizer import Tokenizer
from tokenizer_training.shards.packing import WINDOW
from tokenizer_training.shards.schema import SCHEMA_VERSION, Header

NAME = "pack"
HOME = pack_shards.HOME
WORK = "work/pack"
SCRATCH = (WORK,)
TOKENIZER = "tokenizer"
LIBRARIES = ("numpy", "sentencepiece")


def key(run: Run, documents: StageKey, tokenizer: StageKey) -> StageKey:
    """Return the stage key: the recipe's section, the window and the version of the shards."""
    settings = {**asdict(_section(run)), "window": WINDOW, "shard_version": SCHEMA_VERSION}
    return stage_key(NAME, settings, [documents.sha256, tokenizer.sha256], LIBRARIES)


def run_stage(run: Run, documents: Manifest, tokenizer: Manifest, own_key: StageKey) -> Manifest:
    """Do the stage; return its manifest.

    Args:
        run: the run.
        documents: manifest of ``documents/``.
        tokenizer: manifest of ``tokenizer/``.
        own_key: key of this stage.

    Raises:
        InputError: the tokenizer cannot be used for packing.
        CorpusmillError: a unit did not finish.
    """
    header, root = make_header(run, own_key), str(run.storage.root)
    section = _section(run)
    choice = Choice(section.validation, section.mix or {}, section.by_language, section.weights_by_size())
    settings = pack_rows.Settings(header, choice, str(run.storage.path(TOKENIZER)))
    rows_work = UnitWork(
        pack_rows.NAME,
        own_key.sha256,
        root,
        pack_rows.folders(header.row_len),
        pack_rows.process_bucket,
        settings,
        pack_rows.Bucket,
    )
    rows = run_units(run, rows_work, pack_rows.tasks(run.storage, documents.documents()))
    shards_work = UnitWork(
        pack_shards.NAME,
        own_key.sha256,
        root,
        (pack_shards.folder(header),),
        pack_shards.process_shard,
        header,
        pack_shards.Shard,
    )
    budget = _budget(run, list(rows.values()), header.row_len)
    tasks = pack_shards.tasks(run.storage, list(rows.values()), header.row_len, section.shard_mb, budget.end)
    shards = run_units(run, shards_work, tasks)
    return _finish(run, own_key, (documents, tokenizer), rows, shards, budget)


def _budget(run: Run, rows: Sequence[Sidecar], row_len: int) -> CutOff:
    """Return where the training split ends."""
    tokens = _section(run).tokens
    if tokens is None:
        return CutOff(pack_shards.KEYS, 0, 0)
    files = [
        str(run.storage.path(file.path))
        for group, members in pack_shards.rows_files(rows).items()
        if pack_shards.is_train(group)
        for file in members
    ]
    return cut_off(files, tokens // row_len, row_len)


def make_header(run: Run, own_key: StageKey) -> Header:
    """Return what the shards will say about themselves.

    Raises:
        InputError: the tokenizer has no end-of-sequence symbol.
    """
    pack, folder = _section(run), run.storage.path(TOKENIZER)
    tokenizer = Tokenizer.load(folder)
    if tokenizer.eos_id is None:
        raise InputError(
            f"{folder}: the tokenizer has no end-of-sequence symbol, which must end every document"
        )
    return Header(
        seq_len=pack.seq_len,
        row_len=pack.seq_len + (pack.row_len == "L+1"),
        packing=pack.strategy,
        window=WINDOW,
        seed=pack.seed,
        bos_id=-1 if tokenizer.bos_id is None else tokenizer.bos_id,
        eos_id=tokenizer.eos_id,
        # n_pad says what is padding, so any id serves where the tokenizer has none for it.
        pad_id=tokenizer.eos_id if tokenizer.pad_id is None else tokenizer.pad_id,
        vocab_size=tokenizer.vocab_size,
        tokenizer_sha256=tokenizer.sha256,
        stage_key=own_key.sha256,
    )


def _finish(
    run: Run,
    own_key: StageKey,
    upstream: Sequence[Manifest],
    rows: Mapping[str, Sidecar],
    shards: Mapping[str, Sidecar],
    budget: CutOff,
) -> Manifest:
    """Write the manifest of what stays: token counts by the unit of their documents, and shards."""
    over = {"rows_over_budget": budget.rows, "tokens_over_budget": budget.tokens}
    folder = TOKEN_COUNTS
    files = [file for sidecar in rows.values() for file in sidecar.files]
    counted = [file for file in files if file.path.startswith(f"{folder.name}/")]
    entries = [
        *(UnitResult(folder.unit(file.path), {}, (file,)) for file in counted),
        *(UnitResult(sidecar.unit, sidecar.counts, ()) for sidecar in rows.values()),
        *shards.values(),
        UnitResult("budget", {"tokens": over}, ()),
    ]
    kept = {file.path for entry in entries for file in entry.files}
    for home in (folder.name, HOME):  # the rest is of other documents or settings
        run.storage.remove_files(home, kept)
    manifest = write_manifest(run.storage, HOME, own_key, upstream, entries)
    run.storage.remove_files(WORK)
    return manifest


def _section(run: Run) -> Pack:
    """Return the recipe's pack section; the driver does not come here without one."""
    if run.recipe.pack is None:
        raise InputError("the recipe says `pack: none`")
    return run.recipe.pack
