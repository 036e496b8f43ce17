"""A recipe: everything that shapes the output of a run, as frozen dataclasses.

Field names are the keys of the YAML file, and ``corpusmill keys`` prints what ``Attributes`` says of each.
`pipelines.recipe.load.load` reads and checks a recipe. A section that does not accept a value raises a
`filters.step.FieldFault`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from filters.dedup.bands import BANDS, Bands, choose_bands
from filters.dedup.lines import Lines
from filters.dedup.scheme import Scheme
from filters.dedup.substrings import Substrings
from filters.judge import NamedStep
from filters.step import FieldFault
from pipelines.inputs.file import InputFile, Listing
from pipelines.readers.record import Reader
from tokenizer_training.model.sentencepiece_model import TokenizerError
from tokenizer_training.model.split import FINEWEB2_REPEATS
from tokenizer_training.model.train import SPECIAL, control_symbols


def _require(condition: bool, name: str, rule: str, value: object) -> None:
    """Raise a fault of one field that states its rule and its value."""
    if not condition:
        raise FieldFault(f"{name} {rule}; found {value}", name)


@dataclass(frozen=True)
class Input:
    """One entry of ``inputs``: files of one format and one source.

    Attributes:
        reader_name: the ``reader`` key.
        reader: the reader built from this entry's other keys.
        paths: the patterns as written; empty where `listings` come from other keys.
        source: name of the source in every output; the reader's default where none is given.
        limit: read at most so many content records from this input; none = all.
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
        engine: how HTML becomes text; see `pipelines.extraction.engines`.
        deadline_s: CPU seconds allowed per document; one that needs more is an error, ``timeout``.
        memory_mb: MiB of address space allowed per extraction process, on top of its size at start.
    """

    engine: Literal["resiliparse", "trafilatura", "blocks", "union"] = "blocks"
    deadline_s: float = 5.0
    memory_mb: int = 1024

    def __post_init__(self) -> None:
        _require(self.deadline_s > 0, "deadline_s", "must be more than 0 seconds", self.deadline_s)
        _require(self.memory_mb >= 64, "memory_mb", "must be at least 64", self.memory_mb)


@dataclass(frozen=True)
class BandChoice:
    """Bands other than the presets: ``{auto: 0.8}`` or ``{count: 9, rows: 13}``.

    Attributes:
        auto: similarity at which 95 % of the pairs are found; see `filters.dedup.bands.choose_bands`.
        count, rows: number of bands, and of hashes per band.
    """

    auto: float | None = None
    count: int | None = None
    rows: int | None = None

    def __post_init__(self) -> None:
        sound = (self.auto is None) != (self.count is None) and (self.count is None) == (self.rows is None)
        if not sound:
            raise FieldFault(f"set either auto, or count and rows; found {self}", "auto", "count", "rows")
        _require(self.auto is None or 0.1 <= self.auto <= 0.99, "auto", "must be from 0.1 to 0.99", self.auto)
        for name, number in (("count", self.count), ("rows", self.rows)):
            _require(number is None or number > 0, name, "must be at least 1", number)
        hashes = (self.count or 1) * (self.rows or 1)
        if hashes > 1024:
            raise FieldFault(f"count * rows must be at most 1024; found {hashes}", "count", "rows")


@dataclass(frozen=True)
class Minhash:
    """Near-duplicate search.

    Attributes:
        bands: how signatures are cut, bands x hashes: ``fineweb`` is 14 x 8, ``dolma3`` 26 x 11, ``nemo`` 20 x 13.
        similarity: Jaccard similarity from which two documents are near-duplicates.
        verify: ``signature`` = estimate from all hashes, and exact Jaccard for pairs from two standard errors below
            the limit to five above; ``exact`` = exact Jaccard for every pair; ``containment`` = in addition, the kept
            document must contain every 3-gram of words of the removed one.
        scheme: hash functions of the signatures; see `filters.dedup.scheme.Scheme`.
        unit: what shingles are made of; none = words, or characters with ``bands: nemo``.
        width: shingle length in words or characters; none = 5, or 24 with ``bands: nemo``.
    """

    bands: Literal["fineweb", "dolma3", "nemo"] | BandChoice = "fineweb"
    similarity: float = 0.7
    verify: Literal["signature", "exact", "containment"] = "signature"
    scheme: Literal["affine32", "fineweb", "datatrove"] = "affine32"
    unit: Literal["word", "character"] | None = None
    width: int | None = None

    def __post_init__(self) -> None:
        _require(0 < self.similarity <= 1, "similarity", "must be above 0 and at most 1", self.similarity)
        _require(self.width is None or 1 <= self.width <= 100, "width", "must be from 1 to 100", self.width)
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
        best: keep the document with the highest value in this column of the ledger; no value comes last.
        source: keep the document of the source named first; other sources come last; within a source, the longest.
    """

    best: str | None = None
    source: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if (self.best is None) == (not self.source):
            raise FieldFault(f"set either best or source; found {self}", "best", "source")


