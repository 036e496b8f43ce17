"""``corpusmill evaluate-tokenizer``: one or more tokenizers measured on the same texts, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

from rich.table import Table

from pipelines.errors import InputError, mapped
from pipelines.stages.tokenizer.stage import sample_documents
from pipelines.store.manifest import read_current
from pipelines.store.storage import Storage
from pipelines.terminal import escape
from tokenizer_training.model.evaluate import Evaluation, Texts, evaluate
from tokenizer_training.model.foreign import load_any
from tokenizer_training.model.sentencepiece_model import TokenizerError

FIGURES: Final = {
    "bytes/token": "bytes_per_token",
    "tokens/word": "tokens_per_word",
    "byte pieces": "byte_fallback_rate",
    "parity": "parity",
    "lost": "round_trip_failures",
}


def compare(paths: Sequence[Path], texts: Sequence[Texts], parallel: bool) -> dict[str, Evaluation]:
    """Return the result of `evaluate` for each tokenizer, by its path.

    Args:
        paths: files or folders; of a run, its ``tokenizer/``.
        texts: what to measure on.
        parallel: the texts of all languages are translations of each other.

    Raises:
        InputError: a path holds no tokenizer.
    """
    found = {}
    for path in paths:
        with mapped(TokenizerError):
            tokenizer = load_any(path / "tokenizer" if (path / "tokenizer").is_dir() else path)
        found[str(path)] = evaluate(tokenizer, texts, parallel)
    return found


def texts_of_run(storage: Storage) -> list[Texts]:
    """Return a sample of the finished documents of a run."""
    documents = read_current(storage, "documents")
    return sample_documents(storage, documents.documents())


def texts_of_file(path: Path) -> list[Texts]:
    """Return the lines ``language<TAB>text`` of a file.

    Raises:
        InputError: it cannot be read, or a line has no tab.
    """
    with mapped(OSError, UnicodeDecodeError, where=path):
        lines = path.read_text(encoding="utf-8").splitlines()
    wrong = next((number for number, line in enumerate(lines, 1) if "\t" not in line), None)
    if wrong is not None:
        raise InputError(f"{path}:{wrong}: expected a language, a tab and a text")
    pairs = sorted((line.partition("\t") for line in lines), key=lambda parts: parts[0])
    grouped = ((name, [text for _, _, text in parts]) for name, parts in groupby(pairs, lambda p: p[0]))
    return [(name, texts, [1] * len(texts)) for name, texts in grouped]


def legend(found: Mapping[str, Evaluation]) -> list[str]:
    """Return one line per tokenizer: its number in the table, its path, and how it uses its vocabulary."""
    return [
        f"{number}  {escape(path)}: {used['used']:,} of {used['size']:,} pieces used, "
        f"Rényi efficiency {_shown(used['renyi_efficiency'])}"
        for number, (path, used) in enumerate(((p, f["vocabulary"]) for p, f in found.items()), 1)
    ]


def comparison_table(found: Mapping[str, Evaluation]) -> Table:
    """Return the figures for a terminal: a line per language and tokenizer, named by its number."""
    table = Table("", "", *FIGURES, box=None, pad_edge=False)
    for column in table.columns[2:]:
        column.justify = "right"
    languages = sorted({name for figures in found.values() for name in figures["languages"]})
    for language in ["all", *languages]:
        for number, figures in enumerate(found.values(), 1):
            measured = figures["all"] if language == "all" else figures["languages"][language]
            values = (_shown(measured.get(name)) for name in FIGURES.values())
            table.add_row(escape(language) if number == 1 else "", str(number), *values)
    return table


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    return f"{value:,}" if isinstance(value, int) else "-"
