"""The engine: parse, scan, describe, judge, lay out.

One lexbor parse (selectolax) repairs the page and serialises it without scripts and styles; the rest is compiled code
over arrays, with a few Python calls per page. ``MODEL_CARD.md`` describes the training data and the results of the
model; ``tests/bench/extraction.py`` measures it.
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
"""Blocks with this probability or more are main text; 0.5 was best in cross-validation by site."""
LEAST: Final = 0.2
"""If no block has this probability, the page has no main text."""
RELATIVE: Final = 0.6
"""If no block reaches `THRESHOLD`, those with this share of the highest probability are taken."""

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
"""A page that makes every feature take some value; its features show if the compiled code is right."""


class Blocks:
    """The engine with its model, ready to extract.

    Raises:
        ModelError: the model file is the wrong one, or the compiled code computes wrong features.
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
                "the compiled code computes other features than those that the model was trained on; "
                "remove the folder filters/__pycache__/compiled"
            )
        self.extract(PROBE)

    def scan(self, page: str) -> Scan:
        """Return the elements and blocks of a page."""
        return scan(serialise(page), self._tables)

    def extract(self, page: str) -> str:
        """Return the main text of a decoded page; it may be empty."""
        return self.judge(page)[0]

    def judge(self, page: str) -> tuple[str, float]:
        """Return the main text of a page and its expected F1, from 0 to 1."""
        found = self.scan(page)
        if not len(found.blocks):
            return "", 0.0
        likely = self._model.probabilities(features(found))
        keep, confidence = choose(likely, found.blocks[:, B_UNITS])
        return lay_out(found, keep), confidence


def serialise(page: str) -> bytes:
    """Return a page as repaired by the parser, in UTF-8, without scripts and styles."""
    parser = LexborHTMLParser(page, options=LexborDocumentOptions.WO_EVENTS)
    # Not `recursive`: it frees a script inside another script (possible in SVG) twice.
    parser.strip_tags(["script", "style"])
    return (parser.html or "").encode("utf-8", "replace")


def choose(likely: NDArray[np.float64], units: NDArray[np.int64]) -> tuple[NDArray[np.bool_], float]:
    """Return which blocks are main text, and the F1 to expect by the probabilities of the model.

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
    """Return the digest of features; stale or wrong compiled code gives another one."""
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()
