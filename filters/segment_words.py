"""Lets later steps find words in Chinese, Japanese, Thai, Khmer, Lao and Burmese by a dictionary; changes no text.

These scripts put no spaces between words. Without this step each of their characters counts as a word
(`filters.splitting.words`), so words are short, repeats are frequent and long stop words are never found: of 114
Japanese pages `gopher_repetition` keeps 48 by characters and 91 by words. The library is ICU, the reference
implementation of Unicode, whose dictionaries cover all six (https://unicode-org.github.io/icu, "Boundary Analysis");
FineWeb-2 uses a library per language. Only documents with the label of such a language are split this way. Dedup does
not use these words: it compares such scripts by characters, with or without this step.

Known mistakes: names and new words that are in no dictionary are cut into pieces. Cost: 5 million characters per CPU
second.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata, util
from typing import ClassVar, Final, Literal

from filters.step import Check, Measured
from filters.text import TextView

_LOCALE: Final = "root"  # ICU chooses the dictionary by script, so words do not depend on the label


def segment(runs: Iterable[str]) -> dict[str, str]:
    """Return runs of letters of scripts without spaces, each with spaces between its words.

    >>> segment(["東京都", "ภาษาไทย"])
    {'東京都': '東京 都', 'ภาษาไทย': 'ภาษา ไทย'}
    """
    from icu4py.breakers import WordBreaker

    distinct = list(dict.fromkeys(runs))
    spaced = " ".join(WordBreaker("\n".join(distinct), _LOCALE)).split(" \n ")
    return dict(zip(distinct, spaced, strict=True)) if distinct else {}


@dataclass(frozen=True)
class SegmentWords:
    """The library that finds words.

    Attributes:
        library: ``icu`` = the package icu4py; install it with ``pip install 'corpusmill[segmenters]'``.
    """

    library: Literal["icu"] = "icu"

    MEASURES: ClassVar[Mapping[str, type]] = {}
    CHECKS: ClassVar[tuple[Check, ...]] = ()
    FILES: ClassVar[tuple[str, ...]] = ()

    def versions(self) -> dict[str, str]:
        """Return the versions of the binding, and of ICU with its dictionaries."""
        if util.find_spec("icu4py") is None:
            raise ValueError("icu4py is not installed; run: pip install 'corpusmill[segmenters]'")
        import icu4py

        return {"icu4py": metadata.version("icu4py"), "icu": icu4py.icu_version}

    def apply(self, view: TextView) -> tuple[TextView, Measured]:
        """Pass the document on with another way to find its words; there is nothing to measure."""
        return view.with_segmenter(segment), {}
