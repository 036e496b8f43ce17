"""Words of scripts without spaces, found with ICU's dictionaries."""

from __future__ import annotations

from importlib import util

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.document import Document, Origin, Place
from filters.gopher_quality import GopherQuality
from filters.segment_words import SegmentWords, segment
from filters.text import TextView

needs_icu = pytest.mark.skipif(
    util.find_spec("icu4py") is None, reason="pip install 'corpusmill[segmenters]'"
)
SENTENCES = {
    "zh": "中华|人民|共和国|成立|于|1949|年|，|首都|是|北京|。",
    "ja": "東京|へ|行き|ま|した|。|コンピュータ|を|使|って|日本語|を|勉強|し|てい|ます|。",
    "th": "ประเทศไทย|มี|เมือง|หลวง|ชื่อ|กรุงเทพมหานคร",
    "km": "ប្រទេស|កម្ពុជា|មាន|រាជធានី|ឈ្មោះ|ភ្នំពេញ|។",
    "lo": "ປະເທດ|ລາວ|ມີ|ນະຄອນຫຼວງ|ຊື່|ວຽງຈັນ",
    "my": "မြန်မာနိုင်ငံ|၏|မြို့တော်|မှာ|နေပြည်တော်|ဖြစ်သည်|။",
}


def view(text: str, language: str | None) -> TextView:
    document = Document("0" * 32, None, text, None, "web", language, None, None, Origin("f", Place(0, 0, 0)))
    return SegmentWords().apply(TextView(document))[0]


@needs_icu
@pytest.mark.parametrize("language", SENTENCES)
def test_words_are_those_of_the_dictionary(language: str) -> None:
    text = SENTENCES[language].replace("|", "")
    assert view(text, language).words == SENTENCES[language].split("|")
    assert view(text, f"{language}_Xyzt").with_text(text).words == SENTENCES[language].split("|")
    assert view(text, None).with_language(language, 0.9).words == SENTENCES[language].split("|")
    assert GopherQuality().apply(view(text, language))[1]["mean_word_length"] > 1.4  # type: ignore[operator]


@needs_icu
def test_other_languages_and_other_words_stay_what_they_are() -> None:
    assert view("I can't, 東京都", None).words == ["I", "ca", "n't", ",", "東京都"]
    assert view("東京都で go.to (well-known)。\n\n日本", "ja").words == [
        "東京", "都", "で", "go.to", "(", "well", "-", "known", ")", "。", "日本",
    ]  # fmt: skip


@needs_icu
@given(st.text("東京都へ行カナกขमข่ာမြ가a1 .\n。", max_size=30), st.sampled_from(["ja", "th", "my"]))
@settings(max_examples=200, deadline=None)
def test_no_letter_is_lost_and_words_are_the_same_twice(text: str, language: str) -> None:
    words = view(text, language).words
    assert "".join(words) == "".join(text.split())
    assert words == view(text, language).words
    assert view(text, language).sentence_count == TextView(view(text, language).document).sentence_count


@needs_icu
def test_runs_are_segmented_together_as_apart() -> None:
    runs = ["東京都", "ภาษาไทย", "日本", "東京都"]
    assert segment(runs) == {run: segment([run])[run] for run in runs}
    assert segment([]) == {}


@needs_icu
def test_the_library_and_its_dictionaries_are_part_of_the_stage_key() -> None:
    assert set(SegmentWords().versions()) == {"icu4py", "icu"}


def test_without_the_library_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"icu4py is not installed.*pip install 'corpusmill\[segmenters\]'"):
        SegmentWords().versions()
