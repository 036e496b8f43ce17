"""Evaluation sets as n-grams: what `filters.decontaminate` looks up.

Words are the folded tokens of deduplication (`filters.dedup.folded_tokens`): case, accents and punctuation do not
matter, each character of a script without spaces is a word, and no language label is needed.

=======================  =======================================================================================
file                     its texts
=======================  =======================================================================================
``.jsonl``, ``.json``    every text value of every row, nested values included
``.parquet``             the same; `fields` names the columns that count
``.txt``                 the paragraphs, between blank lines
=======================  =======================================================================================

All but Parquet may be gzipped (``.jsonl.gz``). Hidden files and ``.md`` are skipped, so a downloaded Hub dataset can be
used as it is; any other file is an error, since it would clean nothing.

An n-gram takes 12 to 14 bytes: a hash of 64 bits, the number of its evaluation and a place in a sieve. While reading it
takes 70 bytes; reading takes 0.5 CPU seconds per million n-grams (`tests/bench/decontaminate.py`). With 10 million
n-grams, one wrong hit is expected in 2 * 10**12 look-ups.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from filters.compiled import compiled
from filters.dedup.folded_tokens import token_hashes
from filters.dedup.shingles import windows_of
from filters.hashing import Hashes

_NUMBERS: Final = 10_000
_SIEVE_BITS_PER_GRAM: Final = 16
_BLANK_LINES: Final = re.compile(r"\n\s*\n")
_FORMATS: Final = "use .jsonl, .json or .txt, each also with .gz, or .parquet"

Numbers = npt.NDArray[np.uint16]


@dataclass(frozen=True)
class EvaluationSet:
    """The n-grams of evaluations.

    Attributes:
        names: names of the evaluations, sorted.
        widths: the numbers of words that n-grams have, ascending: those of short texts, then n.
        hashes: hashes of the n-grams of all widths, sorted, distinct; uint64 [grams].
        owners: for each n-gram the first evaluation that has it, an index into `names`; uint16 [grams].
        sieve: one bit for each value of a hash's last bits, set if there is such a hash; uint8 [a power of 2].
    """

    names: tuple[str, ...]
    widths: tuple[int, ...]
    hashes: Hashes
    owners: Numbers
    sieve: npt.NDArray[np.uint8]

    def find(self, grams: Hashes) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return the places of the n-grams that an evaluation has, and the index of each into `hashes`."""
        places, found = _find(grams, self.hashes, self.sieve)
        return places, found


@lru_cache(maxsize=4)
def read_evaluations(path: str, n: int, shortest: int, fields: tuple[str, ...] | None) -> EvaluationSet:
    """Read evaluations, once per process.

    Args:
        path: a file, which is one evaluation, or a folder: each file and each folder in it is one evaluation.
        n: words per n-gram.
        shortest: words of the shortest text that counts as a whole if it has fewer than `n` words.
        fields: names of the top-level fields whose texts count; None = all.

    Raises:
        ValueError: a file cannot be read in the format of its name, or no text is long enough.
    """
    numbers = token_hashes(" ".join(map(str, range(_NUMBERS))))
    numbers.sort()
    evaluations = _evaluations(Path(path))
    hashes: list[Hashes] = []
    owners: list[Numbers] = []
    widths: set[int] = set()
    for owner, files in enumerate(evaluations.values()):
        for text in (text for file in files for text in _texts(file, fields)):
            tokens = token_hashes(text)
            if len(tokens) >= shortest:
                width = min(n, len(tokens))
                grams = windows_of(tokens, width)[~_only(numbers, tokens, width)]
                widths.add(width)
                hashes.append(grams)
                owners.append(np.full(len(grams), owner, np.uint16))
    if not sum(map(len, hashes)):
        raise ValueError(f"{path}: there is no text of {shortest} words or more in these evaluations")
    together = np.concatenate(hashes)
    hashes.clear()
    distinct, first = np.unique(together, return_index=True)
    owned = np.concatenate(owners)[first]
    return EvaluationSet(tuple(evaluations), tuple(sorted(widths)), distinct, owned, _sieve(distinct))


