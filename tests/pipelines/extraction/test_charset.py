"""Bytes become the right text, whatever they are declared to be, or are dropped as no text."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipelines.extraction.charset import UndecodableError, codec_of, declared_inside, decode
from pipelines.extraction.clean import clean

RUSSIAN = "<p>Съешь же ещё этих мягких французских булок, да выпей чаю. Река течёт, горы стоят. " * 20
FRENCH = "<p>L'élève a mangé à Noël près de l'hôtel où coulait un ruisseau ; c'était l'été. " * 20
JAPANESE = "<p>吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。 " * 20
GREEK = "<p>Η γρήγορη καφετιά αλεπού πηδάει πάνω από το τεμπέλικο σκυλί της γειτονιάς. " * 20
KOREAN = "<p>모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다. " * 20
CHINESE = "<p>人人生而自由，在尊严和权利上一律平等。他们赋有理性和良心。 " * 20
SAMPLES = [
    (RUSSIAN, "cp1251"),
    (RUSSIAN, "koi8-r"),
    (RUSSIAN, "cp866"),
    (GREEK, "iso8859-7"),
    (JAPANESE, "cp932"),
    (JAPANESE, "euc_jp"),
    (KOREAN, "cp949"),
    (CHINESE, "gb18030"),
    (CHINESE, "utf-8"),
    (FRENCH, "utf-8"),
    (FRENCH, "cp1252"),
]
NAMES = [f"{encoding} {text[3:8]}" for text, encoding in SAMPLES]


@pytest.mark.parametrize("declared", [None, "utf-8", "iso-8859-1", "windows-1252", "nonsense"])
@pytest.mark.parametrize(("text", "encoding"), SAMPLES, ids=NAMES)
def test_no_wrong_declaration_of_the_usual_kind_does_harm(
    text: str, encoding: str, declared: str | None
) -> None:
    """Servers declare UTF-8 and Latin-1 unasked."""
    assert decode(text.encode(encoding), declared) == text


@pytest.mark.parametrize(("text", "encoding"), SAMPLES, ids=NAMES)
def test_a_true_declaration_of_the_page_outlives_a_false_one_of_the_server(text: str, encoding: str) -> None:
    page = f'<meta charset="{encoding}">{text}'
    assert decode(page.encode(encoding), "iso-8859-1") == page


@pytest.mark.parametrize("declared", [None, "utf-8", "iso-8859-1"])
@pytest.mark.parametrize("text", [RUSSIAN, FRENCH, JAPANESE])
def test_one_bad_byte_does_not_turn_utf_8_into_something_else(text: str, declared: str | None) -> None:
    payload = text.encode()
    found = decode(payload[:300] + b"\xff" + payload[300:], declared)
    assert 1 <= found.count("\ufffd") <= 4  # the byte may split a character
    assert found[400:] in text


def test_no_break_spaces_in_a_row_are_latin() -> None:
    text = FRENCH + "\xa0" * 3000
    assert decode(text.encode("cp1252"), "iso-8859-1") == text


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
def test_a_byte_order_mark_overrules_everything(encoding: str) -> None:
    assert decode(RUSSIAN.encode(encoding), "iso-8859-1") == RUSSIAN


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "iso2022_jp", "iso2022_kr"])
def test_what_hides_behind_ascii_is_found(encoding: str) -> None:
    text = KOREAN if encoding == "iso2022_kr" else JAPANESE
    assert decode(text.encode(encoding), "utf-8") == text


def test_a_character_cut_off_by_truncation_is_left_out() -> None:
    assert decode(RUSSIAN.encode() + "я".encode()[:1]) == RUSSIAN


@pytest.mark.parametrize("payload", [bytes(range(256)) * 9, b"\x89PNG\r\n\x1a\n" + bytes(range(1, 30)) * 40])
def test_what_is_no_text_is_refused(payload: bytes) -> None:
    with pytest.raises(UndecodableError):
        decode(payload, "utf-8")


@pytest.mark.parametrize(
    ("head", "codec"),
    [
        (b"<?xml version='1.0' encoding='koi8-r'?>", "koi8-r"),
        (b'<META http-equiv=Content-Type content="text/html; charset=EUC-KR">', "cp949"),
        (b"<!-- <meta charset=utf-8> --><meta charset=big5>", "big5hkscs"),
        (b"<meta charset=utf-16>", "utf-8"),
        (b"<meta charset=nonsense><meta charset=gbk>", "gb18030"),
        (b"<p>none", None),
    ],
)
def test_the_page_declares(head: bytes, codec: str | None) -> None:
    assert declared_inside(head) == codec


@given(
    st.binary(max_size=300),
    st.sampled_from([None, "utf-8", "iso-8859-1", "gbk", "utf-16", "hz", "iso-2022-jp"]),
)
@example(b"\xed\xa0\x80\xed\xb0\x80 text", "utf-8")
def test_any_bytes_end_as_clean_text_or_are_refused(payload: bytes, declared: str | None) -> None:
    try:
        text = clean(decode(payload, declared))
    except UndecodableError:
        return
    text.encode()
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", text)
    assert codec_of(declared) is None or isinstance(text, str)
