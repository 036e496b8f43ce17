"""Fourteen page layouts, pure functions from a page to HTML bytes.

The frame of each layout (head, navigation, sidebars, banners, footer) is a file in `templates/`; what a layout
does to the text itself, its tags and its nesting, is a function in `bodies.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from html import escape
from pathlib import Path
from string import Template

import bodies
from page import Block, Page, number

TEMPLATES = Path(__file__).parent / "templates"
RIGHT_TO_LEFT = {"ar"}


@dataclass(frozen=True, slots=True)
class Layout:
    """How one kind of site writes a page: body function, markup of a related link and of a comment."""

    body: Callable[[Page], str]
    related: str
    comment: str = ""
    curly_quotes: bool = False
    old_meta: bool = False


LAYOUTS: dict[str, Layout] = {
    "news": Layout(
        bodies.news,
        '<article class="card"><h3><a href="{url}">{title}</a></h3><a href="{url}">{more}</a></article>',
    ),
    "blog": Layout(
        bodies.blog,
        '<li><a href="{url}">{title}</a></li>',
        '<li class="comment"><article><footer><b class="fn">{name}</b></footer><p>{text}</p>'
        '<a class="comment-reply-link" href="#respond">{reply}</a></article></li>',
    ),
    "forum": Layout(bodies.forum, '<li><a href="{url}" class="topictitle">{title}</a></li>', old_meta=True),
    "shop": Layout(
        bodies.shop,
        '<div class="card"><a href="{url}"><img src="/cdn/card.jpg" alt=""><span>{title}</span></a></div>',
        '<div class="review"><span>★★★★★</span> <b>{name}</b><p>{text}</p></div>',
    ),
    "docs": Layout(
        bodies.docs, '<li class="toctree-l1"><a class="reference internal" href="{url}">{title}</a></li>'
    ),
    "recipe": Layout(
        bodies.recipe,
        '<li><a href="{url}"><img src="/t.jpg" alt="" width="60">{title}</a></li>',
        '<div class="c"><strong>{name}</strong> ★★★★★<br>{text}</div>',
    ),
    "directory": Layout(
        bodies.plain,
        '<div class="place"><a href="{url}">{title}</a><br><span>0.4 km</span></div>',
        "<blockquote><p>{text}</p><cite>{name}</cite></blockquote>",
    ),
    "gallery": Layout(bodies.gallery, '<li><a href="{url}"><img src="/t/s.jpg" alt="{title}"></a></li>'),
    "magazine": Layout(
        bodies.magazine, '<A HREF="{url}">{title}</A><BR><BR>', curly_quotes=True, old_meta=True
    ),
    "soup": Layout(
        bodies.soup, '<div class="css-s2"><div class="css-s3">{title}</div><div>3 min</div></div>'
    ),
    "homepage": Layout(bodies.homepage, '<li><a href="{url}">{title}</a>', old_meta=True),
    "qa": Layout(bodies.qa, '<div class="spacer"><span>{id}</span> <a href="{url}">{title}</a></div>'),
    "newsletter": Layout(
        bodies.newsletter,
        '<td width="25%" valign="top" style="font-size:12px"><a href="{url}">{title}</a></td>',
        curly_quotes=True,
        old_meta=True,
    ),
    "wiki": Layout(bodies.wiki, '<li><a href="{url}" title="{title}">{title}</a></li>'),
}


def render(page: Page) -> bytes:
    """The page as its site would send it, in the site's charset.

    Characters that the charset lacks become numeric character references. A site that declares its charset by
    `bom` starts with a byte order mark.
    """
    layout = LAYOUTS[page.site.layout]
    if layout.curly_quotes:
        page = _with_curly_quotes(page)
    values = {f"w_{key}": escape(word) for key, word in page.words.items()}
    html = _template(page.site.layout).substitute(values | _values(page, layout))
    data = html.encode(page.site.charset, "xmlcharrefreplace")
    return b"\xef\xbb\xbf" + data if page.site.declared == "bom" else data


@cache
def _template(name: str) -> Template:
    return Template((TEMPLATES / f"{name}.html").read_text(encoding="utf-8"))


def _values(page: Page, layout: Layout) -> dict[str, str]:
    first = next(block.text for block in page.blocks if block.kind == "paragraph")
    return {
        "lang": page.site.lang,
        "dir": "rtl" if page.site.lang in RIGHT_TO_LEFT else "ltr",
        "charset": _charset_meta(page, layout.old_meta),
        "title": escape(page.title),
        "summary": escape(first[:120].rpartition(" ")[0] or first[:60]),
        "site": escape(page.site.name),
        "section": escape(page.site.section),
        "url": escape(page.url),
        "slug": page.slug,
        "id": str(page.id),
        "author": escape(page.author),
        "date": page.date,
        "price": f"{20 + number(page.slug, 400)}.00",
        "body": layout.body(page),
        "related": _related(page, layout),
        "comments": _comments(page, layout),
    }


def _related(page: Page, layout: Layout) -> str:
    rows = []
    for title, url in page.related:
        fields = {"title": escape(title), "url": escape(url), "more": escape(page.words["more"])}
        rows.append(layout.related.format(id=number(url, 90), **fields))
    return "\n".join(rows)


def _comments(page: Page, layout: Layout) -> str:
    reply = escape(page.words["reply"])
    return "\n".join(
        layout.comment.format(name=escape(name), text=escape(text, quote=False), reply=reply)
        for name, text in page.comments
    )


def _charset_meta(page: Page, old: bool) -> str:
    if page.site.declared not in ("meta", "both"):
        return ""
    if old:
        return f'<meta http-equiv="Content-Type" content="text/html; charset={page.site.charset}">'
    return f'<meta charset="{page.site.charset}">'


def _with_curly_quotes(page: Page) -> Page:
    blocks = tuple(
        block if block.kind == "code" else Block(block.kind, tuple(_curly(line) for line in block.lines))
        for block in page.blocks
    )
    return replace(page, title=_curly(page.title), blocks=blocks)


def _curly(text: str) -> str:
    """Typewriter quotes as a word processor would set them in English."""
    text = re.sub(r"(?<=\w)'", "’", text)
    text = re.sub(r'(^|[\s(])"', r"\1“", text)
    return text.replace('"', "”")
