"""Which pages the sample has: every text in its layouts, and copies of some of them, exact and nearly so."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from page import Block, Page, Site, number, parse_text

HERE = Path(__file__).parent
REVIEWED = ("shop", "directory")


@dataclass(frozen=True, slots=True)
class Planned:
    """A page to render and its place in the manifest: `text` is `<lang>/<slug>`, `edit` what a copy changed."""

    page: Page
    url: str
    role: str
    text: str
    edit: str | None = None
    copy_of: str | None = None


def planned_pages() -> list[Planned]:
    """Originals, the same texts in a second layout, exact copies under other URLs, and near copies."""
    plain = _originals()
    by_place = {(planned.text, planned.page.site.layout): planned for planned in plain}
    original = {planned.text: planned.url for planned in plain if planned.role == "original"}
    copies = read_json("copies.json")
    exact = [
        replace(by_place[text, layout], url=url, role="exact_copy", copy_of=by_place[text, layout].url)
        for text, layout, url in copies["exact"]
    ]
    near = [_near_copy(change, original[change["text"]]) for change in copies["near"]]
    return plain + exact + near


def read_json(name: str) -> dict[str, Any]:
    """A JSON file beside this module."""
    data: dict[str, Any] = json.loads((HERE / name).read_text(encoding="utf-8"))
    return data


def read_tsv(name: str) -> list[list[str]]:
    """The rows of a tab-separated file beside this module, without its header."""
    return [line.split("\t") for line in (HERE / name).read_text(encoding="utf-8").splitlines()[1:]]


@cache
def sites() -> dict[tuple[str, str], Site]:
    """The sites by language and layout."""
    return {(row[0], row[1]): Site(*row) for row in read_tsv("sites.tsv")}


@cache
def _texts() -> dict[str, tuple[str, tuple[Block, ...], str, tuple[str, ...]]]:
    """Title, blocks, date and layouts of every text."""
    found = {}
    for text, date, layouts in read_tsv("texts.tsv"):
        source = (HERE / "texts" / f"{text}.txt").read_text(encoding="utf-8")
        found[text] = (*parse_text(source), date, tuple(layouts.split(",")))
    return found


def _originals() -> list[Planned]:
    made = []
    for text, (_, _, _, layouts) in _texts().items():
        first = _page(text, layouts[0])
        made.append(Planned(first, first.url, "original", text))
        for layout in layouts[1:]:
            page = _page(text, layout)
            made.append(Planned(page, page.url, "layout_copy", text, copy_of=first.url))
    return made


def _page(text: str, layout: str, suffix: str = "") -> Page:
    title, blocks, date, _ = _texts()[text]
    lang, slug = text.split("/")
    site = sites()[lang, layout]
    interface = read_json("interface.json")[lang]
    key = f"{text} {layout}{suffix}"
    names, remarks = interface["names"], interface["reviews" if layout in REVIEWED else "comments"]
    start, shown = number(f"{text} {layout}", len(remarks)), number(f"{text} {layout}", 3) + 1
    return Page(
        url=_url(site, slug + suffix, date, number(key, 90000) + 1000),
        slug=slug + suffix,
        id=number(key, 90000) + 1000,
        title=title,
        blocks=blocks,
        site=site,
        author=names[number(text, len(names))],
        date=date,
        words=interface["words"],
        related=_related(text, lang),
        comments=tuple(
            (names[i % len(names)], remarks[i % len(remarks)]) for i in range(start, start + shown)
        ),
    )


def _url(site: Site, slug: str, date: str, page_id: int) -> str:
    scheme = "http" if site.layout in ("homepage", "magazine") else "https"
    path = site.path.format(slug=slug, id=page_id, year=date[:4], month=date[5:7])
    return f"{scheme}://{site.host}{path}"


def _related(text: str, lang: str) -> tuple[tuple[str, str], ...]:
    """Three other texts in the same language, each under the URL of its first layout."""
    others = sorted(
        (t for t in _texts() if t.startswith(lang + "/") and t != text), key=lambda t: number(text + t, 2**32)
    )
    rows = []
    for other in others[:3]:
        title, _, date, layouts = _texts()[other]
        page_id = number(f"{other} {layouts[0]}", 90000) + 1000
        rows.append((title, _url(sites()[lang, layouts[0]], other.split("/")[1], date, page_id)))
    return tuple(rows)


def _near_copy(change: dict[str, str], copy_of: str) -> Planned:
    """A page whose text differs a little from its original's.

    Raises:
        ValueError: the sentence to change does not stand in the text exactly once.
    """
    page = _page(change["text"], change["layout"], suffix="-2")
    page = replace(page, blocks=_edited(page, change))
    return Planned(page, page.url, "near_copy", change["text"], change["edit"], copy_of)


def _edited(page: Page, change: dict[str, str]) -> tuple[Block, ...]:
    blocks = page.blocks
    if change["edit"] == "cut_ending":
        return blocks[:-1]
    if change["edit"] == "extra_paragraph":
        return (*blocks, Block("paragraph", (change["add"],)))
    if change["edit"] == "advertisements":
        first, second = read_json("interface.json")[page.site.lang]["ads"][:2]
        return (
            *blocks[:1],
            Block("paragraph", (first,)),
            *blocks[1:3],
            Block("paragraph", (second,)),
            *blocks[3:],
        )
    if sum(line.count(change["find"]) for block in blocks for line in block.lines) != 1:
        raise ValueError(f"{page.slug} does not hold this exactly once: {change['find']}")
    return tuple(
        Block(block.kind, tuple(line.replace(change["find"], change["replace"]) for line in block.lines))
        for block in blocks
    )
