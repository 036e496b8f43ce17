"""Wikitext becomes prose, whatever is broken in it, in time that grows with its length only."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.extraction.wikitext import plain_text

SAMPLE = Path(__file__).resolve().parents[2] / "sample" / "wiki"

CASES = [
    ("'''Soap''' is a [[salt (chemistry)|salt]].", "Soap is a salt."),
    ("A<ref name=a>x {{cite|y}}</ref> b<ref name=a /> c", "A b c"),
    ("{{Infobox|a={{b|c}}|d=[[e]]}}Text", "Text"),
    ("It weighs {{convert|5|km|mi}}.", "It weighs 5 km."),
    ("the word {{lang|fr|pain}}", "the word pain"),
    ("a\n{| class=x\n| b\n{|\n| c\n|}\n|}\nd", "a\n\nd"),
    ("[[File:a.png|thumb|A [[link]] in a caption]]Text [[Category:X]]", "Text"),
    ("[[Datei:a.png|mini]][[fr:Savon]]Seife", "Seife"),
    ("see [https://example.org the site] and [[:Category:X]]", "see the site and Category:X"),
    ("<math>\\frac{{a}}{b}</math> holds", "\\frac{{a}}{b} holds"),
    ("<nowiki>[[not a link]]</nowiki> &amp; &lt;b&gt;", "[[not a link]] & <b>"),
    ("== Empty ==\n== Full ==\ntext", "Full\n\ntext"),
    ("* one\n* two\n# three", "- one\n- two\n- three"),
    ("a <!-- hidden --> b <!-- open", "a b"),
    ("open {{template and [[link", "open template and link"),
    ("closed }} never ]] opened |}", "closed never opened |}"),
    ("text<ref>open", "textopen"),
    ("", ""),
]


@pytest.mark.parametrize(("source", "text"), CASES)
def test_cases(source: str, text: str) -> None:
    assert plain_text(source) == text


@pytest.mark.parametrize(
    "unit",
    ["{", "{{a|", "[[", "[http://", "{{{", "<!--", "<ref>", "{|\n", "{{a}}", "'''", "<nowiki>", "== a ==\n"],
)
def test_hostile_pages_take_linear_time(unit: str) -> None:
    """A page of 400 kB of one opener; quadratic time would take minutes."""
    began = time.process_time()
    plain_text(unit * (400_000 // len(unit)))
    assert time.process_time() - began < 5


@given(st.text(alphabet="ab{}[]|=<>!-'/\n#*ref:", max_size=200))
def test_any_markup_ends_without_an_exception(source: str) -> None:
    assert "<!--" not in plain_text(source)


@pytest.mark.parametrize("path", sorted(SAMPLE.glob("*.wikitext")), ids=lambda path: path.stem)
def test_sample_articles_keep_no_markup(path: Path) -> None:
    source = path.read_text()
    text = plain_text(re.sub(r"<(math|nowiki)>.*?</\1>", "", source, flags=re.DOTALL))
    assert not re.search(r"\{\{|\}\}|\[\[|\]\]|\{\||<ref", text)
    assert len(text) > len(source) / 5 or "#REDIRECT" in source.upper()
