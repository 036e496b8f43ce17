"""Wikitext to plain text in linear time: prose, headings, list items, code and formulas.

Templates are dropped except those that carry prose (`pipelines.extraction.wiki.templates`). References, files,
categories and links to other languages are dropped. Tables are dropped, or become lines of cells. Formulas stay as
LaTeX. Headings and list items are lines of their own; headings without text below them are dropped. One pass over the
markup uses a stack: markup that is never closed loses its marks, not its text, and markup nested deeper than
`MAX_DEPTH` is read as text.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pipelines.extraction.wiki.names import CATEGORY, FILE
from pipelines.extraction.wiki.tables import table_text
from pipelines.extraction.wiki.templates import show

MAX_BYTES: Final = 8 << 20
"""Larger pages are not parsed. MediaWiki itself refuses pages above 2 MiB (``$wgMaxArticleSize``)."""

MAX_DEPTH: Final = 60
"""Templates, tables and links open at once."""

_KEPT_TAGS: Final = ("nowiki", "math", "chem", "ce", "pre", "syntaxhighlight", "source", "code")
_DROPPED_TAGS: Final = (
    "ref",
    "references",
    "gallery",
    "timeline",
    "score",
    "hiero",
    "imagemap",
    "templatestyles",
    "graph",
    "mapframe",
    "maplink",
    "includeonly",
    "indicator",
    "inputbox",
    "categorytree",
)
_NAMES: Final = "|".join(_KEPT_TAGS + _DROPPED_TAGS)
_ENCLOSING: Final = re.compile(rf"<({_NAMES})\b([^<>]*)>", re.IGNORECASE)
_ENDING: Final = re.compile(rf"</({_NAMES})\s*>", re.IGNORECASE)
_MARKUP: Final = re.compile(r"\{\{|\}\}|^[ :*#]*\{\||^[ \t]*\|\}(?!\})|\[\[|\]\]", re.MULTILINE)
_EXTERNAL: Final = re.compile(r"\[(?:https?:|ftp:)?//[^\s\[\]]+[ \t]*([^\[\]\n]*)\]", re.IGNORECASE)
_BREAK: Final = re.compile(r"<(?:br|/p|/div|/li|/tr|hr)\b[^<>]*>", re.IGNORECASE)
_TAG: Final = re.compile(r"</?[a-zA-Z][^<>]*>")
_MAGIC: Final = re.compile(r"__[^\W\da-z]{3,40}?__")
_QUOTES: Final = re.compile("'{2,}")
_SPACES: Final = re.compile(r"[ \t\u00a0]+")
_LIST_MARK: Final = re.compile(r"^[*#:;]+\s*")
_LANGUAGE_CODE: Final = re.compile(r"[a-z]{2,3}(?:-[a-z-]+)?|simple")
_OPENERS: Final = {"}}": "{{", "|}": "{|", "]]": "[["}

# A file, whatever the namespace is called in the language of the wiki.
_FILE_NAME: Final = re.compile(
    r"\.(?:jpe?g|png|gif|svg|tiff?|webp|xcf|pdf|djvu|og[agvx]|opus|webm|wav|flac|midi?|mp3|mpe?g|stl)",
    re.IGNORECASE,
)
# A line of nothing but links into a namespace: categories, whatever they are called in that language.
_LONE_LINKS: Final = re.compile(
    r"^[ \t]*(?:\[\[[^\[\]|:\n]{1,40}:[^\s\[\]][^\[\]\n]{0,200}\]\][ \t]*){1,20}$", re.MULTILINE
)
# Chinese, Serbian and others: a word in the variants of the language, or a conversion rule, which shows nothing.
_VARIANTS: Final = re.compile(r"-\{([^{}\n]{0,400})\}-")
_VARIANT: Final = re.compile(r"\s*[a-z]{2,3}(?:-[a-z]+)?\s*:([^;]*)")

# Until the markup is gone, a kept piece is a number between two private characters in the text. A third private
# character marks each template that was dropped.
_HOLD, _RELEASE, _GONE = "\ue000", "\ue001", "\ue002"
_PRIVATE: Final = re.compile(f"[{_HOLD}{_RELEASE}{_GONE}]")
_HELD: Final = re.compile(f"{_HOLD}(\\d+){_RELEASE}")

# Remains of dropped templates: "Berlin ( , ; )", "(, capital", "documented in the , Berlin".
_LEFT: Final = r"[\s,;:/،、]{0,9}"
_HOLLOW: Final = re.compile(rf" ?[(（](?:{_LEFT}{_GONE}){{1,9}}{_LEFT}[)）]")
_AFTER_BRACKET: Final = re.compile(rf"(?<=[(（])(?:{_LEFT}{_GONE}){{1,9}}{_LEFT}")
_BEFORE_BRACKET: Final = re.compile(rf"(?:{_LEFT}{_GONE}){{1,9}} {{0,3}}(?=[)）])")
_BEFORE_STOP: Final = re.compile(rf"[ \u00a0]{{0,3}}{_GONE}[ \u00a0]{{0,3}}(?=[,.;!?،。、](?:\s|$))")


def plain_text(source: str, hidden: frozenset[str] = frozenset(), *, tables: bool = False) -> str:
    """Return the readable text of a page.

    Args:
        source: its wikitext.
        hidden: names of the namespaces for files and categories on this wiki, lower case; the English names and
            many others are built in.
        tables: keep tables, a row a line.

    >>> plain_text("'''Soap''' is a [[salt (chemistry)|salt]].<ref>a</ref>{{cite|x}} [[File:a.png|thumb|b]]")
    'Soap is a salt.'
    """
    kept: list[str] = []
    text = _without_comments(_PRIVATE.sub("", source))
    text = "".join(_without_enclosed(text, kept))
    text = _VARIANTS.sub(_variant, _LONE_LINKS.sub("", text))
    text = _EXTERNAL.sub(r"\1", _render_nested(text, _Shown(hidden, tables)))
    text = _TAG.sub("", _BREAK.sub("\n", text))
    text = _MAGIC.sub("", _QUOTES.sub("", text))
    text = html.unescape("\n".join(_lines(_without_gaps(text))))
    return _HELD.sub(lambda match: kept[int(match[1])], text).strip()


def _without_comments(text: str) -> str:
    """Drop comments; one that is never closed ends the page, as it does in MediaWiki."""
    parts = text.split("<!--")
    return parts[0] + "".join(part.partition("-->")[2] for part in parts[1:])


def _without_enclosed(text: str, kept: list[str]) -> Iterator[str]:
    """Yield the text outside tags whose content is not wikitext; code and formulas are put into `kept`."""
    endings: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for ending in _ENDING.finditer(text):
        endings[ending[1].lower()].append(ending.span())
    position = 0
    while match := _ENCLOSING.search(text, position):
        yield text[position : match.start()]
        position = match.end()
        name = match[1].lower()
        at = bisect_left(endings[name], (position, 0))
        if match[2].endswith("/") or at == len(endings[name]):
            continue  # encloses nothing, or is never closed
        start, end = endings[name][at]
        if name in _KEPT_TAGS:
            kept.append(html.unescape(text[position:start]))
            yield f"{_HOLD}{len(kept) - 1}{_RELEASE}"
        position = end
    yield text[position:]


def _variant(match: re.Match[str]) -> str:
    """Return the text that a mark of language conversion shows: the first variant."""
    flags, bar, text = match[1].rpartition("|")
    if bar and flags.strip() in {"T", "H", "D", "-"}:
        return ""
    found = _VARIANT.match(text)
    return found[1].strip() if found else text


@dataclass(frozen=True, slots=True)
class _Shown:
    """Renders templates, tables and links."""

    hidden: frozenset[str]
    tables: bool

    def of(self, kind: str, inner: str) -> str:
        """Return the text that a template, table or link shows."""
        if kind == "[[":
            return self._link(inner)
        if kind == "{|":
            return f"\n\n{table_text(inner)}\n\n" if self.tables else ""
        shown = show(inner)
        return _GONE if shown is None else shown

    def _link(self, inner: str) -> str:
        target, bar, label = inner.partition("|")
        target = target.strip()
        space, colon, name = target.partition(":")
        space = space.strip().lower().replace("_", " ")
        if colon and space:
            if space in FILE or space in CATEGORY or space in self.hidden or _FILE_NAME.search(name):
                return ""
            if not bar and _LANGUAGE_CODE.fullmatch(space):
                return ""
        return label.rpartition("|")[2] if bar else target.removeprefix(":")


def _render_nested(text: str, shown: _Shown) -> str:
    """Replace templates, tables and links from the inside out."""
    stack: list[tuple[str, list[str]]] = [("", [])]
    position = 0
    for match in _MARKUP.finditer(text):
        stack[-1][1].append(text[position : match.start()])
        position = match.end()
        mark = match[0].strip(" :*#\t")
        opener = _OPENERS.get(mark)
        if opener is None:
            if len(stack) <= MAX_DEPTH:
                stack.append((mark, []))
        elif any(kind == opener for kind, _ in stack):
            while stack[-1][0] != opener:  # never closed: only its text stays
                _, pieces = stack.pop()
                stack[-1][1].extend(pieces)
            kind, pieces = stack.pop()
            stack[-1][1].append(shown.of(kind, "".join(pieces)))
    stack[-1][1].append(text[position:])
    return "".join(piece for _, pieces in stack for piece in pieces)


def _without_gaps(text: str) -> str:
    """Close the gaps that dropped templates leave in a sentence, brackets and commas around them included."""
    if _GONE not in text:
        return text
    text = _AFTER_BRACKET.sub("", _HOLLOW.sub("", text))
    text = _BEFORE_STOP.sub("", _BEFORE_BRACKET.sub("", text))
    return text.replace(_GONE, "")


def _is_table_rest(line: str) -> bool:
    """Return True if a line is the rest of a table that was never closed."""
    return line.startswith(("|", "{|", "! ")) or (line.startswith("!") and ("|" in line or "!!" in line))


def _lines(text: str) -> Iterator[str]:
    """Yield the lines to keep: one blank line between paragraphs, no heading without text below it."""
    heading: str | None = None
    blank = False
    for raw in text.split("\n"):
        line = _SPACES.sub(" ", raw).strip()
        if not line.strip("*#:;") or line.startswith("----") or _is_table_rest(line):
            blank = True
            continue
        if line.startswith("=") and line.endswith("=") and line.strip("= "):
            heading = line.strip("= ")
            continue
        if heading is not None:
            yield from ("", heading, "")
        elif blank:
            yield ""
        heading, blank = None, False
        yield _LIST_MARK.sub("- " if line[0] in "*#" else "", line)
