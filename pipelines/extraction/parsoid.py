"""Pages rendered by MediaWiki's parser Parsoid: everything but the prose is removed before an engine sees the page.

The HTML of Wikimedia Enterprise dumps and of the REST API names its parts by class, so nothing has to be guessed.
Reference marks and lists, notes about the page, navigation, info boxes, pictures and edit links are removed, as from
wikitext. A formula becomes its LaTeX source; the rendered one would hold it twice, garbled. A section with only a
heading left is removed too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

MARK: Final = "http://mediawiki.org/rdf/"
"""Vocabulary that every page of Parsoid declares in its first tag."""
MARK_CHARACTERS: Final = 1 << 10
"""Characters of a page in which the mark is looked for."""

FURNITURE: Final = ", ".join(
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
"""Selectors of the parts to remove: classes of MediaWiki itself (mw-…, reference) and of templates that all large wikis
share."""
_FORMULA: Final = ".mwe-math-element"
_DISPLAY: Final = re.compile(r"\A\{\\(?:displaystyle|textstyle) ?(.*?) ?\}\Z", re.DOTALL)
_HEADINGS: Final = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})


def is_parsoid(page: str) -> bool:
    """Return True if a page was rendered by Parsoid."""
    return MARK in page[:MARK_CHARACTERS]


def without_furniture(page: str) -> str:
    """Return the page with nothing but its prose."""
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(page)
    _replace_formulas(tree)
    # Inner elements come after outer ones in the list, so the last is removed first; the same holds for sections.
    for element in reversed(tree.css(FURNITURE)):
        element.decompose()
    for section in reversed(tree.css("section")):
        if _is_empty(section):
            section.decompose()
    return tree.html or ""


def latex(alternative: str) -> str:
    r"""Return the LaTeX source of a formula from the alternative text that MediaWiki gives it.

    >>> latex(r"{\displaystyle E=mc^{2}}"), latex("x")
    ('E=mc^{2}', 'x')
    """
    match = _DISPLAY.match(alternative.strip())
    return match[1] if match else alternative.strip()


def _replace_formulas(tree: LexborHTMLParser) -> None:
    for element in reversed(tree.css(_FORMULA)):
        math = element.css_first("math")
        stated = math.attributes.get("alttext") if math is not None else None
        if stated:
            element.replace_with(latex(stated))


def _is_empty(section: LexborNode) -> bool:
    """Return True if a section has no text but headings; the first section of a page has no heading."""
    children = section.iter(include_text=True)
    return not any(child.text().strip() for child in children if child.tag not in _HEADINGS)
