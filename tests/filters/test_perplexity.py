"""Perplexity is what the ARPA file says, added up by hand, and what CCNet makes of it."""

from __future__ import annotations

from importlib import util
from itertools import pairwise
from pathlib import Path

import pytest
import sentencepiece
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.document import Document, Origin, Place
from filters.perplexity import Perplexity, normalize
from filters.step import first_fault
from filters.text import TextView

needs_kenlm = pytest.mark.skipif(util.find_spec("kenlm") is None, reason="pip install 'corpusmill[kenlm]'")
TINY = Path(__file__).with_name("models") / "tiny.arpa"
TEXTS = Path(__file__).resolve().parents[1] / "sample" / "texts"

# log10 probabilities and backoffs of tiny.arpa
UNIGRAMS = {"the": (-0.5, -0.2), "cat": (-0.9, -0.1), "</s>": (-0.7, 0.0), "<s>": (0.0, -0.3)}
UNKNOWN = (-1.0, 0.0)
BIGRAMS = {("<s>", "the"): -0.4, ("the", "cat"): -0.3, ("cat", "</s>"): -0.2}


def measure(text: str, **fields: object) -> float | None:
    document = Document("0" * 32, None, text, None, "web", "en", None, None, Origin("f", Place(0, 0, 0)))
    found = Perplexity(str(TINY), **fields).apply(TextView(document))[1]["perplexity"]  # type: ignore[arg-type]
    assert found is None or isinstance(found, float)
    return found


def by_hand(text: str) -> float:
    """Katz backoff over lines of words between spaces; the length counts each line's end."""
    score, length = 0.0, 0
    for line in text.split("\n"):
        words = ["<s>", *line.split(), "</s>"]
        for before, word in pairwise(words):
            backed_off = UNIGRAMS.get(before, UNKNOWN)[1] + UNIGRAMS.get(word, UNKNOWN)[0]
            score += BIGRAMS.get((before, word), backed_off)
        length += len(words) - 1
    return 10.0 ** (-score / length)


@needs_kenlm
@given(st.lists(st.sampled_from(["the", "cat", "dog", "\n"]), min_size=1, max_size=20).map(" ".join))
@settings(max_examples=200, deadline=None)
def test_perplexity_is_that_of_the_file(text: str) -> None:
    assert measure(text) == (pytest.approx(by_hand(text), rel=1e-5) if text.strip() else None)


@needs_kenlm
def test_known_values() -> None:
    assert measure("The cát") == pytest.approx(10 ** (0.9 / 3), rel=1e-5)
    assert measure("the cat \ud800") == pytest.approx(10 ** ((0.7 + 0.1 + 1 + 0.7) / 4), rel=1e-5)
    assert measure("The cát", normalize=False) == pytest.approx(10 ** ((0.3 + 1 + 1 + 0.7) / 3), rel=1e-5)


@needs_kenlm
@given(st.text(max_size=60), st.floats(1, 20), st.floats(0, 10))
@settings(max_examples=150, deadline=None)
def test_never_raises_answers_the_same_twice_and_a_looser_limit_never_drops_more(
    text: str, limit: float, by: float
) -> None:
    found = measure(text)
    assert found == measure(text)
    for strict, loose in (
        (Perplexity("", max_perplexity=limit), Perplexity("", max_perplexity=limit + by)),
        (Perplexity("", min_perplexity=limit), Perplexity("", min_perplexity=limit - by)),
    ):
        assert first_fault(strict, {"perplexity": found}) or not first_fault(loose, {"perplexity": found})


@needs_kenlm
def test_sentencepiece_makes_one_line_of_a_text_without_its_line_feeds(tmp_path: Path) -> None:
    lines = [line for path in sorted(TEXTS.rglob("*.txt")) for line in path.read_text().splitlines()]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(map(normalize, lines)), model_prefix=str(tmp_path / "sp"), vocab_size=400,
        hard_vocab_limit=False, minloglevel=2,
    )  # fmt: skip
    model = str(tmp_path / "sp.model")
    pieces = sentencepiece.SentencePieceProcessor(model_file=model).encode("the catsat", out_type=str)
    assert len(pieces) > 2
    unknown = (0.3 + 1.0 * len(pieces) + 0.7) / (len(pieces) + 1)
    assert measure("The cat\nsat", sentencepiece=model) == pytest.approx(10**unknown, rel=1e-5)


@needs_kenlm
def test_files_that_are_no_models_are_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_text("\\data\\\nngram 1=3\n")
    with pytest.raises(ValueError, match="broken is not a KenLM model"):
        Perplexity(str(broken)).load()
    with pytest.raises(ValueError, match="broken is not a SentencePiece model"):
        Perplexity(str(TINY), sentencepiece=str(broken)).load()
    assert set(Perplexity(str(TINY)).versions()) == {"kenlm", "sentencepiece"}


def test_limits_that_nothing_meets_are_refused() -> None:
    with pytest.raises(ValueError, match=r"min_perplexity 5 is above max_perplexity 4"):
        Perplexity("m", min_perplexity=5, max_perplexity=4)


def test_without_the_library_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"kenlm is not installed.*pip install 'corpusmill\[kenlm\]'"):
        Perplexity("m").versions()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  ÀÉÎ ñ ", "aei n"),
        ("１９ ٣ ½", "00 0 ½"),
        ("«Hé» – “a”…", '"he" - "a"...'),
        ("東京、（へ）。", '東京,(へ).'),
        ("a\nb\tc\x85d", "abcd"),
    ],
)  # fmt: skip
def test_texts_are_written_as_ccnet_writes_them(text: str, expected: str) -> None:
    assert normalize(text) == expected
