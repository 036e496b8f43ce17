"""Turns text into counted words, the only input that SentencePiece's BPE trainer needs.

The trainer itself cuts text into words and then uses only words and their counts. So counting words first gives the
same vocabulary, piece by piece and in the same order, but the corpus can have any size, and counting can run in
parallel. A word is a run of spaces with the run of other characters after it, as in the trainer with
``allow_whitespace_only_pieces``. Text is cut at newlines and tabs, which are symbols of their own, and at U+2585, which
the trainer reserves (it would skip the whole line). U+2581 is a space, as in SentencePiece.

This is exact for words of at most `MAX_CHARS` characters. Longer ones (sentences of Chinese, Japanese and Thai, URLs,
binary data) are cut where the script or punctuation changes, which pieces never cross, and then every `MAX_CHARS`
characters; their number is reported. At 64 characters, 15,999 of 16,000 pieces for 75 languages and 8,051 of 8,064 for
a Japanese novel are those of the uncut text, and the number of tokens differs by 0.03 %.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import pairwise

import pyarrow as pa

MAX_CHARS = 64
UNKNOWN_LANGUAGE = "und"
"""ISO 639 code for texts without a language label."""

SCHEMA = pa.schema([("language", pa.string()), ("word", pa.large_string()), ("count", pa.int64())])
"""A table of counted words: one row per language and word, sorted by both."""

_WORD = re.compile(" *[^ \n\t\u2585]+| +")
_INHERITS = frozenset(("Mn", "Me", "Cf"))
_EAST_ASIAN = frozenset(("CJK", "HIRAGANA", "KATAKANA"))


class WordCounter:
    """Counts the words of documents, by language.

    Attributes:
        counts: language -> word -> occurrences; long words are not cut yet.
    """

    def __init__(self) -> None:
        self.counts: dict[str, Counter[str]] = {}

    def add(self, language: str | None, text: str) -> None:
        """Count the words of one text."""
        self.counts.setdefault(language or UNKNOWN_LANGUAGE, Counter()).update(split_words(text))

    @property
    def distinct(self) -> int:
        """Number of distinct words so far, over all languages."""
        return sum(map(len, self.counts.values()))

    def take(self) -> tuple[pa.Table, int]:
        """Return a table of `SCHEMA` and the occurrences of words that were cut, and forget the counts."""
        capped = {language: cap_words(words) for language, words in self.counts.items()}
        self.counts = {}
        table = word_table({language: words for language, (words, _) in capped.items()})
        return table, sum(cut for _, cut in capped.values())


def split_words(text: str) -> list[str]:
    r"""Return the words of a text, in order.

    >>> split_words("if  a:\n\treturn b ")
    ['if', '  a:', 'return', ' b', ' ']
    """
    return _WORD.findall(text.replace("\u2581", " "))


def cap_words(words: Mapping[str, int]) -> tuple[Counter[str], int]:
    """Cut the words that are longer than `MAX_CHARS`.

    Returns:
        The counts of all words and pieces of words, and the occurrences of words that were cut.
    """
    capped: Counter[str] = Counter()
    cut = 0
    for word, count in words.items():
        if len(word) <= MAX_CHARS:
            capped[word] += count
            continue
        cut += count
        for piece in cut_word(word):
            capped[piece] += count
    return capped, cut


def cut_word(word: str) -> list[str]:
    """Cut a word where its script or punctuation changes, then every `MAX_CHARS` characters.

    Leading spaces stay with what follows them. ``"".join`` of the pieces is the word.

    >>> cut_word(" https://example.org/吾輩")
    [' https', '://', 'example', '.', 'org', '/', '吾輩']
    """
    cuts = [0]
    before = ""
    for at, char in enumerate(word):
        if char == " " or (before and unicodedata.category(char) in _INHERITS):
            continue
        script = _script(char)
        if before and script != before:
            cuts.append(at)
        before = script
    runs = (word[start:end] for start, end in pairwise([*cuts, len(word)]))
    return [run[at : at + MAX_CHARS] for run in runs for at in range(0, len(run), MAX_CHARS)]


def word_table(counts: Mapping[str, Mapping[str, int]]) -> pa.Table:
    """Return counts by language and word as a table of `SCHEMA`."""
    rows = [(language, word, n) for language, words in counts.items() for word, n in words.items()]
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)]
    return pa.table(arrays, schema=SCHEMA).sort_by([("language", "ascending"), ("word", "ascending")])


def merge_tables(tables: Iterable[pa.Table]) -> pa.Table:
    """Add up tables of `SCHEMA`; the order of the tables does not matter."""
    everything = pa.concat_tables([SCHEMA.empty_table(), *tables])
    summed = everything.group_by(["language", "word"]).aggregate([("count", "sum")])
    summed = summed.rename_columns({"count_sum": "count"}).select(SCHEMA.names)
    return summed.sort_by([("language", "ascending"), ("word", "ascending")])


@lru_cache(maxsize=1 << 16)
def _script(char: str) -> str:
    """Return the approximate script of a character: the first word of its Unicode name.

    Han and kana are one script, as in SentencePiece. Numbers are a script, and so are all other characters that are
    neither letters nor marks.
    """
    category = unicodedata.category(char)
    if category[0] not in "LM":
        return "number" if category[0] == "N" else "other"
    name = unicodedata.name(char, "?").removeprefix("HALFWIDTH ").removeprefix("FULLWIDTH ")
    first = re.split("[ -]", name, maxsplit=1)[0]
    return "CJK" if first in _EAST_ASIAN else first
