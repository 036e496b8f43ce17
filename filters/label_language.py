"""Labels the language of a text with a fastText model; drops nothing.

The text is read as one line, because fastText stops at the first line feed. An empty text gets no label, although the
model would answer with its most frequent language (Joulin et al. 2016, arXiv:1612.03651 and 1607.01759).

Other models are named by their path: ``lid.176.bin``, GlotLID, OpenLID. Their labels are kept as they are, with the
script if they have one (``eng_Latn``); `filters.language_codes` says how recipes name them.

Known mistakes: short texts, lists of names, and closely related languages (Serbian and Croatian, Malay and Indonesian);
a text without any known character sequence, such as a table of numbers, is labelled English with a score of 0.12.
Cost: about 1,150 texts of 8 kB per CPU second with ``lid.176.ftz``, each read completely.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from filters.lists.fasttext_models import LABEL, line_of, model
from filters.step import Check, Measured
from filters.text import TextView


def predict(path: str, text: str) -> tuple[str | None, float | None]:
    """Return the language of a text and its probability, 0 to 1; (None, None) for an empty text.

    Args:
        path: a supervised fastText model whose labels are language codes.
        text: any text; halves of surrogate pairs count as question marks.

    Raises:
        ValueError: the file is missing, or is not a fastText model.
    """
    if not text or text.isspace():
        return None, None
    # The binding's own call: `predict` of the Python class fails on numpy 2 in other builds of fastText,
    # and is slower.
    probability, label = model(path).predict(line_of(text), 1, 0.0, "strict")[0]
    return label.removeprefix(LABEL), min(float(probability), 1.0)  # rounding can bring 1.00007


@dataclass(frozen=True)
class LabelLanguage:
    """Sets the language and its score.

    Attributes:
        model: model file; ``lid.176.ftz`` is found by its name, and ``#sha256=`` after a path pins the file.
    """

    model: str = "lid.176.ftz"

    MEASURES: ClassVar[Mapping[str, type]] = {"language": str, "score": float}
    CHECKS: ClassVar[tuple[Check, ...]] = ()
    FILES: ClassVar[tuple[str, ...]] = ("model",)

    def apply(self, view: TextView) -> tuple[TextView, Measured]:
        """Label the text; an empty one keeps the label it came with."""
        language, score = predict(self.model, view.text)
        if language is not None:
            view = view.with_language(language, score)
        return view, {"language": language, "score": score}
