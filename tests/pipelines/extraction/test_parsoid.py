"""Rendered wiki pages: the prose stays word for word, what frames it goes, other pages are left alone."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.extraction.engines import load_engine
from pipelines.extraction.parsoid import is_parsoid, without_furniture

HEAD = (
    '<!DOCTYPE html><html prefix="dc: http://purl.org/dc/terms/ mw: http://mediawiki.org/rdf/">'
    '<head><meta charset="utf-8"/><title>Baker</title></head><body class="mw-content-ltr parsoid-body">'
)
PAGE = (
    HEAD
    + r"""<section data-mw-section-id="0"><div class="shortdescription noprint">Dancer</div>
<style data-mw-deduplicate="x">.a{b:c}</style><div role="note" class="hatnote">
For others, see <a href="./X">X</a>.</div>
<table class="infobox vcard"><tr><th>Born</th><td>1906</td></tr></table>
<p><b>Josephine Baker</b> was a dancer.<sup class="mw-ref reference"><a href="#n"><span>[1]</span></a></sup> She lived
in <i>Paris</i> and danced there for many years before large audiences.</p></section>
<section data-mw-section-id="1"><h2>Formula</h2><p>The energy is <span class="mwe-math-element"><math
alttext="{\displaystyle E=mc^{2}}"><semantics><mi>E</mi><annotation>{\displaystyle E=mc^{2}}</annotation></semantics>
</math><img alt="{\displaystyle E=mc^{2}}"/></span> for a body at rest, as everybody knows who went to school.</p>
<section data-mw-section-id="2"><h3>Table</h3><table class="wikitable"><tr><td>Kept cell</td></tr></table></section>
</section><section data-mw-section-id="3"><h2>References</h2><section><h3>Notes</h3><div class="mw-references-wrap">
<ol class="mw-references references"><li>Smith, 1999.</li></ol></div></section></section>
<div class="navbox">Links</div></body></html>"""
)


def words(html: str) -> list[str]:
    return re.sub(r"<[^>]*>", " ", html.partition("<body")[2].partition(">")[2]).split()


def test_the_prose_stays_and_its_frame_goes() -> None:
    text = " ".join(words(without_furniture(PAGE)))
    assert text == (
        "Josephine Baker was a dancer. She lived in Paris and danced there for many years before large audiences. "
        "Formula The energy is E=mc^{2} for a body at rest, as everybody knows who went to school. Table Kept cell"
    )


@pytest.mark.parametrize("engine", ["resiliparse", "trafilatura", "blocks"])
def test_every_engine_is_given_the_prose(engine: str) -> None:
    text = load_engine(engine)(PAGE)
    assert "was a dancer. She lived" in text
    assert "E=mc^{2} for a body" in text
    for furniture in ("[1]", "1906", "Smith", "see X", "Links", "displaystyle"):
        assert furniture not in text


def test_other_pages_are_left_alone() -> None:
    assert is_parsoid(PAGE)
    assert not is_parsoid(PAGE.replace("mediawiki.org/rdf", "example.org"))
    assert not is_parsoid("x" * 2000 + PAGE)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "<section>",
                "</section>",
                "<h2>",
                "</h2>",
                "<p>",
                "</div>",
                "<div class='navbox'>",
                "<sup class='mw-ref'>",
                "<span class='mwe-math-element'>",
                "<math alttext='x'>",
                "</span>",
                "<table class=infobox>",
                "<td>",
                "a",
                "b",
            ]
        ),
        max_size=40,
    )
)
def test_no_nesting_of_parts_is_too_much(parts: list[str]) -> None:
    """Whatever the page holds, the result can be parsed again and has no furniture."""
    once = without_furniture(HEAD + " ".join(parts))
    assert "navbox" not in once.partition("<body")[2]
    assert set(words(once)) <= {"a", "b", "x"}
