"""Engine ``blocks``: a scan loses nothing of a page, text is laid out to be read, the model is the pinned one."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from filters.document import Place
from pipelines.extraction.blocks import trees
from pipelines.extraction.blocks.columns import B_END, B_OWNER, B_START, B_UNITS, E_FLAGS, E_TAG, Scan
from pipelines.extraction.blocks.engine import PROBE, Blocks, choose, serialise
from pipelines.extraction.blocks.feature_names import FEATURES
from pipelines.extraction.blocks.features import features
from pipelines.extraction.blocks.layout import lay_out
from pipelines.extraction.blocks.scan import scan
from pipelines.extraction.blocks.vocabulary import GROUPS, NAMES, UNSEEN_BIT, tables
from pipelines.extraction.extractor import Extractor
from pipelines.readers.record import Record
from pipelines.recipe.recipe import Extract

TABLES = tables()
LAYOUTS = json.loads(Path(__file__).with_name("layouts.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def blocks() -> Blocks:
    return Blocks()


def scanned(page: str) -> Scan:
    return scan(serialise(page), TABLES)


def texts(found: Scan) -> list[str]:
    data = found.text.tobytes()
    return [data[row[B_START] : row[B_END]].decode() for row in found.blocks]


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("<p>a&nbsp;b &lt;c&gt; &amp;amp; &quot;d&quot;", ['a b <c> &amp; "d"']),
        ("<p>one<br>two<br><br>three<br> <br>four", ["one\ntwo", "three", "four"]),
        ("<div>a<p>b</p>c</div>", ["a", "b", "c"]),
        ("<p>a <b>b</b><i> c</i>d", ["a b cd"]),
        ("<pre>\n  x\n\ty &lt;\n</pre>", ["  x\n\ty <"]),
        ("<p>a<script>b</script><style>c</style><textarea>d</textarea><svg><text>e</text></svg>f", ["af"]),
        ("<p>a<!-- <p>b -->c<?x y?>d", ["acd"]),
        ("<my-card>a</my-card><my-card>b</my-card>", ["a", "b"]),
        ("<noscript><p>a</noscript><p>b", ["a", "b"]),
        ("<table><td>a<td>b<tr><td>c</table>", ["a", "b", "c"]),
        ('<p title="<p>x</p>" data-a=\'"\'>a', ["a"]),
        ("", []),
    ],
)  # fmt: skip
def test_blocks_are_the_runs_between_borders(page: str, expected: list[str]) -> None:
    assert texts(scanned(page)) == expected


def test_lengths_count_a_wide_character_twice() -> None:
    found = scanned("<p>ab c</p><p>漢字 a</p><p>한글</p><p>абв</p>")
    assert found.blocks[:, B_UNITS].tolist() == [3, 5, 4, 3]


@pytest.mark.parametrize(
    ("attributes", "groups"),
    [
        ('class="relatedPosts"', {"related"}),
        ('class="js-commentlist-17"', {"comment"}),
        ('id="FooterNav"', {"footer", "nav"}),
        ('role="navigation"', {"nav"}),
        ('itemprop="articleBody"', {"body"}),
        ('style="color: red; display : none"', {"unseen"}),
        ("hidden", {"unseen"}),
        ('class="display none"', {"hidden"}),
        ('data-component="share"', {"share"}),
        ('class="reading adhesive"', set()),
        ('title="comments"', set()),
    ],
)
def test_names_are_put_into_groups(attributes: str, groups: set[str]) -> None:
    found = scanned(f"<section {attributes}>x</section>")
    flags = int(found.elements[found.blocks[0, B_OWNER], E_FLAGS])
    assert {name for bit, name in enumerate(GROUPS) if flags >> bit & 1} >= groups
    if not groups:
        assert flags == 0


def test_a_block_belongs_to_the_element_that_its_text_is_in() -> None:
    """The whitespace that markup is indented by is in other elements."""
    found = scanned("<div>\n <p>a</p>\n <ul>\n  <li> <b>b</b>\n </ul> c <pre>  d</pre></div>")
    owners = [NAMES[tag - 1] for tag in found.elements[found.blocks[:, B_OWNER], E_TAG]]
    assert list(zip(owners, texts(found), strict=True)) == [
        ("p", "a"),
        ("li", "b"),
        ("div", "c"),
        ("pre", "  d"),
    ]


def test_the_hidden_bit_is_no_word() -> None:
    assert list(GROUPS)[UNSEEN_BIT] == "unseen"
    assert GROUPS["unseen"] == ""


NAMES_TO_NEST = st.sampled_from(
    ["div", "p", "b", "a", "ul", "li", "table", "td", "pre", "h2", "br", "x-y", "span"]
)
PIECES = st.one_of(
    st.text(min_size=1, max_size=20),
    NAMES_TO_NEST.map(lambda name: f"<{name}>"),
    NAMES_TO_NEST.map(lambda name: f"</{name}>"),
    st.sampled_from(["&nbsp;", "&amp;", "&#x4e2d;", "<!-- c -->", "<img alt='<p>'>", "<p class='a \"b'>"]),
    st.sampled_from("<>&"),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=40))
def test_no_character_of_a_page_is_lost(pieces: list[str]) -> None:
    """Whitespace aside, the blocks hold what the parser says the body's text is, in its order."""
    page = "<body>" + "".join(pieces).encode("utf-8", "replace").decode()
    found = scanned(page)
    body = LexborHTMLParser(page).body
    expected = body.text() if body is not None else ""
    assert "".join("".join(texts(found)).split()) == "".join(expected.split())
    assert (found.blocks[:, B_UNITS] > 0).all()
    assert (found.elements[:, E_TAG] <= len(NAMES)).all()
    values = features(found)
    assert values.shape == (len(FEATURES), len(found.blocks))
    assert np.isfinite(values).all()
    laid_out = lay_out(found, np.ones(len(found.blocks), bool))
    assert [word for word in laid_out.split() if word not in "-|"] == [
        word for text in texts(found) for word in text.split() if word not in "-|"
    ]


