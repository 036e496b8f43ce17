"""Trains a lossless SentencePiece model: byte-pair encoding from counted words, or unigram from lines of text.

Settings (preset "lossless-bpe"): no normalisation, no space before the text, spaces stay as they are and may be pieces
of their own, digits are split, unknown characters become bytes, newlines and tabs are symbols. Every text decodes to
itself, except that U+2581 becomes a space. (SentencePiece's defaults lose something in 6 % of natural lines and 77 % of
lines of code.)

Unigram needs running text and gets a sample of it: training takes 1 to 2 s and 20 MB of memory per MB. Its candidates
are substrings of sentences, and with counted words it would ignore the counts. It encodes four times as fast, but has
no exact tokenizer.json.

SentencePiece runs in a child process, because it ends the whole process on some errors (``LOG(FATAL)`` calls ``exit``),
holds the interpreter lock while it trains, and does not return its memory.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from tokenizer_training.model.sentencepiece_model import TokenizerError, canonical, read_model
from tokenizer_training.model.weights import Share, choose_alphabet, language_shares, training_words

MULTIPLE = 128
"""Vocabulary sizes are multiples of this, for the matrix units of accelerators."""
LEAST = 3 * MULTIPLE
"""The first multiple with room for more than 256 bytes and 25 symbols."""

UNKNOWN, BEGIN, END, PADDING = "<unk>", "<s>", "</s>", "<pad>"
NEWLINES = ("\n", "\n\n", "\n\n\n", "\n\n\n\n")
SYMBOLS = (*NEWLINES, "\t")
GROUPS: Mapping[str, tuple[str, ...]] = {
    "chat": ("<|im_start|>", "<|im_end|>"),
    "fim": ("<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>"),
}
"""Control symbols by purpose: turns of a conversation (ChatML), and code with a gap to fill."""
SPECIAL = ("chat", "fim")
CONTROLS = 16
"""Least number of control symbols; unused ones are reserved, so that new symbols need no new vocabulary."""

_BYTES = 256
_SYMBOL = re.compile(r"<[^\s<>]{1,62}>")
_LINE_CHARS = 2048
"""Longer lines are cut for unigram; SentencePiece skips lines of more than `_LINE_BYTES`."""
_LINE_BYTES = 4 * _LINE_CHARS

Options = Mapping[str, str | int | float | bool | Sequence[str]]
"""Options of SentencePiece's trainer."""

_PRESET: Options = {
    "normalization_rule_name": "identity",
    "add_dummy_prefix": False,
    "remove_extra_whitespaces": False,
    "allow_whitespace_only_pieces": True,
    "byte_fallback": True,
    "split_digits": True,
    "split_by_unicode_script": True,
    "max_sentencepiece_length": 16,
    # The characters are chosen by language and listed; 0.98 is the least value that SentencePiece accepts.
    "character_coverage": 0.98,
    # If the text is too small for the vocabulary, training stops early without an error.
    "hard_vocab_limit": False,
    "num_threads": 1,
    "max_sentence_length": _LINE_BYTES,
    "minloglevel": 2,
    "unk_id": 0,
    "bos_id": 1,
    "eos_id": 2,
    "pad_id": 3,
    "unk_piece": UNKNOWN,
    "bos_piece": BEGIN,
    "eos_piece": END,
    "pad_piece": PADDING,
    "user_defined_symbols": list(SYMBOLS),
}

_CHILD = """
import json, sys
from sentencepiece import SentencePieceTrainer
with open(sys.argv[1], encoding="utf-8") as options:
    SentencePieceTrainer.train(**json.load(options))
"""


@dataclass(frozen=True)
class Trained:
    """A trained tokenizer, and figures of its training.

    Attributes:
        model: canonical bytes of the SentencePiece model.
        vocab_size: number of its pieces; a multiple of `MULTIPLE`.
        languages: the share of each language in the training text.
        characters: number of characters that are pieces of their own.
        words: number of distinct words that the trainer got.
        warnings: for people: how the result differs from the settings.
    """

    model: bytes
    vocab_size: int
    languages: Mapping[str, Share]
    characters: int
    words: int
    warnings: tuple[str, ...]


