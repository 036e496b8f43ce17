"""Pages nobody would train on: lists, calendars, tag clouds, log-ins, shells, doorways and soft errors."""

from __future__ import annotations

import calendar
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from page import number

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Junk:
    """One junk page: its layout name, URL, language and HTML (to be sent as UTF-8)."""

    layout: str
    url: str
    lang: str
    html: str


def junk_pages() -> list[Junk]:
    """Every junk page that `junk.json` lists; a body it does not hold itself is made from its word lists."""
    data: dict[str, Any] = json.loads((HERE / "junk.json").read_text(encoding="utf-8"))
    bodies = (
        data["bodies"] | _word_bodies(data["words"]) | _list_bodies(data["words"]) | _calendars(data["words"])
    )
    return [
        Junk(layout, url, lang, shell(title, bodies[body], lang))
        for layout, url, lang, title, body in data["pages"]
    ]


def shell(title: str, body: str, lang: str = "en") -> str:
    """A small page around a body."""
    return (
        f'<!DOCTYPE html>\n<html lang="{lang}"><head><meta charset="utf-8"><title>{title}</title></head>\n'
        f"<body>\n{body}\n</body></html>\n"
    )


def _word_bodies(words: dict[str, Any]) -> dict[str, str]:
    tags: list[str] = words["tags"]
    cloud = [
        f'<a href="/tag/{i}" style="font-size:{8 + number(t, 20)}pt">{t}</a>' for i, t in enumerate(tags)
    ]
    return {
        "keywords": "<p>"
        + ", ".join(f"{a} {b}" for a in words["keywords_a"] for b in words["keywords_b"])
        + "</p>",
        "keywords_de": " | ".join(f"{a} {b}" for a in words["keywords_de"] for b in words["towns_de"]),
        "cloud": f"<div>{' '.join(cloud)}</div>",
        "cloud_es": " ".join(f'<a href="/etiqueta/{i}">{tag}</a>' for i, tag in enumerate(words["tags_es"])),
        "hashtags": "<p>" + " ".join(f"#{tag.replace(' ', '')}" for tag in tags) + "</p>",
        "chant": "<br>\n".join(["Click here to continue to the next page"] * 60),
        "offers": "\n".join(["<p>BEST PRICE GUARANTEED!!! FREE SHIPPING!!! ORDER NOW!!!</p>"] * 25),
        "bullets": "\n".join(f"<p>• {tag}</p>" for tag in tags),
    }


def _list_bodies(words: dict[str, Any]) -> dict[str, str]:
    links = [f'<li><a href="https://{host}/">{name}</a></li>' for host, name in words["links"]]
    teasers = [f'<h3><a href="#">{head}</a></h3><p>{text} …</p>' for head, text in words["teasers"]]
    prices = [
        (f"{4100 + 7 * i}-B", f"M{i % 9 + 4} × {i * 5 + 10}", f"{number(str(i), 900) / 100:.2f}")
        for i in range(48)
    ]
    files = [
        f'<a href="{name}">{name}</a>  2025-07-1{number(name, 9)} 04:17  {number(name, 90000)}'
        for name in words["files"]
    ]
    times = [(stop, *_departures(i)) for i, stop in enumerate(words["stops"])]
    images = [f'<a href="/img/{i}"><img src="/t/{i}.jpg" alt="IMG_{4000 + i}"></a>' for i in range(60)]
    dump = [" ".join(f"{number(f'{i}.{j}', 256):02x}" for j in range(16)) for i in range(40)]
    return {
        "links": "<ul>\n" + "\n".join(links) + "\n</ul>",
        "teasers": "\n".join(teasers),
        "prices": _table(prices),
        "times": _table(times),
        "files": "<pre>" + "\n".join(files) + "</pre>",
        "thumbnails": "\n".join(images),
        "dump": "<pre>" + "\n".join(f"{16 * i:08x}  {row}" for i, row in enumerate(dump)) + "</pre>",
    }


def _departures(stop: int) -> list[str]:
    return [f"{6 + run}:{(7 * stop + 13 * run) % 60:02d}" for run in range(14)]


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    return (
        "<table>"
        + "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
        + "</table>"
    )


def _calendars(words: dict[str, Any]) -> dict[str, str]:
    weeks = [
        tuple(str(day or "&nbsp;") for day in week)
        for week in calendar.Calendar().monthdayscalendar(2025, 11)
    ]
    arrows = '<a href="?m=10">«</a> <a href="?m=12">»</a>'
    return {
        f"calendar_{lang}": _table([tuple(days), *weeks]) + arrows for lang, days in words["weekdays"].items()
    }
