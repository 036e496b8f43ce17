"""Wikitext becomes prose, whatever is broken in it, in time that grows with its length only."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.extraction.wiki.wikitext import plain_text

SAMPLE = Path(__file__).resolve().parents[3] / "sample" / "wiki"

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
    ("a<references><ref>b</ref></references>c<ref name=x>open</references>", "acopen"),
    ("ab<REF>c</Ref >d", "abd"),
    ("a<includeonly>b</includeonly>c<hiero>A1</hiero>", "ac"),
    ("[[Fichièr:Berlin.SVG|thumb|caption]]text [[x:y.jpg ]]", "text"),
    ("text\n[[Kategorya:Berlin]]\n[[Sokajy:Tanàna|*]] [[Sokajy:Eoropa]]", "text"),
    ("text\n[[Star Trek: The Next Generation]]", "text\nStar Trek: The Next Generation"),
    ("!Kung people\n! broken header\n! a !! b\n| broken cell", "!Kung people"),
    ("__NOTOC__a__БЕЗ_ОГЛ__ __init__", "a __init__"),
    (
        "-{zh-hans:计算机; zh-hant:電腦;}- -{A|zh-cn:软件;zh-tw:軟體}- -{T|title}- -{plain}-",
        "计算机 软件 plain",
    ),
    ("", ""),
]

TEMPLATES = [
    ("{{convert|5|to|10|km|mi}} and {{cvt|891|km2}}", "5 to 10 km and 891 km²"),
    ("{{convert|5|-|10|C}}, {{convert|5|ft|10|in|m}}, {{convert|100|m|0}}", "5–10 °C, 5 ft 10 in, 100 m"),
    ("{{lang-de|Berlin}}, {{k-de|Berlin}}, {{јез-нем|Berlin}}", "Berlin, Berlin, Berlin"),
    ("the {{lang|fr|pain}} and {{transl|ar|DIN|ʿAbd}}", "the pain and DIN"),
    ("no {{séc|XIII}}, el {{siglo|XV}}, al {{segle|XIX|s}}", "no século XIII, el siglo XV, al segle XIX"),
    ("{{formatnum:1000}} {{fmtn|90000}} {{szám|180000}} {{val|3.5|u=kg}}", "1000 90000 180000 3.5 kg"),
    ("1990{{ndash}}1995{{snd}}x {{circa|1500}} {{As of|2019|lc=y}}", "1990–1995 – x c. 1500 as of 2019"),
    ("{{chem|H|2|O}} {{sfrac|1|2}} {{HMS|Ajax|22|6}} {{ship|USS|Hornet}}", "H2O 1/2 HMS Ajax USS Hornet"),
    ("{{nihongo|Tokyo|東京|Tōkyō}} {{ill|A B|de|lt=B}} {{US$|5}}", "Tokyo (東京) B US$5"),
    (
        "he said\n{{quote|1=To be|author=W}}\nand {{Cquote|or not}} end",
        "he said\n\nTo be\n\nand\n\nor not\n\nend",
    ),
    ("{{nowrap|1=a = b}} {{nowrap|[[x|y]] z}}", "a = b y z"),
    ("so:\n{{ordered list|start=1\n| one\n| two [[x|y]]\n}}\nend", "so:\n\n- one\n- two y\n\nend"),
    ("{{columns-list|2|\n* one\n* two\n}}{{ubl|a|b}}", "- one\n- two\n\n- a\n- b"),
    ("{{small|{{lang|de|Wort}} {{cite|x}}}}", "Wort"),
    ("text {{sfn|Smith|2001}} {{unknown|value}} end {{IPA-de|x}}{{flagicon|US}}", "text end"),
]

GAPS = [
    ("Berlin ({{IPA|x}}; {{Audio}}) is", "Berlin is"),
    ("Berlin (German: {{lang-de|B}}, {{IPA|x}}) is", "Berlin (German: B) is"),
    ("Berlin ({{IPA|x}}, the capital) is", "Berlin (the capital) is"),
    ("in the {{century}}, Berlin {{x}}.", "in the, Berlin."),
    ("(1976 - ) and ( ) and a , b stay", "(1976 - ) and ( ) and a , b stay"),
]


@pytest.mark.parametrize(("source", "text"), CASES)
def test_cases(source: str, text: str) -> None:
    assert plain_text(source) == text


@pytest.mark.parametrize(("source", "text"), TEMPLATES)
def test_templates_that_carry_prose_are_shown(source: str, text: str) -> None:
    assert plain_text(source) == text


@pytest.mark.parametrize(("source", "text"), GAPS)
def test_dropped_templates_leave_no_gaps(source: str, text: str) -> None:
    """Only where a template was: what the author wrote stays as it is."""
    assert plain_text(source) == text


def test_names_of_namespaces_come_from_the_wiki() -> None:
    source = "a [[Tuhinga:X|b]] [[Kōnae:Y|c]]"
    assert plain_text(source) == "a b c"
    assert plain_text(source, frozenset({"kōnae"})) == "a b"


TABLE = """before
{| class="wikitable" style="x"
|+ Caption
! Name !! scope=col | Area
|-
| [[Berlin|Berlin]] || align=right | {{nts|891}}
|- style=y
| Bonn
| 141
more
|-
|
{|
| inner
|}
|}
after"""


def test_tables_are_kept_on_request() -> None:
    assert plain_text(TABLE) == "before\n\nafter"
    rows = ["Caption", "Name | Area", "Berlin | 891", "Bonn | 141 more", "inner"]
    assert plain_text(TABLE, tables=True).split("\n\n", 1)[0] == "before"
    assert [line for line in plain_text(TABLE, tables=True).split("\n") if line][1:-1] == rows


@pytest.mark.slow
@pytest.mark.parametrize(
    "unit",
    [
        "{",
        "{{a|",
        "[[",
        "[http://",
        "{{{",
        "<!--",
        "<ref>",
        "{|\n",
        "{{a}}",
        "'''",
        "<nowiki>",
        "==a==\n",
        "-{",
        "-{a|",
        "[[a:b]]\n",
        "[[a:",
        "({{x}}",
        "{{x}},",
        "(,;",
        "{{quote|",
        "{{lang|a|",
        "{|\n|a=",
        "__A",
        "</ref>",
        "{|\n|a\nb",
    ],
)
def test_hostile_pages_take_linear_time(unit: str) -> None:
    """A page of 400 kB of one opener; quadratic time would take minutes."""
    began = time.process_time()
    plain_text(unit * (400_000 // len(unit)))
    assert time.process_time() - began < 5


@given(st.text(alphabet="ab{}[]|=<>!-'/\n#*ref:", max_size=200))
def test_any_markup_ends_without_an_exception(source: str) -> None:
    assert "<!--" not in plain_text(source)
    assert not re.search("[\ue000-\ue002]", plain_text(source, tables=True))


@pytest.mark.parametrize("path", sorted(SAMPLE.glob("*.wikitext")), ids=lambda path: path.stem)
def test_sample_articles_keep_no_markup(path: Path) -> None:
    source = path.read_text()
    text = plain_text(re.sub(r"<(math|nowiki)>.*?</\1>", "", source, flags=re.DOTALL))
    assert not re.search(r"\{\{|\}\}|\[\[|\]\]|\{\||<ref", text)
    assert len(text) > len(source) / 5 or "#REDIRECT" in source.upper()
