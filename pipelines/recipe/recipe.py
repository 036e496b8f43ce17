"""A recipe: everything that shapes the output of a run, as frozen dataclasses.

Field names are the keys of the YAML file. ``config_load.load`` reads and checks one; nothing else builds it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from filters.dedup.bands import BANDS, Bands, choose_bands
from filters.dedup.lines import Lines
from filters.dedup.scheme import Scheme
from filters.dedup.substrings import Substrings
from filters.judge import NamedStep
from pipelines.inputs.file import InputFile, Listing
from pipelines.readers.record import Reader
from tokenizer_training.model.sentencepiece_model import TokenizerError
from tokenizer_training.model.split import FINEWEB2_REPEATS
from tokenizer_training.model.train import SPECIAL, control_symbols

if TYPE_CHECKING:
    pass


def _require(condition: bool, rule: str, value: object) -> None:
    """Raise a ValueError that states the rule, which begins with the field's name, and the value."""
    if not condition:
        raise ValueError(f"{rule}; found {value}")


@dataclass(frozen=True)
class Input:
    """One entry of ``inputs``: files of one format and one source.

    Attributes:
        reader_name: the ``reader`` key.
        reader: the reader built from this entry's other keys.
        paths: the patterns as written; empty where `listings` come from other keys.
        source: name of the source in every output; the reader's default where none is given.
        limit: read at most so many content records from this input; None = all.
        files: the matching files, sorted by name.
        listings: what has yet to be listed to know more files.
        hosts: further hosts that may be contacted: where files are redirected to.
        listed: the facts of what was listed.
    """

    reader_name: str
    reader: Reader
    paths: tuple[str, ...]
    source: str
    limit: int | None
    files: tuple[InputFile, ...]
    listings: tuple[Listing, ...] = ()
    hosts: tuple[str, ...] = ()
    listed: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True)
class Extract:
    """How payloads become text.

    Attributes:
        engine: HTML engine; see `pipelines.extraction.engines`.
        deadline_s: CPU seconds one document may take in the child process.
        memory_mb: address space in MiB one child may use on top of its start-up size.
    """

    engine: Literal["resiliparse", "trafilatura", "blocks", "union"] = "blocks"
    deadline_s: float = 5.0
    memory_mb: int = 1024

    def __post_init__(self) -> None:
        _require(self.deadline_s > 0, "deadline_s must be more than 0 seconds", self.deadline_s)
        _require(self.memory_mb >= 64, "memory_mb must be at least 64", self.memory_mb)


@dataclass(frozen=True)
class BandChoice:
    """Bands that are no preset: ``{auto: 0.8}`` or ``{count: 9, rows: 13}``.

    Attributes:
        auto: similarity at which 95 % of the pairs are to be found; see `filters.dedup.bands.choose_bands`.
        count, rows: so many bands of so many numbers.
    """

    auto: float | None = None
    count: int | None = None
    rows: int | None = None

    def __post_init__(self) -> None:
        sound = (self.auto is None) != (self.count is None) and (self.count is None) == (self.rows is None)
        _require(sound, "auto alone, or count and rows together, choose the bands", self)
        _require(self.auto is None or 0.1 <= self.auto <= 0.99, "auto must be from 0.1 to 0.99", self.auto)
        hashes = (self.count or 1) * (self.rows or 1)
        sound = (self.count is None or self.count > 0) and (self.rows is None or self.rows > 0)
        _require(sound and hashes <= 1024, "count * rows must be from 1 to 1024", hashes)