@dataclass(frozen=True)
class Dedup:
    """Removal of duplicates.

    Attributes:
        exact: remove documents whose text is identical, white space aside.
        url: remove documents whose URL is identical, tracking parameters aside, whatever their text.
        minhash: remove near-duplicates; none = off.
        lines: remove lines that occur in many of the remaining documents of this run; none = off.
        substrings: remove passages already seen in an earlier kept document of this run; runs after `lines`;
            none = off.
        keep: which duplicate stays: the ``longest``, the ``newest``, or a `Preference`; ties go by id.
        scope: compare all documents (``global``), or only those of one ``source`` or ``language``.
        against: output folders of earlier runs, oldest first; duplicates of what they kept are removed.
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
        vocab_size: size of the vocabulary, a multiple of 128; lowered where the corpus is too small for it.
        model_type: ``bpe``, trained on the word counts of the whole corpus; ``unigram``, trained on a sample of its
            text: encodes four times as fast, but has no exact ``tokenizer.json``.
        special_tokens: control symbols: the groups ``chat`` and ``fim`` (fill in the middle), or your own:
            ``<|think|>``.
        alpha: language sampling exponent: share is proportional to count**alpha; 1 keeps the natural mix.
        path: folder or file of an existing SentencePiece model, used as it is; nothing is trained.
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
        rule = f"must be a multiple of 128 and at least 384 (256 are bytes), such as {nearest}"
        _require(sound, "vocab_size", rule, self.vocab_size)
        try:
            control_symbols(self.special_tokens)
        except TokenizerError as error:
            raise FieldFault(f"special_tokens: {error}", "special_tokens") from error
        rule = "must be from 0 (all languages equal) to 1 (natural mix)"
        _require(0 <= self.alpha <= 1, "alpha", rule, self.alpha)


@dataclass(frozen=True)
class Pack:
    """How tokens become rows.

    Attributes:
        seq_len: sequence length in tokens.
        strategy: ``best_fit`` = best-fit-decreasing in windows of documents; ``concat`` = one stream of documents,
            cut wherever a row is full; ``one_document_per_row``.
        row_len: ``L`` = rows of `seq_len` tokens, for trainers that shift labels themselves (Hugging Face);
            ``L+1`` = one token more, for trainers that take inputs and targets from one row.
        mix: epochs per source: 3 = three times, 0.5 = half of the documents, chosen by a hash of the id; sources
            that are not named count 1.
        repeat_by_cluster_size: epochs by the size of a document's duplicate cluster, times `mix`:
            ``{2: 2, 5: 5, 100: 1}`` = two from size 2, five from size 5, one from size 100; ``fineweb2`` is
            ``{2: 2, 3: 3, 5: 5, 100: 8, 1000: 1}``; none = one. Validation documents are packed once at most.
        tokens: token budget, padding included; the first rows of the shuffle are taken; none = all.
        by_language: separate shards for each language, in ``shards/<language>/``.
        validation: share of documents, chosen by a hash of the id, held out for validation.
        seed: seed of the shuffle.
        shard_mb: target size of a shard in MiB of int32 tokens, before compression.
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
        _require(2 <= self.seq_len <= 2**24, "seq_len", f"must be from 2 to {2**24:,} tokens", self.seq_len)
        _require(0 <= self.validation < 1, "validation", "must be a share from 0 to below 1", self.validation)
        _require(self.seed >= 0, "seed", "must be 0 or more", self.seed)
        weights = (self.mix or {"": 1.0}).values()
        _require(min(weights) >= 0 < max(weights), "mix", "must be numbers from 0 up, not all 0", self.mix)
        self.weights_by_size()
        enough = self.tokens is None or self.tokens > self.seq_len
        _require(enough, "tokens", "must be more than one row, or none", self.tokens)
        _require(self.shard_mb >= 1, "shard_mb", "must be at least 1", self.shard_mb)

    def weights_by_size(self) -> tuple[tuple[int, float], ...]:
        """Return `repeat_by_cluster_size` as (from this size on, weight), sizes ascending; empty = all 1."""
        table = self.repeat_by_cluster_size
        if table is None or isinstance(table, str):
            return FINEWEB2_REPEATS if table else ()
        sound = (
            all(re.fullmatch("[1-9][0-9]{0,8}", size) for size in table)
            and min(table.values(), default=-1) >= 0
        )
        rule = "must be sizes from 1 up with numbers from 0 up"
        _require(sound, "repeat_by_cluster_size", rule, dict(table))
        return tuple(sorted((int(size), weight) for size, weight in table.items()))


@dataclass(frozen=True)
class Recipe:
    """A recipe: the stages, what each does, and what it works on. See the classes of its sections.

    Attributes:
        name: name of the run; an output folder holds runs of one name.
        inputs: what to read.
        steps: filters and edits, in order.
        ledger: ``until_drop`` = measure a document up to the step that drops it; ``full`` = by all steps.
        dedup, tokenizer, pack: none = skip the stage.
        unit_mb: MiB of compressed input per unit of work.
        max_error_share: exit with code 1 if a larger share of the records are errors; none = never.
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
        _require(named, "name", "must be 1 to 100 letters, digits, '.', '_' or '-'", repr(self.name))
        _require(self.unit_mb >= 1, "unit_mb", "must be at least 1", self.unit_mb)
        share = self.max_error_share
        sound = share is None or 0 <= share <= 1
        _require(sound, "max_error_share", "must be from 0 to 1, or none", share)
        if self.pack is not None:
            self._check_pack(self.pack)

    def _check_pack(self, pack: Pack) -> None:
        """Raise a fault where `pack` needs what other sections do not give."""
        if self.tokenizer is None:
            what = "pack needs a tokenizer; write `pack: none` where there is `tokenizer: none`"
            raise FieldFault(what, "pack", "tokenizer")
        if pack.repeat_by_cluster_size and self.dedup is None:
            what = "pack: repeat_by_cluster_size needs clusters; there is `dedup: none`"
            raise FieldFault(what, "pack", "dedup")
        sources = sorted({entry.source for entry in self.inputs})
        unknown = sorted(set(pack.mix or ()) - set(sources))
        if unknown and sources:  # without sources the inputs themselves are at fault
            raise FieldFault(f"pack.mix may name the sources {', '.join(sources)}; found {unknown}", "pack")