@pytest.mark.parametrize("case", LAYOUTS, ids=lambda case: case["name"])
def test_structure_stays_readable(case: dict[str, str]) -> None:
    found = scanned(case["html"])
    assert lay_out(found, np.ones(len(found.blocks), bool)) == case["text"]


def test_the_model_is_the_pinned_one(tmp_path: Path) -> None:
    assert trees.read().features == FEATURES
    other = tmp_path / "model.npz"
    shutil.copy(trees.MODEL, other)
    other.write_bytes(other.read_bytes() + b"\0")
    with pytest.raises(trees.ModelError, match="sha256"):
        trees.read(other)
    assert trees.MODEL.stat().st_size < 500_000


def test_a_model_of_other_features_or_other_code_is_refused() -> None:
    model = trees.read()
    with pytest.raises(trees.ModelError, match="other features"):
        Blocks(replace(model, features=model.features[1:]))
    with pytest.raises(trees.ModelError, match="compiled code"):
        Blocks(replace(model, probe="0" * 64))


def test_trees_are_read_as_they_are_written(tmp_path: Path) -> None:
    model = trees.Trees(
        ("a", "b"),
        np.array([[0, 1]], np.int16),
        np.array([[0.5, 2.0]], np.float32),
        np.array([[-1.0, 1.0, -3.0, 3.0]], np.float32),
        0.0,
        "",
    )
    model.write(tmp_path / "model.npz")
    values = np.array([[0.0, 1.0, 0.0, 1.0], [2.0, 2.0, 3.0, 3.0]], np.float32)
    likely = trees.read(tmp_path / "model.npz", None).probabilities(values)
    assert np.allclose(likely, 1 / (1 + np.exp(-np.array([-1.0, 1.0, -3.0, 3.0]))))


def test_a_page_without_a_likely_block_has_no_text() -> None:
    units = np.array([10, 10])
    assert choose(np.array([0.1, 0.15]), units)[0].tolist() == [False, False]
    assert choose(np.array([0.1, 0.4]), units)[0].tolist() == [False, True]
    sure, unsure = (choose(np.array([p, 0.0]), units)[1] for p in (1.0, 0.6))
    assert sure == 1.0 > unsure


def test_an_article_is_told_from_what_surrounds_it(blocks: Blocks) -> None:
    text = blocks.extract(PROBE)
    assert "fatty acid" in text
    assert "石鹸は脂肪酸の塩" in text
    assert "All about it" not in text


def test_deep_and_broken_pages_end_quickly(blocks: Blocks) -> None:
    deep = "<div>" * 1900 + "<p>" + "Words in the deep, and more of them. " * 20 + "</div>" * 1900
    assert "Words in the deep" in blocks.extract(deep)
    assert blocks.extract("<p>" * 50_000) == ""
    blocks.extract("</p></div>" * 1000 + "<td><tr><a><a><table><li>")


@pytest.mark.integration
@pytest.mark.parametrize("engine", ["blocks", "union"])
def test_the_child_serves_the_engine(engine: str) -> None:
    page = PROBE.encode()
    record = Record(Place(0, len(page), 0), page, "html", "utf-8")
    with Extractor(Extract(engine=engine)) as extractor:  # type: ignore[arg-type]
        first, second = extractor.extract([record, record])
    assert first.text is not None
    assert first.text == second.text
    assert re.search("fatty acid", first.text)