@dataclass(frozen=True)
class Minhash:
    """Near-duplicate search.

    Attributes:
        bands: how signatures are cut: ``fineweb`` is 14 x 8, ``dolma3`` 26 x 11, ``nemo`` 20 x 13.
        similarity: Jaccard similarity from which two documents are duplicates.
        verify: ``signature`` = estimate from all hashes, pairs from two standard errors below the limit to five
            above settled by exact Jaccard; ``exact`` = every pair settled by exact Jaccard; ``containment`` = that,
            and no 3-gram of words of the removed document is missing in the kept one.
        scheme: how signatures are made; see `filters.dedup.scheme.Scheme`.
        unit: what a shingle counts; none = words, and characters where `bands` is ``nemo``.
        width: units per shingle; none = 5, and 24 where `bands` is ``nemo``.
    """

    bands: Literal["fineweb", "dolma3", "nemo"] | BandChoice = "fineweb"
    similarity: float = 0.7
    verify: Literal["signature", "exact", "containment"] = "signature"
    scheme: Literal["affine32", "fineweb", "datatrove"] = "affine32"
    unit: Literal["word", "character"] | None = None
    width: int | None = None

    def __post_init__(self) -> None:
        _require(0 < self.similarity <= 1, "similarity must be above 0 and at most 1", self.similarity)
        _require(self.width is None or 1 <= self.width <= 100, "width must be from 1 to 100", self.width)
        self.signing()

    def cut(self) -> Bands:
        """Return the bands."""
        if not isinstance(self.bands, BandChoice):
            return BANDS[self.bands]
        choice = self.bands
        if choice.auto is not None:
            return choose_bands(choice.auto)
        return Bands(choice.count or 1, choice.rows or 1)

    def signing(self) -> Scheme:
        """Return how signatures are made."""
        unit, width = ("character", 24) if self.bands == "nemo" else ("word", 5)
        return Scheme(self.scheme, self.unit or unit, self.width or width, self.cut().hashes)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Preference:
    """A keep policy with a value: ``{best: COLUMN}`` or ``{source: [wikipedia, web]}``.

    Attributes:
        best: column of the ledger whose highest value stays; documents without a value come last.
        source: sources in order of preference, those not named last; the longest within one.
    """

    best: str | None = None
    source: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        _require((self.best is None) != (not self.source), "either best or source is needed", self)


