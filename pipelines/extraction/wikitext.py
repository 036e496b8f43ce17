"""Wikitext to plain text, in one pass and in time proportional to its length.

Templates go, but for those that are part of a sentence (`wiki_templates`); so do tables, references, files,
categories and links to other languages; links leave their label, code and nowiki their literal content, math
its LaTeX source. ``wiki_lines`` then sees to what depends on lines: headings, lists, bold and italics.

A full parser (mwparserfromhell) builds a tree for each way an opener could be read, which is quadratic and worse
for thousands of unclosed ones. Here an opener is put on a stack and nothing is ever read twice: output goes to
one flat list, and a construct that closes cuts that list back to where it began. An opener that never closes
leaves its content.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from dataclasses import dataclass, field

from pipelines.extraction.wiki_lines import tidy
from pipelines.extraction.wiki_names import CATEGORY_NAMESPACES, FILE_NAMESPACES, LANGUAGE_CODES
from pipelines.extraction.wiki_templates import expand, lowered, raised

# MediaWiki stores at most 2 MiB (its $wgMaxArticleSize).
MAX_BYTES = 4 << 20

# Attributes longer than this are no tag; the bound keeps a page full of "<ref" linear.
_TOKEN = re.compile(
    r"""
    (?P<comment> <!-- )
    | (?P<tag> < (?P<end>/?) (?P<name>[a-zA-Z][a-zA-Z0-9]{0,19}) (?P<attributes>\s[^<>]{0,2000}+|/)? > )
    | (?P<braces> \{{2,}+ )
    | (?P<unbraces> \}{2,}+ )
    | (?P<link> \[\[ )
    | (?P<unlink> \]\] )
    | (?P<address> \[ (?: https?:// | ftp:// | // | mailto: | news: | irc:// ) [^\s\[\]<>{}"|]*+ )
    | (?P<unaddress> \] )
    | (?P<bar> \| (?: (?<=\n\|)\}(?!\}) )? )
    | (?P<table> (?:^|(?<=\n)) [ \t:*\#]*+ \{\| (?!\}\}) )
    """,
    re.VERBOSE,
)
_TABLE_END = re.compile(r"\|\}(?!\})")

# Extension tags and references: nobody reads on inside them, up to their own end tag.
_HIDDEN = frozenset(
    """
    ref references gallery timeline score graph chart mapframe maplink templatedata imagemap hiero categorytree
    inputbox indicator section rss quiz dynamicpagelist charinsert templatestyles style script phonos
    """.split()
)
_LITERAL = frozenset("nowiki pre math chem ce syntaxhighlight source".split())
_CODE = frozenset("pre syntaxhighlight source".split())
_BREAKS = frozenset("br p div blockquote center hr li dl dt dd ol ul poem h1 h2 h3 h4 h5 h6 section".split())
_INLINE = frozenset(
    """
    abbr b bdi bdo big cite code data del dfn em font i includeonly ins kbd mark noinclude onlyinclude q rb rp rt
    rtc ruby s samp small span strike strong sub sup time tt u var wbr tr td th thead tbody tfoot caption
    col colgroup noref langconvert translate tvar languages
    """.split()
)
_END_TAGS = {
    name: re.compile(rf"</{name}\s*>", re.IGNORECASE) for name in (*_HIDDEN, *_LITERAL)
}
_SMALL = {name: re.compile(rf"([^<]{{1,8}})</{name}>") for name in ("sup", "sub")}


def plain_text(wikitext: str) -> str:
    """Return the readable text of an article; empty if there is none.

    >>> plain_text("'''Ra''' is a [[deity|god]].<ref>A book</ref> {{lang|ar|رع}}")
    'Ra is a god. رع'
    """
    reducer = _Reducer(wikitext.replace("\0", ""))
    return reducer.restore(tidy(reducer.run(), reducer.has_open_table))


@dataclass(slots=True)
class _Frame:
    """A construct that is open.

    Attributes:
        kind: ``braces``, ``link``, ``address``, ``table`` or ``html_table``.
        start: where its content begins in the output.
        braces: how many opening braces are not closed yet.
        bars: where ``|`` stand in the output, as items of their own.
        hidden: it is a link that leaves nothing.
    """

    kind: str
    start: int
    braces: int = 0
    bars: list[int] = field(default_factory=list)
    hidden: bool = False


class _Reducer:
    """The state of one pass over one article."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.out: list[str] = []
        self.stack: list[_Frame] = []
        self.open: Counter[str] = Counter()
        self.literals: list[str] = []
        # Next place of each mark looked ahead for; so that every mark is looked for once in the whole text.
        self.ahead: dict[str, int] = {}
        self.never: set[str] = set()

    @property
    def has_open_table(self) -> bool:
        """Whether a table did not end, so that its lines are still in the output."""
        return self.open["table"] > 0

    def run(self) -> str:
        """Return the text without markup, line structure and literals (as placeholders) still in it."""
        at = 0
        while token := _TOKEN.search(self.text, at):
            if token.start() > at:
                self.out.append(self.text[at : token.start()])
            at = getattr(self, f"_on_{token.lastgroup}")(token)
        self.out.append(self.text[at:])
        for frame in self.stack:
            for bar in frame.bars:
                self.out[bar] = " "
        return "".join(self.out)
