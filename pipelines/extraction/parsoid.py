"""Pages as MediaWiki's parser Parsoid renders them: what frames the prose is taken out before an engine looks.

The HTML of Wikimedia Enterprise dumps and of the REST API names its parts by class, so nothing has to be guessed:
reference marks and lists, notes about the page, navigation, info boxes, pictures and edit links go, as they do for
wikitext. A formula is its LaTeX source; rendered, it would be that twice, mangled. A section of which nothing but its
heading is left goes too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

# Every page of Parsoid declares this vocabulary in its first tag.
MARK = "http://mediawiki.org/rdf/"
MARK_CHARACTERS = 1 << 10

# Classes of MediaWiki itself (mw-…, reference) and of the templates that all large wikis share.
FURNITURE = ", ".join(
    (
        "style",
        "figure",
        "sup.mw-ref",
        "sup.reference",
        ".mw-references-wrap",
        "ol.references",
        ".mw-editsection",
        ".mw-empty-elt",
        ".noprint",
        ".shortdescription",
        ".hatnote",
        ".dablink",
        ".ambox",
        ".metadata",
        ".infobox",
        ".navbox",
        ".navbox-styles",
        ".vertical-navbox",
        ".sidebar",
        ".reflist",
        ".refbegin",
        ".portal-bar",
        ".sistersitebox",
        ".authority-control",
    )
)
_FORMULA = ".mwe-math-element"
_DISPLAY = re.compile(r"\A\{\\(?:displaystyle|textstyle) ?(.*?) ?\}\Z", re.DOTALL)
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})


def is_parsoid(page: str) -> bool:
    """Say whether a page was rendered by Parsoid."""
    return MARK in page[:MARK_CHARACTERS]


def without_furniture(page: str) -> str:
    """Return the page with its prose only."""
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(page)
    _replace_formulas(tree)
    # What lies inside other furniture comes after it, so the last is taken out first; likewise inner sections.
    for element in reversed(tree.css(FURNITURE)):
        element.decompose()
    for section in reversed(tree.css("section")):
        if _is_empty(section):
            section.decompose()
    return tree.html or ""


def latex(stated: str) -> str:
    r"""Return the source of a formula from what MediaWiki states for readers without sight.

    >>> latex(r"{\displaystyle E=mc^{2}}"), latex("x")
    ('E=mc^{2}', 'x')
    """
    match = _DISPLAY.match(stated.strip())
    return match[1] if match else stated.strip()


def _replace_formulas(tree: LexborHTMLParser) -> None:
    for element in reversed(tree.css(_FORMULA)):
        math = element.css_first("math")
        stated = math.attributes.get("alttext") if math is not None else None
        if stated:
            element.replace_with(latex(stated))


def _is_empty(section: LexborNode) -> bool:
    """Say whether a section has no text but headings; the first one of a page has none."""
    children = section.iter(include_text=True)
    return not any(child.text().strip() for child in children if child.tag not in _HEADINGS)
