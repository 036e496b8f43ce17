"""Measures how much a text surprises a KenLM language model, and drops it above or below a limit.

The filter of CCNet (Wenzek et al. 2020, arXiv:1911.00359). Its models are 5-grams over SentencePiece tokens of
Wikipedia, one per language. Perplexity = 10 ** (-log10 probability / length); the length is the number of tokens plus
one for the end of each line. CCNet takes the 30th and the 60th percentile of a language's perplexities as the limits of
its head, middle and tail, so a limit belongs to one model: measure first, then choose it with ``corpusmill whatif``. A
step has one model; for several languages use it once for each: ``- perplexity: {as: german, only: [de], model:
de.arpa.bin}``.

With a SentencePiece model, a text is scored as one line. Without one, each line is scored separately, by words between
white space. The text is first normalised as CCNet does (`normalize`); this removes control characters, line feeds
among them, and puts no space in their place.

Wrongly dropped: above a limit, texts unlike Wikipedia (dialogue, recipes, poems); below one, repetitive but good texts.
Cost: 5 MB of text per CPU second with SentencePiece, 8 MB without, for small models. Each process reads a model once,
and processes share the memory of a binary model.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata, util
from typing import Any, ClassVar, Final

from filters.step import Check, Measured, check_order
from filters.text import TextView

_DIGIT: Final = re.compile(r"\d")
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f]")
# How CCNet writes punctuation outside ASCII.
_PLAIN: Final = str.maketrans(
    {
        **dict(zip("，、。；：∶？！～％’´", ",,.;::?!~%''", strict=True)),
        **dict.fromkeys("„“”«»「」《》", '"'),
        **dict(zip("（）〈〉【】", "()<>[]", strict=True)),
        **dict.fromkeys("–━►", "-"),
        "—": " - ",
        "．": ". ",
        "…": "...",
    }
)


def normalize(text: str) -> str:
    """Return a text as CCNet's models expect it: ``text_normalizer.py`` of github.com/facebookresearch/cc_net.

    Lower case; no accents; digits as 0; punctuation in ASCII; no control characters.

    >>> normalize(" Café — „1984“… ")
    'cafe  -  "0000"...'
    """
    decomposed = unicodedata.normalize("NFD", text.strip().lower())
    bare = "".join(one for one in decomposed if unicodedata.category(one) != "Mn")
    return _CONTROL.sub("", _DIGIT.sub("0", bare).translate(_PLAIN))


@dataclass(frozen=True)
class Perplexity:
    """The model, and limits on the perplexity; None switches a limit off.

    Attributes:
        model: KenLM model, ARPA or binary, of up to 6-grams.
        sentencepiece: the SentencePiece model whose tokens it was trained on; None = words.
        normalize: normalise the text as CCNet does; false for a model that was trained on raw text.
        min_perplexity, max_perplexity: the limits.
    """

    model: str
    sentencepiece: str | None = None
    normalize: bool = True
    min_perplexity: float | None = None
    max_perplexity: float | None = None

    FILES: ClassVar[tuple[str, ...]] = ("model", "sentencepiece")
    MEASURES: ClassVar[Mapping[str, type]] = {"perplexity": float}
    CHECKS: ClassVar[tuple[Check, ...]] = (
        Check(
            "low_perplexity",
            "perplexity",
            "<",
            "min_perplexity",
            meaning="the language model predicts the text better than `min_perplexity`, as it does repetition",
        ),
        Check(
            "high_perplexity",
            "perplexity",
            ">",
            "max_perplexity",
            meaning="the language model predicts the text worse than `max_perplexity`",
        ),
    )

    def __post_init__(self) -> None:
        check_order("min_perplexity", self.min_perplexity, "max_perplexity", self.max_perplexity)

    def versions(self) -> dict[str, str]:
        """Return the versions of KenLM and SentencePiece."""
        if util.find_spec("kenlm") is None:
            raise ValueError("kenlm is not installed; run: pip install 'corpusmill[kenlm]'")
        return {name: metadata.version(name) for name in ("kenlm", "sentencepiece")}

    def load(self) -> None:
        """Load the models again; a ValueError names a file that is not a model."""
        for remembered in (_language_model, _tokenizer):
            remembered.cache_clear()
        _language_model(self.model)
        if self.sentencepiece is not None:
            _tokenizer(self.sentencepiece)

    def apply(self, view: TextView) -> tuple[TextView, Measured]:
        """Measure; a blank text has no perplexity."""
        if not view.text or view.text.isspace():
            return view, {"perplexity": None}
        model = _language_model(self.model)
        score, length = 0.0, 0
        for line in self._lines(view):
            score += model.score(line.encode("utf-8", "replace"))
            length += len(line.split()) + 1
        return view, {"perplexity": _perplexity(score, length)}

    def _lines(self, view: TextView) -> list[str]:
        """Return the lines to score, with spaces between their tokens."""
        prepare = normalize if self.normalize else str.strip
        if self.sentencepiece is None:
            return list(map(prepare, view.lines))
        return [" ".join(_tokenizer(self.sentencepiece).encode(prepare(view.text), out_type=str))]


def _perplexity(score: float, length: int) -> float:
    return float(10.0 ** (-score / length))


@cache
def _language_model(path: str) -> Any:
    """Load a model once per process.

    Raises:
        ValueError: the file is not a KenLM model.
    """
    import kenlm

    config = kenlm.Config()
    config.show_progress = False
    config.arpa_complain = kenlm.ARPALoadComplain.NONE
    try:
        return kenlm.Model(path, config)
    except (OSError, RuntimeError) as error:
        raise ValueError(f"{path} is not a KenLM model: {error}") from error


@cache
def _tokenizer(path: str) -> Any:
    """Load a SentencePiece model once per process.

    Raises:
        ValueError: the file is not a SentencePiece model.
    """
    from sentencepiece import SentencePieceProcessor

    try:
        return SentencePieceProcessor(model_file=path)
    except (OSError, RuntimeError) as error:
        raise ValueError(f"{path} is not a SentencePiece model: {error}") from error
