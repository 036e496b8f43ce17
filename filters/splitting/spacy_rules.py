"""spaCy's tokenizer: compiled code where its rules look at single characters, its own rules for the rest.

spaCy (Honnibal et al., https://spacy.io/usage/linguistic-features#how-tokenizer-works) splits text at white space.
From both ends of each chunk it cuts affixes, until it finds a special case or no more affixes. It keeps URLs whole,
splits the rest at infixes, and finally looks once more for special cases in the sequence of tokens. `SpacyRules` takes
the regular expressions and special cases from the installed spaCy and follows the same steps, with three differences
that change no word:

- `filters.splitting.plain_words` splits plain chunks, 97 in 100, and the words of hard chunks are cached. A text costs
  0.05 s per MB, against 1.9 s in spaCy (`tests/bench/filter_cost.py`);
- affixes are searched only near the ends of a chunk, so the time is linear in the chunk's length: spaCy takes 10 s for
  8,000 exclamation marks;
- no vocabulary grows with the corpus.

Two limits keep huge chunks from taking minutes. After `MAX_PEELS` affixes on either side, the rest of a chunk counts as
one core (900 kB of exclamation marks: 0.05 s). A test for a URL takes time proportional to the chunk's length times its
colons, so a chunk where that product is above `URL_EFFORT` never counts as a URL.
"""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import chain, pairwise
from typing import Any, Final

import numpy as np

from filters.hashing import code_points
from filters.splitting.plain_tables import make_tables
from filters.splitting.plain_words import HARD, SAME_CHUNK, SPACE, Items, expand, number, pieces, scan
from filters.splitting.word_numbers import Ints, Words

MAX_PEELS: Final = 500
URL_EFFORT: Final = 100_000

# The cache has two generations of this many chunks, about 250 bytes each. Long chunks are rarely seen twice.
CACHED_CHUNKS: Final = 131_072
CACHED_CHARACTERS: Final = 64

# spaCy's affixes are not longer than the window, except runs of full stops, and do not look further back.
_WINDOW: Final = 8
_LOOKBEHIND: Final = 4
_DIGITS: Final = "0123456789"
_BEFORE_LETTERS: Final = re.compile("[0-9'’]")  # suffixes of letters are units after a digit, and 's

_GAP = re.compile(r"\s{2,}|[^\S ]")

Tokens = tuple[str, ...]


class _Cache(dict[str, Tokens]):
    """The words of each chunk, computed at the first look-up; chunks that do not come again are forgotten."""

    def __init__(self, split: Callable[[str], Tokens]) -> None:
        super().__init__()
        self._split = split
        self._older: dict[str, Tokens] = {}

    def __missing__(self, chunk: str) -> Tokens:
        tokens = self._older.get(chunk) or self._split(chunk)
        if len(chunk) <= CACHED_CHARACTERS:
            self[chunk] = tokens
        return tokens

    def forget(self) -> None:
        """Start a new generation; call it between texts, since a text may look up a chunk twice."""
        self._older = dict(self)
        self.clear()


@contextlib.contextmanager
def absent(module: str) -> Iterator[None]:
    """Make optional imports of a module fail: spaCy would load torch, 1.5 CPU seconds and 200 MB of no use here."""
    if module in sys.modules:
        yield
        return
    modules: dict[str, Any] = sys.modules  # None = the module does not exist
    modules[module] = None
    try:
        yield
    finally:
        del sys.modules[module]


