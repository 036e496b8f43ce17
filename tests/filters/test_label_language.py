"""The label comes from fastText, from the whole text, and never from nothing."""

from __future__ import annotations

import gzip
import json
import pickle
from pathlib import Path

import fasttext
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from filters import label_language
from filters.document import Document, Origin, Place
from filters.label_language import LabelLanguage, predict
from filters.language import Language
from filters.lists import fasttext_models
from filters.step import first_fault
from filters.text import TextView
from pipelines.errors import InputError
from pipelines.recipe.models import find

ENGLISH = ["the museum opens at nine", "a boat leaves the harbour", "we walked along the river in the rain"]
CHINESE = ["博物馆九点开门", "一艘船离开港口", "我们在雨中沿河散步"]
GERMAN = ["das museum öffnet um neun", "ein boot verlässt den hafen", "wir gingen im regen am fluss entlang"]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model of two languages, trained here, so that no file has to be fetched."""
    folder = tmp_path_factory.mktemp("model")
    lines = [f"__label__en {line}" for line in ENGLISH] + [f"__label__de {line}" for line in GERMAN]
    (folder / "train.txt").write_text("\n".join(lines * 20), encoding="utf-8")
    model = fasttext.train_supervised(
        str(folder / "train.txt"), dim=8, epoch=30, lr=0.5, minn=2, maxn=3, bucket=2000, thread=1, verbose=0
    )
    model.save_model(str(folder / "tiny.bin"))
    return str(folder / "tiny.bin")


@pytest.fixture(scope="module")
def lid176() -> str:
    """The model that recipes name; the test is skipped where it is neither here nor to be fetched."""
    try:
        return str(find("lid.176.ftz", Path())[0])
    except InputError as error:
        pytest.skip(f"no language model: {error}")


def view_of(text: str, language: str | None = None) -> TextView:
    score = None if language is None else 1.0
    return TextView(
        Document("0" * 32, None, text, None, "web", language, score, None, Origin("a", Place(0, 1, 0)))
    )


def test_the_label_is_set_and_measured(tiny: str) -> None:
    view, measured = LabelLanguage(tiny).apply(view_of("wir gingen am fluss entlang"))
    assert view.language == measured["language"] == "de"
    assert view.document.language_score == measured["score"]
    assert 0.5 < float(str(measured["score"])) <= 1.0


def test_every_line_of_the_text_counts(tiny: str) -> None:
    """fastText reads up to the first line feed; a German page under an English line is German."""
    text = "the museum\n" + "\n".join(GERMAN * 5)
    assert predict(tiny, text) == predict(tiny, text.replace("\n", " "))
    assert predict(tiny, text)[0] == "de"


def test_a_model_whose_labels_have_scripts(tmp_path: Path) -> None:
    """GlotLID and OpenLID name language and script; the words, the lists and the limits of a recipe follow them."""
    lines = [f"__label__eng_Latn {line}" for line in ENGLISH] + [
        f"__label__zho_Hans {line}" for line in CHINESE
    ]
    (tmp_path / "train.txt").write_text("\n".join(lines * 20), encoding="utf-8")
    trained = fasttext.train_supervised(
        str(tmp_path / "train.txt"), dim=8, epoch=30, lr=0.5, minn=1, maxn=3, bucket=2000, thread=1, verbose=0
    )
    trained.save_model(str(tmp_path / "scripts.bin"))
    view, measured = LabelLanguage(str(tmp_path / "scripts.bin")).apply(view_of(CHINESE[0]))
    assert view.language == measured["language"] == "zho_Hans"
    assert view.words == list(CHINESE[0])
    for keep, reason in ((("zho",), None), (("zho_Hant",), "wrong_language")):
        step = Language(keep=keep, min_score={"zho": 0.5})
        assert first_fault(step, step.apply(view)[1]) == reason
    view = LabelLanguage(str(tmp_path / "scripts.bin")).apply(view_of("it's a boat in the rain"))[0]
    assert (view.language, view.words[:2]) == ("eng_Latn", ["it", "'s"])


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\t \u3000"])
def test_an_empty_text_gets_no_label(tiny: str, text: str) -> None:
    view, measured = LabelLanguage(tiny).apply(view_of(text))
    assert view.language is None
    assert measured == {"language": None, "score": None}


def test_an_empty_text_keeps_the_label_it_came_with(tiny: str) -> None:
    assert LabelLanguage(tiny).apply(view_of("", "nl"))[0].language == "nl"


def test_half_a_surrogate_pair_is_a_question_mark(tiny: str) -> None:
    assert predict(tiny, "das museum \ud800") == predict(tiny, "das museum ?")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text() | st.text(st.characters(categories=["Cs", "Cc", "L"])))
def test_no_text_raises_and_the_answer_repeats(tiny: str, text: str) -> None:
    code, score = predict(tiny, text)
    assert (code, score) == predict(tiny, text)
    assert (code is None) == (score is None) == (not text.strip())
    assert score is None or 0 <= score <= 1


def test_the_model_is_loaded_once(tiny: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two steps of one process, and a step that came pickled, share one model."""
    loads: list[str] = []
    load = fasttext.load_model
    monkeypatch.setattr(fasttext, "load_model", lambda path: loads.append(path) or load(path))
    fasttext_models.model.cache_clear()
    step = LabelLanguage(tiny)
    for copy in (step, LabelLanguage(tiny), pickle.loads(pickle.dumps(step))):
        copy.apply(view_of("the museum"))
    assert loads == [tiny]


def test_a_score_is_never_above_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """fastText's rounding brings 1.00007 for texts it is sure of; a probability it is not."""

    class Sure:
        def predict(self, *_: object) -> list[tuple[float, str]]:
            return [(1.0000688, "__label__en")]

    monkeypatch.setattr(label_language, "model", lambda path: Sure())
    assert predict("any", "text") == ("en", 1.0)


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "page.bin").write_text("<html>not found</html>")
    with pytest.raises(ValueError, match=r"page\.bin"):
        predict(str(tmp_path / "page.bin"), "text")


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("en", "The lighthouse keeper wrote down the weather every morning before breakfast."),
        ("de", "Der Leuchtturmwärter schrieb jeden Morgen vor dem Frühstück das Wetter auf."),
        ("fr", "Le gardien du phare notait le temps chaque matin avant le petit déjeuner."),
        ("es", "El farero anotaba el tiempo cada mañana antes de desayunar."),
        ("ru", "Смотритель маяка каждое утро перед завтраком записывал погоду."),
        ("ja", "灯台守は毎朝、朝食の前に天気を書き留めた。"),
        ("ar", "كان حارس المنارة يدون حالة الطقس كل صباح قبل الإفطار."),
        ("nl", "De vuurtorenwachter schreef elke ochtend voor het ontbijt het weer op."),
    ],
)
def test_the_real_model_knows_languages(lid176: str, code: str, text: str) -> None:
    assert predict(lid176, text)[0] == code


@pytest.mark.slow
@pytest.mark.shared
def test_labels_equal_datatrove(shared: Path, lid176: str) -> None:
    """Same model, same text: label and score of 1,284 documents are those that datatrove 0.10.1 wrote down."""
    with gzip.open(shared / "reference" / "datatrove_decisions.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [row for row in map(json.loads, lines) if row.get("text")]
    assert len(rows) > 1000
    ours = [predict(lid176, row["text"]) for row in rows]
    different = [
        (row["url"], row["language"], row["language_score"], own)
        for row, own in zip(rows, ours, strict=True)
        if own[0] != row["language"] or abs((own[1] or 0) - row["language_score"]) > 0.0002
    ]
    assert different == []
