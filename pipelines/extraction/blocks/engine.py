"""The engine: parse, scan, describe, judge, lay out.

One lexbor parse (selectolax) repairs the page and serialises it without scripts and styles; everything after that
is compiled code over arrays, with a handful of Python calls a page. See ``MODEL_CARD.md`` for what the model was
trained on and how well it does, and ``tests/bench/extraction.py`` to measure it.
"""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np
from numpy.typing import NDArray
from selectolax.lexbor import LexborDocumentOptions, LexborHTMLParser

from pipelines.extraction.blocks.columns import B_UNITS, Scan
from pipelines.extraction.blocks.feature_names import FEATURES, Floats
from pipelines.extraction.blocks.features import features
from pipelines.extraction.blocks.layout import lay_out
from pipelines.extraction.blocks.scan import scan
from pipelines.extraction.blocks.trees import ModelError, Trees, read
from pipelines.extraction.blocks.vocabulary import tables

THRESHOLD: Final = 0.5
"""Blocks at least so likely are main text; 0.5 did best in cross-validation by site on the pages trained on."""
LEAST: Final = 0.2
"""A page whose likeliest block is less likely than this has no main text."""
RELATIVE: Final = 0.6
"""Where no block reaches `THRESHOLD`, those that reach this share of the likeliest are taken."""

# Has something of everything that features look at.
PROBE: Final = (
    "<title>On soap</title><body class=home>"
    "<nav><ul><li><a href=/>Home</a><li><a href=/a>All about it</a></ul></nav>"
    "<div id=main class='entry-content postBody'><h1>On soap</h1><p class=byline>By A. Writer, 3 May 2024</p>"
    "<p>Soap is a <b>salt</b> of a fatty acid; it has been made for 4,000 years, and it cleans.</p><pre>a\n  b</pre>"
    "<table><tr><th>Fat<td>Tallow</table><p>石鹸は脂肪酸の塩であり、汚れを落とす。</p>"
    "<img src=a><ul><li>One<li>Two</ul></div>"
    "<div class=comments><div><p>Nice, I will try it at home one of these days, thanks a lot!</p><i>B</i></div>"
    "<div style='display: none'>x<br><br>y</div></div><footer>&copy; 2024 &amp; on<input></footer>"
)


class Blocks:
    """The engine with its model, ready to extract.

    Raises:
        ModelError: the model file is another, or the compiled code does not compute what it should.
    """

    def __init__(self, model: Trees | None = None) -> None:
        self._tables = tables()
        self._model = read() if model is None else model
        if self._model.features != FEATURES:
            raise ModelError(
                "the model was trained on other features; install this version of corpusmill again"
            )
        if self._model.probe != probe_digest(features(self.scan(PROBE))):
            raise ModelError(
                "compiled code computes other features than the model was trained on; "
                "remove the folder filters/__pycache__/compiled"
            )
        self.extract(PROBE)

    def scan(self, page: str) -> Scan:
        """Return the elements and blocks of a page."""
        return scan(serialise(page), self._tables)

    def extract(self, page: str) -> str:
        """Return the main text of a decoded page, empty where there is none."""
        return self.judge(page)[0]

    def judge(self, page: str) -> tuple[str, float]:
        """Return the main text of a page and the F1 to expect of it, from 0 to 1."""
        found = self.scan(page)
        if not len(found.blocks):
            return "", 0.0
        likely = self._model.probabilities(features(found))
        keep, confidence = choose(likely, found.blocks[:, B_UNITS])
        return lay_out(found, keep), confidence


def serialise(page: str) -> bytes:
    """Return a page as the parser understands it, in UTF-8, without scripts and styles."""
    parser = LexborHTMLParser(page, options=LexborDocumentOptions.WO_EVENTS)
    # Not `recursive`: that would free a script inside another one, as SVG can have it, twice.
    parser.strip_tags(["script", "style"])
    return (parser.html or "").encode("utf-8", "replace")


def choose(likely: NDArray[np.float64], units: NDArray[np.int64]) -> tuple[NDArray[np.bool_], float]:
    """Return which blocks are main text and the F1 to expect, by what the model says itself.

    >>> choose(np.array([0.9, 0.1]), np.array([100, 100]))[0].tolist()
    [True, False]
    """
    best = float(likely.max())
    keep: NDArray[np.bool_] = likely >= min(THRESHOLD, RELATIVE * best)
    if best < LEAST:
        keep[:] = False
    right, taken = float((likely * units)[keep].sum()), int(units[keep].sum())
    return keep, 2 * right / (taken + float((likely * units).sum()))


def probe_digest(values: Floats) -> str:
    """Return the digest of features by which stale or wrong compiled code is found out."""
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()
