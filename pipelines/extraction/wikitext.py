"""Wikitext to plain text in linear time: prose, headings, list items, code and formulas; no templates or tables.

Templates are dropped but for a few that carry prose (language, units, no-wrap); tables, references, files,
categories and links to other languages are dropped; formulas stay as LaTeX; headings and list items are lines of
their own, headings without text below them go. One pass over the markup with a stack: what is never closed
loses its marks, not its text, and nesting deeper than `MAX_DEPTH` is read as text.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Final

from pipelines.extraction.wiki_names import CATEGORY, FILE

MAX_BYTES: Final = 8 << 20
"""Larger pages are not parsed. MediaWiki itself refuses pages above 2 MiB ($wgMaxArticleSize)."""

MAX_DEPTH: Final = 60

_KEPT_TAGS: Final = ("nowiki", "math", "chem", "pre", "syntaxhighlight", "source", "code")
_DROPPED_TAGS: Final = (
    "ref",
    "gallery",
    "timeline",
    "score",
    "imagemap",
    "templatestyles",
    "graph",
    "mapframe",
)
_ENCLOSING: Final = re.compile(rf"<(/?)({'|'.join(_KEPT_TAGS + _DROPPED_TAGS)})\b([^<>]*)>", re.IGNORECASE)
_MARKUP: Final = re.compile(r"\{\{|\}\}|^[ :*#]*\{\||^[ \t]*\|\}(?!\})|\[\[|\]\]", re.MULTILINE)
_EXTERNAL: Final = re.compile(r"\[(?:https?:|ftp:)?//[^\s\[\]]+[ \t]*([^\[\]\n]*)\]", re.IGNORECASE)
_BREAK: Final = re.compile(r"<(?:br|/p|/div|/li|/tr|hr)\b[^<>]*>", re.IGNORECASE)
_TAG: Final = re.compile(r"</?[a-zA-Z][^<>]*>")
_MAGIC: Final = re.compile(r"__[A-Z]+__")
_QUOTES: Final = re.compile("'{2,}")
_SPACES: Final = re.compile(r"[ \t\u00a0]+")
_LIST_MARK: Final = re.compile(r"^[*#:;]+\s*")
_LANGUAGE_CODE: Final = re.compile(r"[a-z]{2,3}(?:-[a-z-]+)?|simple")
_PROSE_TEMPLATES: Final = frozenset({"lang", "nowrap", "nobr", "small", "nihongo", "transl", "script"})
_OPENERS: Final = {"}}": "{{", "|}": "{|", "]]": "[["}

# Kept pieces stand in the text as numbers between two private characters until the markup is gone.
_HOLD, _RELEASE = "\ue000", "\ue001"
_HELD: Final = re.compile(f"{_HOLD}(\\d+){_RELEASE}")


def plain_text(source: str) -> str:
    """Return the readable text of a page.

    >>> plain_text("'''Soap''' is a [[salt (chemistry)|salt]].<ref>a</ref>{{cite|x}} [[File:a.png|thumb|b]]")
    'Soap is a salt.'
    """
    kept: list[str] = []
    text = _without_comments(source.replace(_HOLD, "").replace(_RELEASE, ""))
    text = "".join(_without_enclosed(text, kept))
    text = _EXTERNAL.sub(r"\1", _render_nested(text))
    text = _TAG.sub("", _BREAK.sub("\n", text))
    text = _MAGIC.sub("", _QUOTES.sub("", text))
    text = html.unescape("\n".join(_lines(text)))
    return _HELD.sub(lambda match: kept[int(match[1])], text).strip()


def _without_comments(text: str) -> str:
    """Drop comments; one that is never closed ends the page, as it does in MediaWiki."""
    parts = text.split("<!--")
    return parts[0] + "".join(part.partition("-->")[2] for part in parts[1:])


def _without_enclosed(text: str, kept: list[str]) -> Iterator[str]:
    """Yield the text outside of tags that enclose no wikitext; code and formulas are put into `kept`."""
    position = 0
    lower = text.lower() if len(text.lower()) == len(text) else text  # İ lowers to two characters
    last = {name: lower.rfind(f"</{name}") for name in _KEPT_TAGS + _DROPPED_TAGS}
    while match := _ENCLOSING.search(text, position):
        yield text[position : match.start()]
        position = match.end()
        name = match[2].lower()
        if match[1] or match[3].endswith("/") or last[name] < position:
            continue  # closes nothing, encloses nothing, or is never closed
        end = lower.index(f"</{name}", position)
        if name in _KEPT_TAGS:
            kept.append(html.unescape(text[position:end]))
            yield f"{_HOLD}{len(kept) - 1}{_RELEASE}"
        closing = text.find(">", end)
        position = closing + 1 if closing >= 0 else len(text)
    yield text[position:]


def _render_nested(text: str) -> str:
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
            while stack[-1][0] != opener:  # was never closed: its text stays
                _, pieces = stack.pop()
                stack[-1][1].extend(pieces)
            kind, pieces = stack.pop()
            stack[-1][1].append(_render(kind, "".join(pieces)))
    stack[-1][1].append(text[position:])
    return "".join(piece for _, pieces in stack for piece in pieces)


def _render(kind: str, inner: str) -> str:
    """Return what a template, table or link shows."""
    if kind == "{|":
        return ""
    return _template(inner) if kind == "{{" else _link(inner)


def _template(inner: str) -> str:
    name, *arguments = inner.split("|")
    name = name.strip().lower()
    values = [argument.strip() for argument in arguments if "=" not in argument]
    if name in {"convert", "cvt"} and len(values) > 1:
        return f"{values[0]} {values[1]}"
    if values and (name in _PROSE_TEMPLATES or name.startswith("lang-")):
        return values[1] if name in {"lang", "transl", "script"} and len(values) > 1 else values[0]
    return ""


def _link(inner: str) -> str:
    target, bar, label = inner.partition("|")
    target = target.strip()
    space, colon, _ = target.partition(":")
    space = space.strip().lower().replace("_", " ")
    if colon and (space in FILE or space in CATEGORY):
        return ""
    if colon and not bar and _LANGUAGE_CODE.fullmatch(space):
        return ""
    return label.rpartition("|")[2] if bar else target.removeprefix(":")


def _lines(text: str) -> Iterator[str]:
    """Yield the lines to keep: one blank line between paragraphs, no heading without text below it."""
    heading: str | None = None
    blank = False
    for raw in text.split("\n"):
        line = _SPACES.sub(" ", raw).strip()
        if not line.strip("*#:;") or line.startswith(("|", "!", "----", "{|")):
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
