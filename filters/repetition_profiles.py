"""Four definitions of repetition with the same limits, each as in the code of its authors.

============  ==============================  ========================  ============================  ================
              datatrove                       dclm                      dolma                         nemo
============  ==============================  ========================  ============================  ================
words         `TextView.words` (spaCy)        Unicode word breaks,      between whitespace            as dolma
                                              without punctuation
copies        second and later                all                       all                           second and later
lines         end at runs of line feeds       stripped, not blank       all, blank ones too           not blank
paragraphs    end at blank lines              as lines                  no rule                       all
share of      characters of the text          characters of segments    characters but whitespace;    as dclm; n-grams:
                                              or of words               repeated: of all n-grams      of the text
top n-gram    first of the most frequent      longest of them, if it    first of them                 first; its matches
                                              occurs twice                                            in the text
repeated      met before, jumped over         union of words in         sum over n-grams that         words of later
n-grams                                       n-grams that repeat       repeat, words n times         copies, spaces
============  ==============================  ========================  ============================  ================

Sources: datatrove 0.10.1 ``filters/gopher_repetition_filter.py``; DCLM ``mappers/filters/content_filters.py``
(2025-09); dolma ``taggers/gopher.py`` (2025-09); NeMo Curator ``filters/heuristic/repetition/repetition.py`` (2026-08).
Of equally frequent n-grams, NeMo takes one that depends on the hash seed of the process; here it is the first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from filters.splitting.ngrams import Grams, ngrams, repeated_segments, segments_with_copies
from filters.splitting.word_numbers import Words
from filters.splitting.words import unicode_words
from filters.step import Measured
from filters.text import TextView

LONGEST: Final = 10
_TOP: Final = (2, 3, 4)


def datatrove(view: TextView) -> Measured:
    """Measure as datatrove and FineWeb do."""
    characters = len(view.text)
    lines = [
        *view.lines[:1],
        *filter(None, view.lines[1:-1]),
        *view.lines[1:][-1:],
    ]  # lines between runs of line feeds
    found: Measured = {}
    for kind, segments in (("paragraph", view.paragraphs), ("line", lines)):
        found |= _shares(kind, repeated_segments(segments), len(segments), characters)
    for grams in ngrams(view.numbered_words, LONGEST):
        if grams.n in _TOP:
            _, count, length = grams.top()
            found[f"top_{grams.n}_gram"] = (length + grams.n - 1) * count / characters
        else:
            found[f"repeated_{grams.n}_gram"] = grams.met_before() / characters
    return found


def dclm(view: TextView) -> Measured:
    """Measure as DCLM does; a single segment cannot repeat and is not measured."""
    found: Measured = {}
    for kind, pieces in (("paragraph", view.text.split("\n\n")), ("line", view.lines)):
        segments = [piece for piece in map(str.strip, pieces) if piece]
        if len(segments) > 1:
            found |= _shares(kind, segments_with_copies(segments), len(segments), sum(map(len, segments)))
    words = unicode_words(view.text)
    characters = sum(map(len, words))
    for grams in ngrams(Words.of(words), LONGEST):
        if grams.n in _TOP:
            _, count, length = grams.top(longest=True)
            found[f"top_{grams.n}_gram"] = length * count / characters if count > 1 else 0.0
        else:
            found[f"repeated_{grams.n}_gram"] = grams.covered() / characters
    return found


def dolma(view: TextView) -> Measured:
    """Measure as dolma's ``gopher_v1`` does; it has no rule for paragraphs."""
    words = view.text.split()
    characters = max(sum(map(len, words)), 1)
    found = _shares("line", segments_with_copies(view.lines), len(view.lines), characters)
    for grams in ngrams(Words.of(words), LONGEST):
        if grams.n in _TOP:
            _, count, length = grams.top()
            found[f"top_{grams.n}_gram"] = length * count / characters
        else:
            repeated, total = grams.mass()
            found[f"repeated_{grams.n}_gram"] = repeated / max(total, 1)
    return found


def nemo(view: TextView) -> Measured:
    """Measure as NeMo Curator does; if a text has fewer than n words, its share of repeated n-grams is 1."""
    text = view.text
    found: Measured = {}
    for kind, segments in (
        ("paragraph", text.split("\n\n")),
        ("line", [line for line in view.lines if line.strip()]),
    ):
        characters = sum(map(len, segments))
        if characters:
            found |= _shares(kind, repeated_segments(segments), len(segments), characters)
    words = text.split()
    for grams in _all_lengths(words):
        if isinstance(grams, int):
            found[_name(grams)] = 1.0
        elif grams.n in _TOP:
            first = grams.top()[0]
            gram = " ".join(words[first : first + grams.n])
            found[_name(grams.n)] = text.count(gram) * len(gram) / len(text)
        else:
            found[_name(grams.n)] = grams.later_copies() / len(text)
    return found


PROFILES: Final[Mapping[str, Callable[[TextView], Measured]]] = {
    "datatrove": datatrove,
    "dclm": dclm,
    "dolma": dolma,
    "nemo": nemo,
}


def _name(n: int) -> str:
    return f"top_{n}_gram" if n in _TOP else f"repeated_{n}_gram"


def _all_lengths(words: list[str]) -> Iterator[Grams | int]:
    """Yield the n-grams of each length, or just the length if the text has too few words."""
    yield from ngrams(Words.of(words), LONGEST)
    yield from range(max(len(words), 1) + 1, LONGEST + 1)


def _shares(kind: str, copies: tuple[int, int], segments: int, characters: int) -> Measured:
    """Return the shares of segments and of characters that are copies."""
    return {
        f"duplicate_{kind}s": copies[0] / segments,
        f"duplicate_{kind}_characters": copies[1] / characters,
    }
