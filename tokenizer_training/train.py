"""From counted words to a SentencePiece model: byte-pair encoding that loses nothing.

Settings (preset "lossless-bpe"): no normalisation, no space put before the text, spaces kept as they are and
allowed as pieces of their own, digits one by one, bytes for unknown characters; newlines and tabs are symbols.
Every text comes back as it was, except that U+2581 becomes a space (SentencePiece's defaults lose something
in 6 % of natural lines and 77 % of lines of code).

SentencePiece ends the whole process on some errors (``LOG(FATAL)`` calls ``exit``), holds the interpreter
lock while it trains, and keeps its memory: it runs in a child.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from tokenizer_training.sentencepiece_model import TokenizerError, canonical, read_model
from tokenizer_training.weights import Share, choose_alphabet, language_shares, training_words

MULTIPLE = 128
"""Vocabulary sizes are multiples of this, for the matrix units of accelerators."""
LEAST = 3 * MULTIPLE
"""The first multiple with room for something besides 256 bytes and 25 symbols."""

UNKNOWN, BEGIN, END, PADDING = "<unk>", "<s>", "</s>", "<pad>"
NEWLINES = ("\n", "\n\n", "\n\n\n", "\n\n\n\n")
SYMBOLS = (*NEWLINES, "\t")
CONTROLS = ("<|im_start|>", "<|im_end|>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>")
RESERVED = 11
"""Control symbols without a meaning yet, so that later ones need no new vocabulary."""

_BYTES = 256
_FIXED = 4 + len(CONTROLS) + RESERVED + len(SYMBOLS) + _BYTES

_PRESET: dict[str, Any] = {
    "model_type": "bpe",
    "normalization_rule_name": "identity",
    "add_dummy_prefix": False,
    "remove_extra_whitespaces": False,
    "allow_whitespace_only_pieces": True,
    "byte_fallback": True,
    "split_digits": True,
    "split_by_unicode_script": True,
    "max_sentencepiece_length": 16,
    # The characters are chosen by language and listed; 0.98 is the least that SentencePiece takes.
    "character_coverage": 0.98,
    # A text too small for the vocabulary ends training early instead of with an error.
    "hard_vocab_limit": False,
    "num_threads": 1,
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
    """A trained tokenizer and how it came about.

    Attributes:
        model: canonical bytes of the SentencePiece model.
        vocab_size: pieces in it; a multiple of `MULTIPLE`.
        languages: what each language brought to the training text.
        characters: characters that are pieces of their own.
        words: distinct words the trainer saw.
        warnings: what differs from what was asked for, for people.
    """

    model: bytes
    vocab_size: int
    languages: Mapping[str, Share]
    characters: int
    words: int
    warnings: tuple[str, ...]


def train(counts: pa.Table, vocab_size: int, alpha: float = 0.5) -> Trained:
    """Train a tokenizer on counted words.

    The result depends on the counts alone: not on their order, nor on the machine's load or number of cores.

    Args:
        counts: of `words.SCHEMA`, sorted by language; with more than `weights.MAX_ROWS` rows, `weights.prune`
            them first.
        vocab_size: pieces wanted, all symbols included; a multiple of `MULTIPLE`, at least 384.
        alpha: temperature of language balancing, 0 to 1; see `weights`.

    Raises:
        TokenizerError: there is no text, the size is impossible, or SentencePiece failed.
    """
    if vocab_size % MULTIPLE or vocab_size < LEAST:
        raise TokenizerError(f"vocab_size {vocab_size} is not a multiple of {MULTIPLE} from {LEAST} up")
    if not counts.num_rows:
        raise TokenizerError("there is no text to train a tokenizer on; see which step dropped the documents")
    shares = language_shares(counts, alpha)
    # Half of the room at most, so that a corpus of many scripts still learns words.
    alphabet = choose_alphabet(counts, shares, most=(vocab_size - _FIXED) // 2)
    words = training_words(counts, shares, alphabet.characters)
    model = _fit(words, alphabet.characters, vocab_size)
    size = len(read_model(model).pieces)
    return Trained(
        model=canonical(model),
        vocab_size=size,
        languages=shares,
        characters=len(alphabet.characters),
        words=words.num_rows,
        warnings=tuple(_warnings(vocab_size, size, alphabet.left_out)),
    )


def training_options(vocab_size: int, characters: str, reserved: int = RESERVED) -> dict[str, Any]:
    """Return the options of SentencePiece's trainer, all but where it reads and writes."""
    controls = [*CONTROLS, *(f"<|reserved_{number}|>" for number in range(reserved))]
    return {
        **_PRESET,
        "vocab_size": vocab_size,
        "control_symbols": controls,
        "required_chars": characters,
    }


def _fit(words: pa.Table, characters: str, vocab_size: int) -> bytes:
    """Train with the size asked for, or else with the largest multiple of `MULTIPLE` that the text allows.

    A text that does not even fill the step above the fixed pieces gets more reserved symbols up to it.
    """
    with tempfile.TemporaryDirectory(prefix="corpusmill-tokenizer-") as name:
        folder = Path(name)
        _write_words(words, folder / "words.tsv")
        model = _run_trainer(training_options(vocab_size, characters), folder)
        possible = len(read_model(model).pieces)
        if possible == vocab_size:
            return model
        size, reserved = possible - possible % MULTIPLE, RESERVED
        if size < _FIXED + len(characters):
            size = possible + -possible % MULTIPLE
            reserved += size - possible
        return _run_trainer(training_options(size, characters, reserved), folder)


def _write_words(words: pa.Table, path: Path) -> None:
    """Write one ``word<TAB>count`` line per word."""
    pairs = zip(words["word"].to_pylist(), words["count"].to_pylist(), strict=True)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{word}\t{count}\n" for word, count in pairs)


def _run_trainer(options: Mapping[str, Any], folder: Path) -> bytes:
    """Train in a child process on ``words.tsv`` of a folder; return the model's bytes."""
    paths = {"input": "words.tsv", "input_format": "tsv", "model_prefix": "trained"}
    (folder / "options.json").write_text(json.dumps({**options, **paths}), encoding="utf-8")
    command = [sys.executable, "-c", _CHILD, "options.json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        why = lines[-1][:500] if lines else "without a word"
        raise TokenizerError(f"SentencePiece could not train (exit code {done.returncode}): {why}")
    return (folder / "trained.model").read_bytes()


def _warnings(wanted: int, size: int, left_out: int) -> list[str]:
    """Return what a person should know about the result."""
    warnings = []
    if size != wanted:
        warnings.append(f"the text is too small for {wanted} pieces; the vocabulary has {size}")
    if left_out:
        warnings.append(
            f"{left_out} characters found no room in {size} pieces and become bytes; raise vocab_size"
        )
    return warnings