def train(
    counts: pa.Table,
    vocab_size: int,
    alpha: float = 0.5,
    special: Sequence[str] = SPECIAL,
    lines: Iterable[str] | None = None,
    scratch: Path | None = None,
) -> Trained:
    """Train a tokenizer on counted words: BPE, or unigram if lines of text are given.

    The result depends on the counts alone: not on their order, the machine's load or its number of cores.

    Args:
        counts: table of `words.SCHEMA`, sorted by language; above `weights.MAX_ROWS` rows use `weights.prune` first.
        vocab_size: number of pieces with all symbols; a multiple of `MULTIPLE`, at least 384.
        alpha: exponent of language balancing, 0 to 1; see `weights`.
        special: names in `GROUPS`, and own control symbols such as ``<|think|>``.
        lines: running text for unigram, already balanced; the counts then only choose the characters.
        scratch: folder for the trainer's input, which is as large as the counts; None = the system's.

    Raises:
        TokenizerError: there is no text, the size is impossible, or SentencePiece failed.
    """
    if vocab_size % MULTIPLE or vocab_size < LEAST:
        raise TokenizerError(f"vocab_size {vocab_size} is not a multiple of {MULTIPLE} from {LEAST} up")
    if not counts.num_rows:
        raise TokenizerError("there is no text to train a tokenizer on; see which step dropped the documents")
    shares = language_shares(counts, alpha)
    controls = control_symbols(special)
    # Half of the room at most, so that a corpus of many scripts still learns words.
    alphabet = choose_alphabet(counts, shares, most=max(vocab_size - _fixed(controls), 0) // 2)
    words = training_words(counts, shares, alphabet.characters)
    with tempfile.TemporaryDirectory(prefix="corpusmill-tokenizer-", dir=scratch) as name:
        source = _write_words(words, Path(name)) if lines is None else _write_lines(lines, Path(name))
        model = _fit(source, alphabet.characters, vocab_size, controls)
    size = len(read_model(model).pieces)
    return Trained(
        model=canonical(model),
        vocab_size=size,
        languages=shares,
        characters=len(alphabet.characters),
        words=words.num_rows,
        warnings=tuple(_warnings(vocab_size, size, alphabet.left_out)),
    )


def control_symbols(special: Sequence[str]) -> list[str]:
    """Return the control symbols in the order of their ids, reserved ones up to `CONTROLS`.

    >>> control_symbols(["chat", "<|think|>"])[:4]
    ['<|im_start|>', '<|im_end|>', '<|think|>', '<|reserved_0|>']

    Raises:
        TokenizerError: a symbol occurs twice, is built in, or does not have the form ``<...>``.
    """
    symbols = [symbol for name in special for symbol in GROUPS.get(name, (name,))]
    taken = {UNKNOWN, BEGIN, END, PADDING, *(f"<0x{byte:02X}>" for byte in range(_BYTES))}
    for symbol in symbols:
        if symbol in taken or not _SYMBOL.fullmatch(symbol):
            groups = ", ".join(GROUPS)
            raise TokenizerError(
                f"special token {symbol!r}: expected one of {groups}, or a new symbol such as <|think|>"
            )
        taken.add(symbol)
    return [*symbols, *(f"<|reserved_{number}|>" for number in range(CONTROLS - len(symbols)))]


def training_options(
    vocab_size: int, characters: str, controls: Sequence[str], model_type: str = "bpe"
) -> Options:
    """Return the options of SentencePiece's trainer, except the paths that it reads and writes."""
    return {
        **_PRESET,
        "model_type": model_type,
        "vocab_size": vocab_size,
        "control_symbols": list(controls),
        "required_chars": characters,
    }


def _fixed(controls: Sequence[str]) -> int:
    """Return the number of pieces that are not learned."""
    return 4 + len(controls) + len(SYMBOLS) + _BYTES


@dataclass(frozen=True)
class _Source:
    """The trainer's input.

    Attributes:
        folder: the folder of its file.
        options: its file name and format, for SentencePiece.
        model_type: ``bpe`` or ``unigram``.
    """

    folder: Path
    options: Mapping[str, str]
    model_type: str


def _fit(source: _Source, characters: str, vocab_size: int, controls: list[str]) -> bytes:
    """Train with the given size, or with the largest multiple of `MULTIPLE` that the text allows.

    If the text does not even fill the first multiple above the fixed pieces, reserved symbols fill it.
    """
    model = _run_trainer(source, training_options(vocab_size, characters, controls, source.model_type))
    possible = len(read_model(model).pieces)
    if possible == vocab_size:
        return model
    size = possible - possible % MULTIPLE
    if size < _fixed(controls) + len(characters):
        size = possible + -possible % MULTIPLE
        first = sum(symbol.startswith("<|reserved_") for symbol in controls)
        controls = [*controls, *(f"<|reserved_{first + n}|>" for n in range(size - possible))]
    return _run_trainer(source, training_options(size, characters, controls, source.model_type))


def _write_words(words: pa.Table, folder: Path) -> _Source:
    """Write one ``word<TAB>count`` line per word."""
    pairs = zip(words["word"].to_pylist(), words["count"].to_pylist(), strict=True)
    with (folder / "words.tsv").open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{word}\t{count}\n" for word, count in pairs)
    return _Source(folder, {"input": "words.tsv", "input_format": "tsv"}, "bpe")


def _write_lines(lines: Iterable[str], folder: Path) -> _Source:
    """Write text line by line; long lines are cut."""
    with (folder / "lines.txt").open("w", encoding="utf-8", newline="\n") as file:
        for line in lines:
            parts = (line[at : at + _LINE_CHARS] for at in range(0, len(line), _LINE_CHARS))
            file.writelines(f"{part}\n" for part in parts)
    return _Source(folder, {"input": "lines.txt", "input_format": "text"}, "unigram")


def _run_trainer(source: _Source, options: Options) -> bytes:
    """Train in a child process; return the model's bytes."""
    text = json.dumps({**options, **source.options, "model_prefix": "trained"})
    (source.folder / "options.json").write_text(text, encoding="utf-8")
    command = [sys.executable, "-c", _CHILD, "options.json"]
    done = subprocess.run(command, cwd=source.folder, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        why = lines[-1][:500] if lines else "it gave no reason"
        raise TokenizerError(f"SentencePiece could not train (exit code {done.returncode}): {why}")
    return (source.folder / "trained.model").read_bytes()


def _warnings(wanted: int, size: int, left_out: int) -> list[str]:
    """Return how the result differs from the settings, for people."""
    warnings = []
    if size != wanted:
        warnings.append(f"the text is too small for {wanted} pieces; the vocabulary has {size}")
    if left_out:
        warnings.append(
            f"{left_out} characters have no room in {size} pieces and become bytes; raise vocab_size"
        )
    return warnings