@dataclass(frozen=True)
class Dedup:
    """Removal of copies.

    Attributes:
        exact: remove documents whose text is equal.
        url: remove documents whose URL is equal, tracking parameters aside, whatever their texts.
        minhash: near-duplicate search; None = off.
        lines: removal of lines that many of the documents left have, of this run alone; None = off.
        substrings: removal of passages that another of the documents left has before, of this run alone, where
            frequent lines are gone already; None = off.
        keep: which of several copies stays: the ``longest``, the ``newest``, or a `Preference`; ties by id.
        scope: documents are compared ``global``, or within one ``source`` or ``language`` only.
        against: output folders of older runs, oldest first; what they kept comes first and stays.
    """

    exact: bool = True
    url: bool = False
    minhash: Minhash | None = field(default_factory=Minhash)
    lines: Lines | None = None
    substrings: Substrings | None = None
    keep: Literal["longest", "newest"] | Preference = "longest"
    scope: Literal["global", "source", "language"] = "global"
    against: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Tokenizer:
    """The tokenizer to train, or the one to use.

    Attributes:
        vocab_size: pieces, a multiple of 128; a corpus too small for it gets the largest multiple possible.
        model_type: ``bpe``, from the words of the whole corpus; ``unigram``, from a sample of its text: encodes
            four times as fast, but has no exact ``tokenizer.json``.
        special_tokens: control symbols: ``chat``, ``fim`` (fill in the middle), or ones of your own: ``<|think|>``.
        alpha: temperature of language balancing: share of a language ~ (its count) ** alpha; 1 = as counted.
        path: folder or file of an existing SentencePiece model; nothing is trained then.
    """

    vocab_size: int = 32768
    alpha: float = 0.5
    model_type: Literal["bpe", "unigram"] = "bpe"
    special_tokens: tuple[str, ...] = SPECIAL
    path: Path | None = None

    def __post_init__(self) -> None:
        sound = self.vocab_size >= 384 and self.vocab_size % 128 == 0
        below = max(384, self.vocab_size // 128 * 128)
        nearest = f"{below} or {below + 128}" if self.vocab_size > 384 else "384"
        rule = f"vocab_size must be a multiple of 128 and at least 384 (256 are bytes), such as {nearest}"
        _require(sound, rule, self.vocab_size)
        try:
            control_symbols(self.special_tokens)
        except TokenizerError as error:
            raise ValueError(f"special_tokens: {error}") from error
        _require(0 <= self.alpha <= 1, "alpha must be from 0 (languages equal) to 1 (as counted)", self.alpha)


@dataclass(frozen=True)
class Pack:
    """How tokens become rows.

    Attributes:
        seq_len: tokens per row.
        strategy: ``best_fit`` = windowed best-fit-decreasing; ``concat`` = cut wherever a row is full;
            ``one_document_per_row``.
        row_len: ``L`` = rows of `seq_len` tokens, for trainers that shift labels themselves (Hugging Face);
            ``L+1`` = one more, for those that take inputs and targets from it, one token apart.
        mix: how often the documents of a source are packed: 3 = three epochs, 0.5 = every second document,
            chosen by a hash of its id; sources that are not named, and all without a mix: 1.
        repeat_by_cluster_size: how often, times the mix, a document is packed that stands for so many copies:
            ``{2: 2, 5: 5, 100: 1}`` = twice from 2 on, five times from 5 on, once from 100 on; ``fineweb2`` is
            ``{2: 2, 3: 3, 5: 5, 100: 8, 1000: 1}``; None = once. Documents for validation are packed once at most.
        tokens: train on at most so many tokens, padding included: the first of the shuffle; None = all.
        by_language: shards of their own for every language, in ``shards/<language>/``.
        validation: share of documents, chosen by a hash of their id, that goes to the validation split.
        seed: seed of the shuffle.
        shard_mb: aim of the size of one shard in MiB of int32 tokens before compression.
    """

    seq_len: int = 2048
    strategy: Literal["best_fit", "concat", "one_document_per_row"] = "best_fit"
    row_len: Literal["L", "L+1"] = "L"
    mix: Mapping[str, float] | None = None
    repeat_by_cluster_size: Literal["fineweb2"] | Mapping[str, float] | None = None
    tokens: int | None = None
    by_language: bool = False
    validation: float = 0.001
    seed: int = 1
    shard_mb: int = 1024

    def __post_init__(self) -> None:
        _require(2 <= self.seq_len <= 2**24, f"seq_len must be from 2 to {2**24:,} tokens", self.seq_len)
        _require(0 <= self.validation < 1, "validation must be a share from 0 to below 1", self.validation)
        _require(self.seed >= 0, "seed must be 0 or more", self.seed)
        weights = (self.mix or {"": 1.0}).values()
        _require(min(weights) >= 0 < max(weights), "mix must be numbers from 0 up, not all 0", self.mix)
        self.weights_by_size()
        enough = self.tokens is None or self.tokens > self.seq_len
        _require(enough, "tokens must be more than one row, or none", self.tokens)
        _require(self.shard_mb >= 1, "shard_mb must be at least 1", self.shard_mb)

    def weights_by_size(self) -> tuple[tuple[int, float], ...]:
        """Return `repeat_by_cluster_size` as (from this size on, weight), sizes ascending; empty = all 1."""
        table = self.repeat_by_cluster_size
        if table is None or isinstance(table, str):
            return FINEWEB2_REPEATS if table else ()
        sound = (
            all(re.fullmatch("[1-9][0-9]{0,8}", size) for size in table)
            and min(table.values(), default=-1) >= 0
        )
        rule = "repeat_by_cluster_size must be sizes from 1 up with numbers from 0 up"
        _require(sound, rule, dict(table))
        return tuple(sorted((int(size), weight) for size, weight in table.items()))


@dataclass(frozen=True)
class Recipe:
    """A recipe: the stages, what each does, and what it works on. See the classes of its sections.

    Attributes:
        name: name of the run; a folder holds runs of one name.
        inputs: what to read.
        steps: in order.
        ledger: ``until_drop`` = a document is measured up to the step that drops it; ``full`` = by all.
        dedup, tokenizer, pack: None = the stage is switched off.
        unit_mb: MiB of compressed input per unit of work.
        max_error_share: exit 1 when more than this share of records are errors; None = never.
        folder: folder of the recipe file; file fields of steps are relative to it. Not a key.
    """

    name: str
    inputs: tuple[Input, ...]
    extract: Extract = Extract()
    steps: tuple[NamedStep, ...] = ()
    ledger: Literal["until_drop", "full"] = "until_drop"
    dedup: Dedup | None = field(default_factory=Dedup)
    tokenizer: Tokenizer | None = field(default_factory=Tokenizer)
    pack: Pack | None = field(default_factory=Pack)
    unit_mb: int = 128
    max_error_share: float | None = None
    folder: Path = field(default=Path(), metadata={"key": False})

    def __post_init__(self) -> None:
        named = re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", self.name) is not None
        _require(named, "name must be 1 to 100 letters, digits, '.', '_' or '-'", repr(self.name))
        _require(self.unit_mb >= 1, "unit_mb must be at least 1", self.unit_mb)
        share = self.max_error_share
        _require(share is None or 0 <= share <= 1, "max_error_share must be from 0 to 1, or none", share)
        if self.pack is not None and self.tokenizer is None:
            raise ValueError("pack needs a tokenizer; write `pack: none` where there is `tokenizer: none`")
        if self.pack is not None and self.pack.repeat_by_cluster_size and self.dedup is None:
            raise ValueError("pack: repeat_by_cluster_size needs clusters; there is `dedup: none`")
        sources = sorted({entry.source for entry in self.inputs})
        unknown = sorted(set((self.pack and self.pack.mix) or ()) - set(sources))
        _require(not unknown or not sources, f"pack.mix may name the sources {', '.join(sources)}", unknown)
