"""Texts that hold parts of an evaluation are found, named and shown; nothing else is."""

from __future__ import annotations

import gzip
import json
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.decontaminate import Decontaminate
from filters.dedup.folded_tokens import token_hashes
from filters.document import Document, Origin, Place
from filters.lists.evaluation_texts import read_evaluations
from filters.step import Measured, first_fault
from filters.text import TextView

EVALUATIONS = Path(__file__).parent / "evaluations"
QUESTION = (
    "Which keeper of the northern lighthouse wrote down the weather of every single night for forty years?"
)
WORDS = st.sampled_from(
    ["the", "Old", "boat", "7", "…", "été", "ete", "東京", "it's", "\n\n", "🚢", "\u0301"]
)
TEXTS = st.text(max_size=200) | st.lists(WORDS, max_size=40).map(" ".join)


def measure(step: Decontaminate, text: str) -> Measured:
    document = Document("0" * 32, None, text, None, "web", None, None, None, Origin("f", Place(0, 0, 0)))
    view, measured = step.apply(TextView(document))
    assert view.text == text
    assert set(measured) == set(step.MEASURES)
    return measured


def test_the_first_hit_is_named_and_shown_as_it_is_written() -> None:
    step = Decontaminate(str(EVALUATIONS))
    passage = "The old pilot boat lay behind the breakwater, its green paint peeling, while the."
    text = f"Hello. «{QUESTION.upper()}» {passage}"
    measured = measure(step, text)
    assert measured["hits"] == 5 + 2  # 17 words of the question, 14 of the passage
    assert measured["evaluation"] == "trivia"
    assert (
        measured["ngram"] == "WHICH KEEPER OF THE NORTHERN LIGHTHOUSE WROTE DOWN THE WEATHER OF EVERY SINGLE"
    )
    alone = measure(step, passage)
    assert (alone["evaluation"], alone["hits"]) == ("harbour", 2)
    assert measure(step, "Clean.") == {"hits": 0, "evaluation": "", "ngram": ""}


def test_a_single_file_is_an_evaluation() -> None:
    step = Decontaminate(str(EVALUATIONS / "trivia.jsonl"))
    assert measure(step, QUESTION)["evaluation"] == "trivia"


def test_every_kind_of_file_is_read_and_a_downloaded_dataset_as_it_is(tmp_path: Path) -> None:
    """What the Hub's own client writes: folders of Parquet, a card, hidden files."""
    row = {"question": QUESTION, "answers": {"text": ["x"], "start": [1]}}
    (tmp_path / "hub" / "main").mkdir(parents=True)
    (tmp_path / "hub" / ".cache").mkdir()
    (tmp_path / "hub" / ".cache" / "lock.bin").write_bytes(b"\x00")
    (tmp_path / "hub" / "README.md").write_text(QUESTION)
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "hub" / "main" / "test-00000-of-00001.parquet")
    (tmp_path / "list.json").write_text(json.dumps([row]))
    (tmp_path / "lines.jsonl.gz").write_bytes(gzip.compress(json.dumps(row).encode() + b"\n\n"))
    (tmp_path / "text.txt.gz").write_bytes(gzip.compress(QUESTION.encode("utf-8-sig")))
    for name in ("hub", "list.json", "lines.jsonl.gz", "text.txt.gz"):
        measured = measure(Decontaminate(str(tmp_path / name), fields=("question",)), QUESTION)
        assert measured["hits"] == 5, name
    assert read_evaluations(str(tmp_path), 13, 8, None).names == ("hub", "lines", "list", "text")
    assert measure(Decontaminate(str(tmp_path)), QUESTION)["evaluation"] == "hub"  # the first that has it


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"question", "an evaluation cannot be read from this file; use .jsonl"),
        ("a.jsonl", b'{"q": 1}\n{"q', "a.jsonl:2: is not JSON"),
        ("a.parquet", b"PAR1", "cannot be read as Parquet"),
        ("a.txt.gz", b"no gzip", "cannot be read"),
        ("a.txt", b"too short", "no text of 8 words or more"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    """An evaluation that is passed over in silence would leave its texts in the corpus."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=said):
        measure(Decontaminate(str(tmp_path)), "x")


@given(evaluation=TEXTS, text=TEXTS, n=st.integers(1, 5), before=TEXTS, after=TEXTS)
@settings(max_examples=60, deadline=None)
def test_hits_are_the_n_grams_in_common(evaluation: str, text: str, n: int, before: str, after: str) -> None:
    """Against sets of tuples; and a whole evaluation text between any two others is found."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "e.json").write_text(
            json.dumps([evaluation, "some words for a set that is not empty"])
        )
        step = Decontaminate(folder, n=n, min_words=1)
        width = min(n, len(token_hashes(evaluation)))
        numbers = set(token_hashes(" ".join(map(str, range(10_000)))).tolist())
        known = grams("some words for a set that is not empty", n) | grams(evaluation, width)
        known = {gram for gram in known if not set(gram) <= numbers}
        measured = measure(step, text)
        widths = {n, width} - {0}
        expected = sum(gram in known for size in widths for gram in all_grams(text, size))
        assert measured["hits"] == expected
        assert bool(measured["hits"]) == bool(measured["evaluation"]) == bool(measured["ngram"])
        assert measure(step, text) == measured
        if any(gram in known for gram in grams(evaluation, width)):
            assert measure(step, f"{before} {evaluation} {after}")["hits"]


def all_grams(text: str, width: int) -> list[tuple[int, ...]]:
    units = token_hashes(text).tolist()
    return [tuple(units[at : at + width]) for at in range(len(units) - width + 1)]


def grams(text: str, width: int) -> set[tuple[int, ...]]:
    return set(all_grams(text, width)) if width else set()


@given(TEXTS, st.integers(0, 50))
@settings(max_examples=40, deadline=None)
def test_a_looser_limit_never_drops_more(text: str, by: int) -> None:
    strict = Decontaminate(str(EVALUATIONS), n=2, min_words=1)
    loose = Decontaminate(str(EVALUATIONS), n=2, min_words=1, max_hits=by)
    measured = measure(strict, f"{text} the northern lighthouse")
    assert first_fault(strict, measured) == "contaminated"
    assert (first_fault(loose, measured) is not None) == (measured["hits"] > by)  # type: ignore[operator]
    assert first_fault(Decontaminate(str(EVALUATIONS), max_hits=None), measured) is None