def _evaluations(root: Path) -> dict[str, list[Path]]:
    """Return the files of each evaluation by its name."""
    if root.is_file():
        return {_stem(root): [root]}
    found: dict[str, list[Path]] = {}
    for file in sorted(path for path in root.rglob("*") if path.is_file()):
        parts = file.relative_to(root).parts
        if file.suffix != ".md" and not any(part.startswith(".") for part in parts):
            found.setdefault(parts[0] if len(parts) > 1 else _stem(file), []).append(file)
    return dict(sorted(found.items()))


def _stem(file: Path) -> str:
    return file.name.removesuffix(".gz").rpartition(".")[0]


def _texts(file: Path, fields: Sequence[str] | None) -> Iterator[str]:
    """Yield the texts of a file."""
    kind = Path(file.name.removesuffix(".gz")).suffix
    rows: Iterator[object]
    if kind == ".parquet":
        rows = _parquet_rows(file, fields)
    elif kind in (".jsonl", ".json"):
        rows = _json_rows(file, kind == ".jsonl")
    elif kind == ".txt":
        rows = iter(_BLANK_LINES.split(b"".join(_pieces(file)).decode("utf-8-sig", "replace")))
    else:
        raise ValueError(f"{file}: an evaluation cannot be read from this file; {_FORMATS}")
    for row in rows:
        chosen = [row.get(field) for field in fields] if isinstance(row, dict) and fields else row
        yield from _strings(chosen)


def _parquet_rows(file: Path, fields: Sequence[str] | None) -> Iterator[object]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file) as table:
            columns = [name for name in fields if name in table.schema_arrow.names] if fields else None
            for batch in table.iter_batches(1024, columns=columns):
                yield from batch.to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"{file}: cannot be read as Parquet: {error}") from error


def _json_rows(file: Path, by_line: bool) -> Iterator[object]:
    """Yield the rows of JSON lines, or the rows of a list in one JSON document."""
    for number, piece in enumerate(_pieces(file) if by_line else [b"".join(_pieces(file))], start=1):
        if piece.strip():
            try:
                found = json.loads(piece)
            except (ValueError, RecursionError) as error:
                raise ValueError(f"{file}:{number}: is not JSON: {error}") from error
            yield from found if isinstance(found, list) else [found]


def _pieces(file: Path) -> Iterator[bytes]:
    """Yield the lines of a file, gzipped or not."""
    try:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as stream:
            yield from stream
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{file}: cannot be read: {error}") from error


def _strings(value: object) -> Iterator[str]:
    """Yield the texts in a value, nested values included."""
    waiting: list[Any] = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one


def _only(numbers: Hashes, tokens: Hashes, width: int) -> npt.NDArray[np.bool_]:
    """Return, for each window of tokens, whether all of them are in `numbers`, which is sorted."""
    at = np.minimum(np.searchsorted(numbers, tokens), len(numbers) - 1)
    counted = np.concatenate(([0], np.cumsum(numbers[at] == tokens)))
    return np.asarray(counted[width:] - counted[:-width] == width)


def _sieve(hashes: Hashes) -> npt.NDArray[np.uint8]:
    size = 1 << (len(hashes) * _SIEVE_BITS_PER_GRAM // 8).bit_length()
    sieve = np.zeros(size, np.uint8)
    _mark(hashes, sieve)
    return sieve


@compiled
def _mark(hashes: Hashes, sieve: npt.NDArray[np.uint8]) -> None:
    last = np.uint64(len(sieve) * 8 - 1)
    for value in hashes:
        bit = value & last
        sieve[bit >> np.uint64(3)] |= np.uint8(1 << (bit & np.uint64(7)))


@compiled
def _find(
    grams: Hashes, hashes: Hashes, sieve: npt.NDArray[np.uint8]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Look up n-grams: first in the sieve, which rejects 15 of 16 that no evaluation has, then by bisection."""
    places = np.empty(len(grams), np.int64)
    found = np.empty(len(grams), np.int64)
    count = 0
    last = np.uint64(len(sieve) * 8 - 1)
    for place in range(len(grams)):
        value = grams[place]
        bit = value & last
        if not sieve[bit >> np.uint64(3)] & np.uint8(1 << (bit & np.uint64(7))):
            continue
        at = np.searchsorted(hashes, value)
        if at < len(hashes) and hashes[at] == value:
            places[count], found[count] = place, at
            count += 1
    return places[:count], found[:count]
