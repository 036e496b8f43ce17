"""Balances the word counts of the languages, and chooses the characters of the vocabulary.

A language with n characters gets a share of the training text proportional to n ** alpha (Conneau et al. 2020, XLM-R,
arXiv:1911.02116, section 3.1, with alpha = 0.3; 0.5 to 0.7 are common; 1 keeps the natural mix). So its counts are
multiplied by (n_max / n) ** (1 - alpha), rounded up to whole hundredths. Counts stay whole numbers, the words of a
language keep their proportions, and multiplying all counts by 100 does not change the vocabulary.

SentencePiece's ``character_coverage`` is one figure for the whole text: with 0.9995 over 75 languages, 22 % of the
Chinese tokens were single bytes. Here each language brings the characters that make up 99.95 % of its text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

COVERAGE = 0.9995
MAX_ROWS = 4_000_000
"""Most words to train on: the trainer takes 0.47 GB of memory and 11 s per million words (32,768 pieces)."""

_SCALE = 100
_BLOCK_ROWS = 1 << 20
_CODE_POINTS = 0x110000
_SPACE = 0x20


@dataclass(frozen=True, slots=True)
class Share:
    """The part of one language in the training text.

    Attributes:
        characters: n, with the leading spaces of words.
        weight: factor of its counts, in hundredths.
        share: share of the weighted characters, 0 to 1.
    """

    characters: int
    weight: int
    share: float


@dataclass(frozen=True)
class Alphabet:
    """The characters that become pieces of their own.

    Attributes:
        characters: sorted by code point.
        left_out: number of characters that some language needs for its coverage, but the vocabulary has no room for.
    """

    characters: str
    left_out: int


def language_shares(counts: pa.Table, alpha: float) -> dict[str, Share]:
    """Return the share of each language with the exponent `alpha`; `counts` is a table of `words.SCHEMA`."""
    lengths = pc.multiply(pc.utf8_length(counts["word"]).cast(pa.int64()), counts["count"])
    sums = pa.table({"language": counts["language"], "n": lengths}).group_by("language")
    totals = {row["language"]: row["n_sum"] for row in sums.aggregate([("n", "sum")]).to_pylist()}
    most = max(totals.values(), default=0)
    weights = {name: math.ceil(_SCALE * (most / n) ** (1 - alpha)) for name, n in totals.items()}
    mass = sum(weights[name] * n for name, n in totals.items())
    return {name: Share(n, weights[name], weights[name] * n / mass) for name, n in sorted(totals.items())}


def choose_alphabet(counts: pa.Table, shares: Mapping[str, Share], most: int) -> Alphabet:
    """Return the characters that make up `COVERAGE` of each language.

    If there are more than `most`, those with the greatest weighted count stay.

    Args:
        counts: table of `words.SCHEMA`, sorted by language.
        shares: result of `language_shares`.
        most: greatest number of characters.
    """
    needed = np.zeros(_CODE_POINTS, np.bool_)
    weighted = np.zeros(_CODE_POINTS, np.float64)
    for language, table in by_language(counts):
        occurrences = np.zeros(_CODE_POINTS, np.float64)  # whole numbers: exact up to 2 ** 53
        for points, lengths, rows in _code_points(table):
            numbers = np.repeat(rows["count"].to_numpy(), lengths)
            occurrences += np.bincount(points, numbers, minlength=_CODE_POINTS)
        occurrences[_SPACE] = 0
        needed[_covering(occurrences)] = True
        weighted += occurrences * shares[language].weight
    wanted = np.flatnonzero(needed)
    first = wanted[np.lexsort((wanted, -weighted[wanted]))][:most]
    return Alphabet("".join(map(chr, sorted(first.tolist()))), len(wanted) - len(first))


def training_words(counts: pa.Table, shares: Mapping[str, Share], alphabet: str) -> pa.Table:
    """Weight the counts, add them up over languages, and cut words at characters outside the alphabet.

    A piece cannot contain such a character, so the cut loses nothing.

    Returns:
        Columns ``word``, ``count`` (int64, weighted); most frequent first, ties by word.
    """
    table = _sum(pa.table({"word": counts["word"], "count": _weighted(counts, shares)}))
    table = _sum(pa.concat_tables(_cut_outside(table, alphabet)))
    return table.sort_by([("count", "descending"), ("word", "ascending")])


def prune(counts: pa.Table, alpha: float, rows: int) -> pa.Table:
    """Return the rows with the greatest weighted counts, at most `rows`, sorted as `words.SCHEMA` says.

    Of rows with equal counts, those with the greatest hash stay, so that pruning prefers no letter.
    """
    if counts.num_rows <= rows:
        return counts
    hashes = [xxh3_64_intdigest(word.encode()) for word in counts["word"].to_pylist()]
    ranked = counts.append_column("weighted", _weighted(counts, language_shares(counts, alpha)))
    ranked = ranked.append_column("hash", pa.array(hashes, pa.uint64()))
    order = [("weighted", "descending"), ("hash", "descending"), ("language", "ascending")]
    kept = ranked.sort_by([*order, ("word", "ascending")]).slice(0, rows).select(counts.column_names)
    return kept.sort_by([("language", "ascending"), ("word", "ascending")])


def by_language(counts: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """Yield the rows of each language; rows of one language must be next to each other."""
    names = pc.value_counts(counts["language"]).to_pylist()  # in order of first appearance
    start = 0
    for entry in names:
        yield entry["values"], counts.slice(start, entry["counts"])
        start += entry["counts"]


def _weighted(counts: pa.Table, shares: Mapping[str, Share]) -> pa.ChunkedArray:
    """Return the count of each row times the weight of its language."""
    weights = pa.array([share.weight for share in shares.values()], pa.int64())
    language = pc.index_in(counts["language"], value_set=pa.array(shares, pa.string()))
    return pc.multiply(counts["count"], weights.take(language))


def _covering(occurrences: NDArray[Any]) -> NDArray[Any]:
    """Return the fewest code points that make up `COVERAGE` of these occurrences; of equals, the smallest first."""
    present = np.flatnonzero(occurrences)
    order = present[np.lexsort((present, -occurrences[present]))]
    before = np.cumsum(occurrences[order]) - occurrences[order]
    covering: NDArray[Any] = order[before < COVERAGE * occurrences.sum()]
    return covering


def _code_points(table: pa.Table) -> Iterator[tuple[NDArray[Any], NDArray[Any], pa.Table]]:
    """Yield (code points of all words in a row, characters per word, rows), a block of words at a time."""
    for start in range(0, table.num_rows, _BLOCK_ROWS):
        rows = table.slice(start, _BLOCK_ROWS)
        joined = "".join(rows["word"].to_pylist())
        points = np.frombuffer(joined.encode("utf-32-le"), np.uint32)
        yield points, pc.utf8_length(rows["word"]).to_numpy(), rows


def _cut_outside(table: pa.Table, alphabet: str) -> Iterator[pa.Table]:
    """Yield tables of words without characters outside the alphabet."""
    inside = np.zeros(_CODE_POINTS, np.bool_)
    inside[[_SPACE, *map(ord, alphabet)]] = True
    outside = re.compile("[^ " + re.escape(alphabet) + "]+")
    yield table.schema.empty_table()
    for points, lengths, rows in _code_points(table):
        starts = np.cumsum(lengths) - lengths
        whole = np.logical_and.reduceat(inside[points], starts)
        yield rows.filter(pa.array(whole))
        broken = rows.filter(pa.array(~whole)).to_pylist()
        parts = [(part, row["count"]) for row in broken for part in outside.split(row["word"]) if part]
        columns = [[part for part, _ in parts], [count for _, count in parts]]
        yield pa.table(
            [pa.array(c, f.type) for c, f in zip(columns, table.schema, strict=True)], table.schema
        )


def _sum(table: pa.Table) -> pa.Table:
    """Add up the counts of equal words."""
    summed = table.group_by("word").aggregate([("count", "sum")])
    return summed.rename_columns({"count_sum": "count"}).select(["word", "count"])