class SpacyRules:
    """The tokenizer rules of one spaCy language, with the cache of the hard chunks seen so far."""

    def __init__(self, code: str) -> None:
        """Load the rules.

        Args:
            code: a spaCy language with the standard tokenizer and no ``token_match``: ``en`` or ``xx``.
        """
        with absent("torch"):
            import spacy
            from spacy.symbols import ORTH

        nlp = spacy.blank(code)
        self._prefix_letters = frozenset(p[0] for p in nlp.Defaults.prefixes if p[:1].isalnum())  # US$
        self._match_prefix = spacy.util.compile_prefix_regex(nlp.Defaults.prefixes).match
        self._find_suffix = spacy.util.compile_suffix_regex(nlp.Defaults.suffixes).search
        self._find_infixes = spacy.util.compile_infix_regex(nlp.Defaults.infixes).finditer
        self._match_url = nlp.tokenizer.url_match
        rules = {rule: tuple(part[ORTH] for part in parts) for rule, parts in nlp.tokenizer.rules.items()}
        self._special: dict[str, Tokens] = {}
        self._longest_special = 0
        self._patterns = self._token_patterns(rules)
        self._pattern_sizes: dict[str, set[int]] = {}
        for pattern in self._patterns:
            self._pattern_sizes.setdefault(pattern[0], set()).add(len(pattern))
        self._widest_pattern = max(map(len, self._patterns))
        self._pattern_pairs = {pair for pattern in self._patterns for pair in pairwise(pattern)}
        self._special = rules
        self._longest_special = max(map(len, rules))
        find = (self._match_prefix, self._find_suffix, self._find_infixes)
        self._tables = make_tables(*find, rules, sentence_ends())
        self._remembered = _Cache(self._split)
        # Chunks that `_merge` changes if they stand alone, with their tokens before that.
        self._merged: dict[str, Tokens] = {}

    def words(self, text: str) -> Words:
        """Return the tokens of spaCy's tokenizer for the text, without those that are white space."""
        codes = code_points(text)
        items = scan(codes, self._tables)
        numbers, words, hard = number(codes, items)
        distinct = pieces(text, items, words)
        if not len(hard):
            return Words(distinct, numbers)
        found = self._standing_alone(pieces(text, items, hard))
        if found is None:  # then the same chunk may have other words in another place
            places = np.flatnonzero(numbers < 0)
            numbers[places] = -1 - np.arange(len(places))
            found = self._in_context(text, items, places)
        known = dict(zip(distinct, range(len(distinct)), strict=True))
        inside = [known.setdefault(word, len(known)) for word in chain.from_iterable(found)]
        lengths = np.fromiter(map(len, found), np.int64, len(found))
        return Words(list(known), expand(numbers, lengths, np.array(inside, np.int64)))

    def items(self, text: str) -> tuple[Items, list[Tokens]]:
        """Return the items of a text, and the words of each of its hard chunks."""
        items = scan(code_points(text), self._tables)
        places = np.flatnonzero(items.signs == HARD)
        found = self._standing_alone(pieces(text, items, places))
        return items, self._in_context(text, items, places) if found is None else found

    def _token_patterns(self, rules: dict[str, Tokens]) -> frozenset[Tokens]:
        """Return the special cases that have affixes or infixes, as the tokens that these cut them into."""
        patterns = set()
        for rule, parts in rules.items():
            size = len(rule)
            torn = self._prefix_length(rule, 0, size) or self._suffix_length(rule, 0, size)
            tokens = self._peel(rule)
            if (torn or any(self._find_infixes(rule))) and (len(tokens) > 1 or tokens != parts):
                patterns.add(tokens)
        return frozenset(patterns)

    def _split(self, chunk: str) -> Tokens:
        """Split one chunk that stands alone."""
        tokens = self._peel(chunk)
        spans = self._special_spans(tokens)
        merged = self._merge(tokens, spans)
        if merged != tokens:
            self._merged[chunk] = tokens
        return merged

    def _peel(self, chunk: str) -> Tokens:
        """Split one chunk, without the last look for special cases."""
        start, end = 0, len(chunk)
        suffixes: list[str] = []
        tokens: list[str] = []
        for _ in range(MAX_PEELS):
            if start >= end or self._is_special(chunk, start, end) or chunk[start:end].isalpha():
                break
            left = start + self._prefix_length(chunk, start, end)
            if left > start and self._is_special(chunk, left, end):
                tokens.append(chunk[start:left])
                start = left
                break
            right = end - self._suffix_length(chunk, left, end)
            if right < end and self._is_special(chunk, start, right):
                suffixes.append(chunk[right:end])
                end = right
                break
            if (left, right) == (start, end):
                break
            tokens += [chunk[start:left]] * (left > start)
            suffixes += [chunk[right:end]] * (right < end)
            start, end = left, right
        if start < end:
            tokens += self._split_core(chunk[start:end])
        return (*tokens, *reversed(suffixes))

    def _is_special(self, chunk: str, start: int, end: int) -> bool:
        return end - start <= self._longest_special and chunk[start:end] in self._special

    def _prefix_length(self, chunk: str, start: int, end: int) -> int:
        """Return the length of the prefix of ``chunk[start:end]``, 0 without a prefix."""
        if chunk[start].isalnum() and chunk[start] not in self._prefix_letters:
            return 0
        window = chunk[start : min(start + _WINDOW, end)]
        match = self._match_prefix(window)
        if match and match.end() == _WINDOW:
            match = self._match_prefix(chunk[start:end])
        return match.end() if match else 0

    def _suffix_length(self, chunk: str, start: int, end: int) -> int:
        """Return the length of the suffix of ``chunk[start:end]``, 0 without a suffix."""
        window = chunk[max(start, end - _WINDOW - _LOOKBEHIND) : end]
        last = window[-1:]
        if last in _DIGITS or (last.isalpha() and not _BEFORE_LETTERS.search(window)):
            return 0
        skipped = max(0, len(window) - _WINDOW)
        match = self._find_suffix(window, skipped)
        if match and skipped and match.start() == skipped:
            return end - start - len(chunk[start:end].rstrip(chunk[end - 1]))
        return len(window) - match.start() if match else 0

    def _split_core(self, core: str) -> Iterable[str]:
        """Split a chunk without its affixes."""
        if core in self._special:
            return self._special[core]
        if core.isalnum() or self._is_url(core):
            return (core,)
        tokens = []
        start = 0
        for infix in self._find_infixes(core):
            if infix.start() > 0:
                tokens += [core[start : infix.start()], infix.group()]
                start = infix.end()
        tokens.append(core[start:])
        return filter(None, tokens)

    def _is_url(self, core: str) -> bool:
        """Return True if spaCy's pattern matches a URL or e-mail address; each of these has a dot."""
        return "." in core and len(core) * core.count(":") <= URL_EFFORT and bool(self._match_url(core))

    def _special_spans(self, tokens: Tokens) -> list[tuple[int, int]]:
        """Return the spans of tokens that are special cases, the longest first and of these the leftmost.

        As in spaCy, every match excludes later matches that start or end inside it, even if it is excluded itself. A
        match across two chunks is not a special case, but it excludes others too.
        """
        if self._pattern_sizes.keys().isdisjoint(tokens):
            return []
        found = [
            (start, start + size)
            for start, token in enumerate(tokens)
            for size in self._pattern_sizes.get(token, ())
            if start + size <= len(tokens) and tokens[start : start + size] in self._patterns
        ]
        taken = []
        barred: set[int] = set()
        for start, end in sorted(found, key=lambda span: (span[0] - span[1], span[0])):
            if start not in barred and end - 1 not in barred:
                taken.append((start, end))
            barred.update(range(start, end))
        return sorted(taken)

    def _merge(self, tokens: Tokens, spans: list[tuple[int, int]]) -> Tokens:
        """Replace spans of tokens by the words of their special cases."""
        merged: list[str] = []
        done = 0
        for start, end in spans:
            merged += tokens[done:start]
            merged += self._special["".join(tokens[start:end])]
            done = end
        return (*merged, *tokens[done:])

    def _standing_alone(self, chunks: list[str]) -> list[Tokens] | None:
        """Return the words of hard chunks; None if they may depend on neighbours."""
        if len(self._remembered) > CACHED_CHUNKS:
            self._remembered.forget()
        if len(self._merged) > CACHED_CHUNKS:
            self._remembered = _Cache(self._split)
            self._merged.clear()
        found = [self._remembered[chunk] for chunk in chunks]
        return found if self._merged.keys().isdisjoint(chunks) else None

    def _in_context(self, text: str, items: Items, places: Ints) -> list[Tokens]:
        """Return the words of hard chunks, with regard to their neighbours."""
        firsts = np.flatnonzero(items.gaps != SAME_CHUNK)
        starts = items.starts[firsts].tolist()
        ends = items.ends[np.append(firsts[1:], len(items.ends)) - 1].tolist()
        spaced = [False, *(items.gaps[firsts[1:]] == SPACE).tolist(), False]
        found = []
        for ordinal in np.searchsorted(firsts, places).tolist():
            first = last = ordinal
            if text[starts[ordinal] : ends[ordinal]] in self._merged:
                while spaced[first] and ordinal - first < self._widest_pattern:
                    first -= 1
                while spaced[last + 1] and last - ordinal < self._widest_pattern:
                    last += 1
            chunks = [text[starts[at] : ends[at]] for at in range(first, last + 1)]
            found.append(self._between(chunks, ordinal - first))
        return found

    def _between(self, chunks: list[str], index: int) -> Tokens:
        """Split a chunk with regard to its neighbours, from which single spaces separate it."""
        if chunks[index] not in self._merged:
            return self._remembered[chunks[index]]
        tokens = self._merged[chunks[index]]
        left = self._unmerged(chunks[max(0, index - 1) : index])[-1:] + tokens[:1]
        right = tokens[-1:] + self._unmerged(chunks[index + 1 : index + 2])[:1]
        if left not in self._pattern_pairs and right not in self._pattern_pairs:
            return self._remembered[chunks[index]]
        reach = self._widest_pattern - 1
        before = self._unmerged(chunks[max(0, index - reach) : index])[-reach:]
        after = self._unmerged(chunks[index + 1 : index + 1 + reach])[:reach]
        first, last = len(before), len(before) + len(tokens)
        spans = self._special_spans(before + tokens + after)
        return self._merge(tokens, [(s - first, e - first) for s, e in spans if first <= s and e <= last])

    def _unmerged(self, chunks: list[str]) -> Tokens:
        """Return the tokens of chunks before the last look for special cases."""
        return tuple(
            chain.from_iterable(self._merged.get(chunk) or self._remembered[chunk] for chunk in chunks)
        )


@cache
def sentence_ends() -> frozenset[str]:
    """Return the marks that end a sentence in spaCy."""
    with absent("torch"):
        from spacy.pipeline import Sentencizer

    return frozenset(Sentencizer.default_punct_chars)


def spaced_runs(text: str) -> list[str]:
    """Split a text at all white space except single spaces; spaCy makes a token of every such gap."""
    if " ".join(text.split()) == text:
        return [text]
    return _GAP.split(text)
